#include "tests/crash/simulation.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <sqlite3.h>

#include "tests/crash/ledger.hpp"
#include "tests/crash/simulated_daemon.hpp"
#include "tests/crash/simulated_producer.hpp"
#include "tests/support/simulated_disk.hpp"

namespace accrue::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kHorizon = seconds(4);      // in which rows are pushed and things go wrong
constexpr Duration kPatience = seconds(3000);  // after which a history that is not at rest never will be
constexpr Duration kLongestOutage = seconds(2);

class History {
 public:
  explicit History(std::uint64_t seed)
      : random_(seed), disk_({.seed = seed}), spec_(draw_spec()), ledger_(spec_), daemon_options_(draw_daemon()) {}

  HistoryCounts run() {
    start_daemon();
    const std::size_t producers = 1 + random_.below(3);
    for (std::size_t i = 0; i < producers; ++i) start_producer(i);
    plan_faults();
    for (std::uint64_t n = chance(0.5) ? random_.below(12) : 0; n > 0; --n) {
      queue_.after(within(kHorizon), [this] { change_models(); });
    }
    run_until([this] { return queue_.now() >= horizon_ && at_rest(); }, "all that was pushed to become durable");
    daemon_->begin_stop();
    run_until([this] { return daemon_->at_rest(); }, "the daemon to stop");
    daemon_.reset();
    check_store();
    counts_.rows_promised = ledger_.rows_promised();
    return counts_;
  }

 private:
  struct Pusher {
    ProducerOptions options;
    std::unique_ptr<SimulatedProducer> process;
    std::size_t rows_left = 0;
  };

