// Workers as processes of their own: they are killed, stopped, join and leave while rows are pushed, and what is on the
// disk in the end is bit for bit what an undisturbed run of threads leaves there.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "datasets/random.hpp"
#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/model_sets.hpp"
#include "tests/support/torture.hpp"

namespace accrue::tests {
namespace {

using datasets::Random;
using testing::HasSubstr;

// A daemon with workers of other processes, and which of them are here, by what it logs.
class CoordinatedDaemon {
 public:
  explicit CoordinatedDaemon(std::vector<std::string> flags) : daemon_(with_log(std::move(flags))) {}

  Daemon& daemon() { return daemon_; }
  const std::set<std::string>& workers() const { return workers_; }  // names

  // Reads the log on until so many workers have joined since the daemon started, or one is lost.
  void await_joined(std::size_t count) {
    while (joined_ < count) read_event();
  }
  void await_lost() {
    for (const std::size_t before = lost_; lost_ == before;) read_event();
  }
  // Until the daemon's own line about its end.
  int stop() {
    daemon_.process().signal(SIGTERM);
    while (read_event() != "stopped") {
    }
    return daemon_.process().wait();
  }
  void restart() {
    daemon_.kill();
    workers_.clear();
    joined_ = 0;
    daemon_.start();
  }

 private:
  static std::vector<std::string> with_log(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--log-format", "json", "--epoch-interval-ms", "5"});
    return flags;
  }

  std::string read_event() {
    const auto line = daemon_.process().read_error_line();
    if (!line) throw std::runtime_error("the daemon has ended");
    const auto event = nlohmann::json::parse(*line);
    const std::string name = event.value("event", "");
    if (name == "worker_joined") ++joined_, workers_.insert(event.at("worker"));
    if (name == "worker_lost") ++lost_, workers_.erase(event.at("worker"));
    return name;
  }

