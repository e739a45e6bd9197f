// The other side falls silent, and nothing says so: a network that loses every packet, a daemon or a producer that is
// stopped. `accrue push` waits, goes on by itself, and what is on the disk in the end is bit for bit what an
// undisturbed run leaves there.
#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <accrue/client.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/random.hpp"
#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/network_link.hpp"
#include "tests/support/torture.hpp"

namespace accrue::tests {
namespace {

using datasets::Random;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLook{20};  // between two looks at what is durable

// A daemon that grants less credit than is pushed to it in a long silence.
std::vector<std::string> short_of_credit() {
  std::vector<std::string> flags = kEpochsOften;
  flags.insert(flags.end(), {"--window-mb", "1", "--max-message-mb", "1"});
  return flags;
}

std::uint64_t durable_rows(const Daemon& daemon) {
  return std::stoull(SqliteFile(daemon.store_file()).query("SELECT coalesce(max(rows), 0) FROM epochs").at(0).at(0));
}

// `accrue push` of rows that the test makes as it goes.
class Push {
 public:
  Push(const std::string& endpoint, std::uint64_t seed, int network_namespace = -1) : random_(seed) {
    const std::string file = directory_.path() / "rows.csv";
    if (::mkfifo(file.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    pipe_ = ::open(file.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);  // which waits for no reader
    const std::vector<std::string> arguments = {
        ACCRUE_PATH,  "push", "s",     file, "--endpoint",     endpoint, "--timeout",    "60",
        "--features", "x,z",  "--key", "x",  "--partition-by", "hash",   "--partitions", "3"};
    process_ = std::make_unique<ChildProcess>(arguments, ChildProcess::Options{.network_namespace = network_namespace});
    write("x,z,y\n");
  }
  ~Push() { end(); }
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;

  void rows(std::size_t count) {
    const std::vector<double> more = rows_of(count, random_.next());
    std::string text;
    std::array<char, 32> number;
    for (std::size_t i = 0; i < more.size(); ++i) {
      text.append(number.data(), std::to_chars(number.data(), number.data() + number.size(), more[i]).ptr);
      text += (i + 1) % kColumns == 0 ? '\n' : ',';
    }
    write(text);
    rows_.insert(rows_.end(), more.begin(), more.end());
  }

  const std::vector<double>& all_rows() const { return rows_; }
  std::uint64_t count() const { return rows_.size() / kColumns; }
  ChildProcess& process() { return *process_; }

  // No more rows will come.
  void end() {
    if (pipe_ >= 0) ::close(std::exchange(pipe_, -1));
  }

  // Awaits that the last row is durable.
  void finish() {
    end();
    EXPECT_EQ(process_->wait(), 0) << process_->error_output();
  }

 private:
  void write(std::string_view text) {
    while (!text.empty()) {
      pollfd writable{pipe_, POLLOUT, 0};
      const ssize_t size = ::write(pipe_, text.data(), text.size());
      if (size > 0) {
        text.remove_prefix(static_cast<std::size_t>(size));
      } else if (::poll(&writable, 1, static_cast<int>(milliseconds(kPatience).count())) == 0) {
        throw std::runtime_error("accrue push takes no more rows");
      }
    }
  }

  TemporaryDirectory directory_;
  Random random_;
  int pipe_ = -1;
  std::unique_ptr<ChildProcess> process_;
  std::vector<double> rows_;
};

void wait_until_durable(const Daemon& daemon, const Push& push) {
  const auto deadline = Clock::now() + kPatience;
  while (durable_rows(daemon) < push.count()) {
    if (Clock::now() > deadline) throw std::runtime_error("rows do not become durable");
    std::this_thread::sleep_for(kLook);
  }
}

// The whole of it, once the silence is over.
void expect_no_trace(Daemon& daemon, Push& push) {
  push.finish();
  ASSERT_EQ(daemon.stop(), 0);
  EXPECT_EQ(stored(daemon), stored_undisturbed(push.all_rows()));
}

// A daemon at one end of a link that is cut and mended, the first time for as long as it ever is, and at the other end
// a push, or one of its workers. Three of four times it is awaited that the link is alive again before the next cut.
enum class FarEnd { kProducer, kWorker };

class CutLink {
 public:
  CutLink(int number, FarEnd far_end, int cuts, std::uint64_t seed)
      : number_(number),
        far_end_(far_end),
        random_(seed),
        link_(number),
        daemon_(flags(), {.host = link_.near_address()}),
        push_(daemon_.endpoint(), seed, far_end == FarEnd::kProducer ? link_.far_namespace() : -1),
        cuts_(cuts),
        cuts_left_(cuts) {
    if (far_end == FarEnd::kWorker) {
      const std::vector<std::string> arguments = {ACCRUED_PATH, "worker", "--connect", worker_endpoint()};
      worker_.emplace(arguments, ChildProcess::Options{.network_namespace = link_.far_namespace()});
    }
    push_.rows(1);
  }

  bool done() const { return cuts_left_ == 0 && phase_ == Phase::kAlive; }
  Clock::time_point due() const { return due_; }

  void step(milliseconds longest_cut) {
    switch (phase_) {
      case Phase::kAlive: return cut(longest_cut);
      case Phase::kCut: return mend();
      case Phase::kReviving: return look();
    }
  }

  void expect_no_trace() {
    tests::expect_no_trace(daemon_, push_);
    if (far_end_ == FarEnd::kProducer) return;
    EXPECT_NE(daemon_.process().error_output().find("it fell silent"), std::string::npos) << "it was to be missed";
  }

 private:
  std::string worker_endpoint() const { return "tcp://" + link_.near_address() + ":7702"; }
  std::vector<std::string> flags() const {
    std::vector<std::string> flags = short_of_credit();
    if (far_end_ == FarEnd::kWorker) flags.insert(flags.end(), {"--worker-listen", worker_endpoint()});
    return flags;
  }

  enum class Phase : std::uint8_t { kAlive, kCut, kReviving };

  void push_some() { push_.rows(1 + random_.below(20'000)); }

  milliseconds up_to(milliseconds most) {
    return milliseconds(random_.below(static_cast<std::uint64_t>(most.count()) + 1));
  }

  void cut(milliseconds longest) {
    push_some();
    const int way = (number_ + cuts_left_) % 3;
    nothing_arrives_ = way != kAnswersLost;
    link_.cut(nothing_arrives_, way != kRowsLost);
    pushed_before_ = push_.count();
    push_some();
    constexpr milliseconds kShortest{100};
    phase_ = Phase::kCut;
    due_ = Clock::now() + (cuts_left_-- == cuts_ ? longest : kShortest + up_to(longest - kShortest));
  }

  void mend() {
    if (nothing_arrives_ && far_end_ == FarEnd::kProducer) {
      EXPECT_LE(durable_rows(daemon_), pushed_before_) << "the link was to be cut";
    }
    push_some();
    link_.mend();
    const bool again_at_once = cuts_left_ > 0 && random_.below(4) == 0;
    phase_ = again_at_once ? Phase::kAlive : Phase::kReviving;
    due_ = Clock::now() + (again_at_once ? up_to(milliseconds(1'000)) : kLook);
    alive_by_ = Clock::now() + kPatience;
  }

  void look() {
    const std::uint64_t durable = durable_rows(daemon_);
    if (durable > push_.count()) throw std::runtime_error("more rows are durable than were pushed");
    if (durable == push_.count()) {
      phase_ = Phase::kAlive;
      due_ = Clock::now() + up_to(milliseconds(500));
    } else {
      if (Clock::now() > alive_by_) throw std::runtime_error("the link is mended, and nothing becomes durable");
      due_ = Clock::now() + kLook;
    }
  }

  static constexpr int kAnswersLost = 1;  // of the three ways to cut a link; the third is both
  static constexpr int kRowsLost = 2;

  int number_;
  FarEnd far_end_;
  Random random_;
  NetworkLink link_;
  Daemon daemon_;
  Push push_;
  std::optional<ChildProcess> worker_;
  Phase phase_ = Phase::kReviving;
  Clock::time_point due_ = Clock::now();
  Clock::time_point alive_by_ = Clock::now() + kPatience;
  int cuts_;
  int cuts_left_;
  bool nothing_arrives_ = false;
  std::uint64_t pushed_before_ = 0;
};

void cut_and_mend(FarEnd far_end, milliseconds longest) {
  if (const std::string problem = enter_network_namespace(); !problem.empty()) {
    GTEST_SKIP() << "no network can be made here: " << problem;
  }
  const int count = torture() ? 8 : 2;
  const int cuts = torture() ? 25 : 2;
  report_torture(static_cast<std::uint64_t>(count * cuts), "cuts of a network");
  std::vector<std::unique_ptr<CutLink>> links;
  for (int i = 1; i <= count; ++i) {
    links.push_back(std::make_unique<CutLink>(i, far_end, cuts, torture_seed() + static_cast<std::uint64_t>(i)));
  }
  std::vector<CutLink*> waiting;
  for (const auto& link : links) waiting.push_back(link.get());
  while (!waiting.empty()) {
    const auto next = std::min_element(waiting.begin(), waiting.end(),
                                       [](const CutLink* a, const CutLink* b) { return a->due() < b->due(); });
    std::this_thread::sleep_until((*next)->due());
    (*next)->step(longest);
    if ((*next)->done()) waiting.erase(next);
  }
  for (const auto& link : links) link->expect_no_trace();
}

TEST(Silence, OfACutNetworkLeavesNoTrace) { cut_and_mend(FarEnd::kProducer, milliseconds(torture() ? 10'000 : 4'000)); }

// Longer than a worker may be silent, which is 5 s.
TEST(Silence, OfACutNetworkToAWorkerLeavesNoTrace) {
  cut_and_mend(FarEnd::kWorker, milliseconds(torture() ? 10'000 : 7'000));
}

// Longer than a connection may be silent: 3 s to the client, and in the long form 30 s to the daemon.
milliseconds stop_time() { return milliseconds(torture() ? 60'000 : 4'000); }

TEST(Silence, OfAStoppedDaemonLeavesNoTrace) {
  Daemon daemon(short_of_credit());
  Push push(daemon.endpoint(), torture_seed());
  push.rows(20'000);
  wait_until_durable(daemon, push);
  push.rows(20'000);  // some of them on their way
  daemon.process().signal(SIGSTOP);
  push.rows(100'000);
  std::this_thread::sleep_for(stop_time());
  daemon.process().signal(SIGCONT);
  push.rows(20'000);
  expect_no_trace(daemon, push);
}

TEST(Silence, OfAStoppedProducerLeavesNoTrace) {
  Daemon daemon(short_of_credit());
  Push push(daemon.endpoint(), torture_seed());
  push.rows(20'000);
  wait_until_durable(daemon, push);
  push.rows(20'000);
  const Client beside({.endpoint = daemon.endpoint(), .timeout = kPatience});
  EXPECT_EQ(beside.status().producers, 2u);
  push.process().signal(SIGSTOP);
  std::this_thread::sleep_for(stop_time());
  EXPECT_EQ(beside.status().producers, torture() ? 1u : 2u) << "after 30 s it was to be forgotten";
  push.process().signal(SIGCONT);
  push.rows(20'000);
  expect_no_trace(daemon, push);
}

}  // namespace
}  // namespace accrue::tests