  bool chance(double probability) { return random_.uniform() < probability; }
  Duration within(Duration most) {
    return Duration(static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()))));
  }

  wire::StreamSpec draw_spec() {
    wire::StreamSpec spec{.features = {"a", "b"}, .target = "y"};
    spec.partitions = static_cast<std::uint32_t>(1 + random_.below(4));
    if (chance(0.3)) {
      spec.key = "a";
      spec.partition_by = wire::PartitionBy::kHash;
    }
    return spec;
  }

  Latency draw_latency() {
    Latency latency;
    latency.slow_share = chance(0.3) ? 0.1 : 0.01;
    latency.usual = chance(0.3) ? milliseconds(5) : std::chrono::microseconds(300);
    latency.slow = chance(0.2) ? Duration(seconds(5)) : Duration(milliseconds(50));
    return latency;
  }

  DaemonOptions draw_daemon() {
    DaemonOptions options;
    options.intake.streams.version = ACCRUE_VERSION;
    options.intake.streams.workers = static_cast<std::uint32_t>(1 + random_.below(3));
    options.intake.streams.epoch_interval = milliseconds(1 + random_.below(200));
    options.intake.streams.epoch_rows = 1 + random_.below(100);
    options.intake.streams.window_bytes = chance(0.5) ? 400 : 1u << 20;
    if (chance(0.3)) options.intake.memory_bytes = 10'000;  // for a few batches at a time
    options.store.keep_epochs = static_cast<std::uint32_t>(2 + random_.below(3));
    options.latency = draw_latency();
    // Where messages may take so long, a worker that is not heard of for a while is not dead yet.
    options.intake.streams.worker_silence = std::max<milliseconds>(
        options.intake.streams.worker_silence, 10 * std::chrono::duration_cast<milliseconds>(options.latency.slow));
    return options;
  }

  // ---- the daemon's lives ----

  void start_daemon() {
    try {
      daemon_ = std::make_unique<SimulatedDaemon>(
          queue_, random_, daemon_options_,
          [this](const ingest::SessionId& session, const wire::Bytes& message) { to_client(session, message); });
    } catch (const daemon::StoreError&) {
      if (!outage_) throw;
      queue_.after(milliseconds(100), [this] { start_daemon(); });  // whoever supervises it tries again
    }
  }

  void end_daemon(bool with_power) {
    if (!daemon_) return;
    doomed_ = false;
    outage_ = false;
    ++(with_power ? counts_.daemon_kills : counts_.power_cuts);
    with_power ? disk_.kill_process() : disk_.cut_power();  // before it could close its files
    daemon_.reset();
    for (Pusher& pusher : pushers_) pusher.process->cut_connection();
    check_store();
    queue_.after(within(milliseconds(500)), [this] { start_daemon(); });
  }

  void check_store() {
    daemon::Store store(kStoreFile, daemon_options_.store);
    for (const daemon::StreamRecord& stream : store.streams()) {
      const auto epochs = store.epochs(stream.id);
      for (const std::uint64_t number : epochs) {
        ledger_.check(store.load(stream.id, number), number == epochs.front());
        ++counts_.epochs_checked;
      }
    }
  }

  // ---- the producers' lives ----

  void start_producer(std::size_t index) {
    Pusher& pusher = pushers_.emplace_back();
    pusher.options.name = "p" + std::to_string(index);
    pusher.options.batch_rows = 1 + random_.below(8);
    pusher.options.latency = draw_latency();
    if (chance(0.3)) pusher.options.duplicate_share = pusher.options.reorder_share = 0.1;
    pusher.rows_left = 1 + random_.below(300);
    begin_process(index);
    push_some(index);
  }

  void begin_process(std::size_t index) {
    Pusher& pusher = pushers_[index];
    ledger_.producer_began(pusher.options.name);
    pusher.process = std::make_unique<SimulatedProducer>(
        queue_, random_, pusher.options, spec_,
        [this, name = pusher.options.name](const ingest::SessionId& session, const wire::Bytes& frame) {
          ledger_.arrived(name, frame);
          if (daemon_) daemon_->from_client(session, frame);
        });
  }

  void push_some(std::size_t index) {
    Pusher& pusher = pushers_[index];
    std::vector<double> rows;
    for (std::size_t n = std::min(pusher.rows_left, 1 + random_.below(20)); n > 0; --n, --pusher.rows_left) {
      const double id = static_cast<double>(++row_id_);
      const double other = static_cast<double>(random_.below(1'000));
      rows.insert(rows.end(), {id, other, chance(0.02) ? std::numeric_limits<double>::quiet_NaN() : id + 3 * other});
    }
    pusher.process->push(rows);
    if (chance(0.2) || pusher.rows_left == 0) pusher.process->flush();
    if (pusher.rows_left > 0) queue_.after(within(kHorizon / 10), [this, index] { push_some(index); });
  }

  void to_client(const ingest::SessionId& session, const wire::Bytes& message) {
    for (Pusher& pusher : pushers_) {
      if (session.substr(0, session.find('-')) != pusher.options.name) continue;
      ledger_.said(pusher.options.name, message);
      pusher.process->from_daemon(session, message);
    }
  }

  void end_producer(std::size_t index) {
    ++counts_.producer_deaths;
    begin_process(index);
    pushers_[index].process->flush();
  }

  // ---- models ----

  void change_models() {
    SimulatedProducer& asker = *pushers_[random_.below(pushers_.size())].process;
    const std::string known = "m" + std::to_string(random_.below(models_asked_ + 1));  // m0 never was
    const std::string ridge = std::to_string(random_.below(3));
    switch (random_.below(4)) {
      case 0: return asker.ask(wire::PromoteModel{.stream = "s", .model = chance(0.5) ? known : wire::kDefaultModel});
      case 1:
        dropped_.insert(known);
        ledger_.model_to_be_dropped(known);
        return asker.ask(wire::DropModel{.stream = "s", .model = known});
      default:
        wire::ModelSpec model{.name = "m" + std::to_string(++models_asked_), .learner = "adaptive", .settings = {}};
        if (chance(0.2)) return asker.ask(wire::AddModel{.stream = "s", .model = model});
        model.learner = "least_squares";
        model.settings = {{.key = "ridge", .value = ridge}};
        // Whose state tells where in the stream each of its rows stood.
        if (chance(0.5)) model.settings.push_back({.key = "half_life_rows", .value = "20"});
        return asker.ask(wire::AddModel{.stream = "s", .model = model});
    }
  }

  void note_answers() {
    for (Pusher& pusher : pushers_) {
      for (const auto& request : pusher.process->answered()) {
        if (!request->done) continue;
        ++counts_.model_changes;
        const auto* add = std::get_if<wire::AddModel>(&request->what);
        if (add && !dropped_.contains(add->model.name)) ledger_.model_promised(add->model.name);
      }
    }
  }

  // ---- what goes wrong ----

  void plan_faults() {
    for (std::uint64_t n = random_.below(8); n > 0; --n) queue_.after(within(kHorizon), [this] { fault(); });
    horizon_ = queue_.now() + kHorizon + kLongestOutage;
  }

  void fault() {
    const std::size_t pusher = random_.below(pushers_.size());
    switch (random_.below(9)) {
      case 0: return end_daemon(true);
      case 1: return end_daemon(false);
      case 2: return doom_daemon();
      case 3: return break_disk();
      case 4: ++counts_.cut_connections; return pushers_[pusher].process->cut_connection();
      case 5: return end_producer(pusher);
      default: return trouble_workers();
    }
  }

  void trouble_workers() {
    if (!daemon_) return;
    ++counts_.worker_faults;
    switch (random_.below(4)) {
      case 0: return daemon_->end_worker(true);
      case 1: return daemon_->end_worker(false);
      case 2: return daemon_->hang_worker(within(seconds(20)));
      case 3: return daemon_->start_worker();
    }
  }

  // It dies in the middle of what it next does to its disk.
  void doom_daemon() {
    if (!daemon_ || outage_) return;
    disk_.fail_from(1 + random_.below(60), SQLITE_IOERR);
    doomed_ = outage_ = true;
    queue_.after(kLongestOutage, [this] {
      if (doomed_) end_daemon(true);  // it had nothing to write
    });
  }

  void break_disk() {
    if (!daemon_ || outage_) return;
    ++counts_.disk_outages;
    disk_.fail_from(1 + random_.below(60), chance(0.5) ? SQLITE_FULL : SQLITE_IOERR_WRITE);
    outage_ = true;
    queue_.after(within(kLongestOutage), [this] {
      if (!outage_ || doomed_) return;
      disk_.heal();
      outage_ = false;
    });
  }

  bool at_rest() const {
    return daemon_ && !outage_ && std::all_of(pushers_.begin(), pushers_.end(), [](const Pusher& pusher) {
             return pusher.rows_left == 0 && pusher.process->all_durable();
           });
  }

  template <class Done>
  void run_until(Done done, const std::string& what) {
    const TimePoint deadline = queue_.now() + kPatience;
    while (!done()) {
      if (queue_.empty() || queue_.now() > deadline) throw std::runtime_error("waited in vain for " + what);
      queue_.run_next();
      ++counts_.events;
      note_answers();
      if (doomed_ && daemon_ && daemon_->degraded()) {
        ++counts_.kills_while_writing;
        end_daemon(chance(0.5));
      }
      for (const Pusher& pusher : pushers_) {
        if (!pusher.process->complaint().empty()) throw std::runtime_error(pusher.process->complaint());
      }
    }
  }

  EventQueue queue_;
  Random random_;
  SimulatedDisk disk_;
  const wire::StreamSpec spec_;
  Ledger ledger_;
  const DaemonOptions daemon_options_;
  std::unique_ptr<SimulatedDaemon> daemon_;
  std::vector<Pusher> pushers_;
  TimePoint horizon_;
  std::uint64_t row_id_ = 0;
  std::uint64_t models_asked_ = 0;
  std::set<std::string> dropped_;  // or were to be
  bool doomed_ = false;            // the daemon will be killed when the disk first fails
  bool outage_ = false;            // the disk fails, or will from some operation on
  HistoryCounts counts_;
};

}  // namespace

HistoryCounts& HistoryCounts::operator+=(const HistoryCounts& other) {
  events += other.events;
  rows_promised += other.rows_promised;
  epochs_checked += other.epochs_checked;
  daemon_kills += other.daemon_kills;
  kills_while_writing += other.kills_while_writing;
  power_cuts += other.power_cuts;
  disk_outages += other.disk_outages;
  cut_connections += other.cut_connections;
  producer_deaths += other.producer_deaths;
  worker_faults += other.worker_faults;
  model_changes += other.model_changes;
  return *this;
}

HistoryCounts simulate(std::uint64_t seed) { return History(seed).run(); }

}  // namespace accrue::tests