  Daemon daemon_;
  std::set<std::string> workers_;
  std::size_t joined_ = 0;
  std::size_t lost_ = 0;
};

pid_t pid_of(const std::string& worker) { return std::stoi(worker.substr(worker.rfind(':') + 1)); }

// A process that has ended and that nobody has waited for does not run.
bool is_running(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:")) return line.find('Z') == std::string::npos;
  }
  return false;
}

// Pushes the rows in shares of random size, and disturbs after each of `times` of them.
template <class Disturb>
void push_disturbed(CoordinatedDaemon& coordinated, const std::vector<double>& rows, int times, Random& random,
                    Disturb disturb) {
  const std::size_t count = rows.size() / kColumns;
  Client client({.endpoint = coordinated.daemon().endpoint(), .batch_rows = 32, .timeout = kPatience});
  Stream stream = client.stream("s", kHashed);
  std::size_t pushed = 0;
  for (int i = 0; i < times; ++i) {
    const std::size_t end = std::min(count, pushed + 1 + random.below(2 * count / static_cast<std::size_t>(times)));
    stream.push_rows({rows.data() + pushed * kColumns, (end - pushed) * kColumns});
    pushed = end;
    disturb();
  }
  stream.push_rows({rows.data() + pushed * kColumns, (count - pushed) * kColumns});
  EXPECT_EQ(stream.flush().durable_rows, count);
}

TEST(Workers, KillsAtRandomMomentsLeaveNoTrace) {
  const int kills = torture() ? 1'000 : 10;
  report_torture(static_cast<std::uint64_t>(kills), "kills of workers, the daemon now and then among them");
  Random random(torture_seed());
  const std::vector<double> rows = rows_of(static_cast<std::size_t>(kills) * 300, torture_seed());
  CoordinatedDaemon coordinated({"--workers", "3", "--worker-kind", "processes"});
  std::size_t expected = 3;
  push_disturbed(coordinated, rows, kills, random, [&] {
    coordinated.await_joined(expected);
    if (random.below(10) == 0) {
      coordinated.restart();
      expected = 3;
      return;
    }
    const auto victim = std::next(coordinated.workers().begin(),
                                  static_cast<std::ptrdiff_t>(random.below(coordinated.workers().size())));
    ASSERT_EQ(::kill(pid_of(*victim), SIGKILL), 0);
    coordinated.await_lost();
    ++expected;
  });
  ASSERT_EQ(coordinated.stop(), 0);
  EXPECT_EQ(stored(coordinated.daemon()), stored_undisturbed(rows));
}

// What the stopped daemon's store holds, all partitions together.
models::ModelSet stored_model(const Daemon& daemon) {
  models::ModelSet whole = least_squares_set({.features = kColumns - 1});
  for (const SqliteFile::Row& row : stored(daemon)) {
    std::vector<std::byte> state;
    for (std::size_t i = 0; i < row.at(2).size(); i += 2) {
      state.push_back(static_cast<std::byte>(std::stoi(row.at(2).substr(i, 2), nullptr, 16)));
    }
    std::optional<models::ModelSet> part;
    EXPECT_EQ(models::ModelSet::decode(state, part), models::DecodeError::kNone);
    whole.merge(*part);
  }
  return whole;
}

// Several producers are interleaved as it happens, and the least loaded worker is whoever it is at the moment: the rows
// are the same all the same, by the sum of a column of whole numbers, and the coefficients to rounding.
TEST(Workers, KillsUnderSeveralProducersLoseNoRow) {
  constexpr std::size_t kProducers = 3;
  const int kills = torture() ? 200 : 6;
  report_torture(static_cast<std::uint64_t>(kills), "kills of workers under several producers");
  Random random(torture_seed());
  const std::size_t count = static_cast<std::size_t>(kills) * 300;
  StreamSpec spec = kHashed;
  spec.key.clear();
  spec.partition_by = PartitionBy::kLeastLoaded;
  CoordinatedDaemon coordinated({"--workers", "3", "--worker-kind", "processes"});
  models::ModelSet expected = least_squares_set({.features = kColumns - 1});
  double checksum = 0;
  {
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<Stream> streams;
    for (std::size_t i = 0; i < kProducers; ++i) {
      clients.push_back(std::make_unique<Client>(
          ClientOptions{.endpoint = coordinated.daemon().endpoint(), .batch_rows = 32, .timeout = kPatience}));
      streams.push_back(clients.back()->stream("s", spec));
    }
    for (int i = 0; i < kills; ++i) {
      for (Stream& stream : streams) {
        const std::vector<double> rows =
            rows_of(1 + random.below(2 * count / static_cast<std::size_t>(kills)), random.next());
        expected.learn({rows.data(), rows.size() / kColumns, kColumns, kColumns - 1, false});
        for (std::size_t at = 0; at < rows.size(); at += kColumns) checksum += rows[at];
        stream.push_rows(rows);
      }
      coordinated.await_joined(3 + static_cast<std::size_t>(i));
      const auto victim = std::next(coordinated.workers().begin(),
                                    static_cast<std::ptrdiff_t>(random.below(coordinated.workers().size())));
      ASSERT_EQ(::kill(pid_of(*victim), SIGKILL), 0);
      coordinated.await_lost();
    }
    for (Stream& stream : streams) stream.flush();
  }
  ASSERT_EQ(coordinated.stop(), 0);
  const models::ModelSet learned = stored_model(coordinated.daemon());
  ASSERT_EQ(learned.champion().learner().rows(), expected.champion().learner().rows());
  const double sum = learner_of(learned).describe().feature_means.at(0) * learner_of(learned).sum_weights();
  EXPECT_NEAR(sum, checksum, 1e-3) << "a sum of whole numbers";
  const models::Fit fit = learner_of(learned).fit();
  const models::Fit reference = learner_of(expected).fit();
  for (std::size_t i = 0; i < fit.coefficients.size(); ++i) {
    EXPECT_NEAR(fit.coefficients[i], reference.coefficients[i],
                1e-12 * std::max(1.0, std::abs(reference.coefficients[i])));
  }
}

class OutsideWorkers : public testing::Test {
 protected:
  std::string endpoint() const { return "ipc://" + (directory_.path() / "workers").string(); }
  std::vector<std::string> flags() const { return {"--workers", "0", "--worker-listen", endpoint()}; }
  ChildProcess& start_worker() {
    return workers_.emplace_back(
        std::vector<std::string>{ACCRUED_PATH, "worker", "--connect", endpoint(), "--log-level", "error"});
  }

  TemporaryDirectory directory_;
  std::deque<ChildProcess> workers_;
};

TEST_F(OutsideWorkers, JoinAndLeaveWhileRowsArePushed) {
  const int changes = torture() ? 200 : 6;
  report_torture(static_cast<std::uint64_t>(changes), "workers that joined or left");
  Random random(torture_seed());
  const std::vector<double> rows = rows_of(static_cast<std::size_t>(changes) * 300, torture_seed());
  start_worker();  // before its daemon
  CoordinatedDaemon coordinated(flags());
  std::size_t expected = 1;
  coordinated.await_joined(expected);
  push_disturbed(coordinated, rows, changes, random, [&] {
    if (workers_.size() < 2 || random.below(2) == 0) {
      start_worker();
      coordinated.await_joined(++expected);
      return;
    }
    workers_.front().signal(SIGTERM);
    EXPECT_EQ(workers_.front().wait(), 0) << workers_.front().error_output();
    workers_.pop_front();
    coordinated.await_lost();
  });
  ASSERT_EQ(coordinated.stop(), 0);
  EXPECT_EQ(stored(coordinated.daemon()), stored_undisturbed(rows));
}

TEST_F(OutsideWorkers, OneThatIsStoppedIsFencedAndJoinsAnew) {
  report_torture(1, "worker that was stopped until it was missed");
  Random random(torture_seed());
  const std::vector<double> rows = rows_of(3'000, torture_seed());
  CoordinatedDaemon coordinated(flags());
  start_worker();
  coordinated.await_joined(1);
  start_worker();
  coordinated.await_joined(2);
  int step = 0;
  push_disturbed(coordinated, rows, 3, random, [&] {
    switch (step++) {
      case 0: return workers_.front().signal(SIGSTOP);
      case 1:
        coordinated.await_lost();
        if (torture()) std::this_thread::sleep_for(std::chrono::seconds(60));
        return;
      case 2: workers_.front().signal(SIGCONT); return coordinated.await_joined(3);
    }
  });
  ASSERT_EQ(coordinated.stop(), 0);
  EXPECT_EQ(stored(coordinated.daemon()), stored_undisturbed(rows));
}

TEST_F(OutsideWorkers, OutliveTheirDaemon) {
  const std::vector<double> rows = rows_of(3'000, 1);
  CoordinatedDaemon coordinated(flags());
  start_worker();
  coordinated.await_joined(1);
  Random random(1);
  push_disturbed(coordinated, rows, 3, random, [&] {
    coordinated.restart();
    coordinated.await_joined(1);
  });
  ASSERT_EQ(coordinated.stop(), 0);
  EXPECT_EQ(stored(coordinated.daemon()), stored_undisturbed(rows));
}

TEST_F(OutsideWorkers, OneThatIsSentToTheWrongDoorIsTold) {
  Daemon daemon;
  const Finished worker = run({ACCRUED_PATH, "worker", "--connect", daemon.endpoint()});
  EXPECT_EQ(worker.exit_code, 1);
  EXPECT_THAT(worker.error_output, HasSubstr("accrued worker: what answers there does not speak to workers"));
}

TEST(Workers, EndWithTheirDaemonHoweverThatEnds) {
  CoordinatedDaemon coordinated({"--workers", "2", "--worker-kind", "processes"});
  coordinated.await_joined(2);
  const std::set<std::string> workers = coordinated.workers();
  coordinated.restart();  // by kill -9, and waits until nobody has the log open any more
  for (const std::string& worker : workers) EXPECT_FALSE(is_running(pid_of(worker))) << worker;
  EXPECT_EQ(coordinated.stop(), 0);
}

}  // namespace
}  // namespace accrue::tests
