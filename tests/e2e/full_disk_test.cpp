// A real file system that is full to the brim, under a real daemon: it says so, predicts on, calls nothing durable and
// lets the pusher wait; once there is room it goes on by itself, and the model is the batch fit of every row.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/e2e/california_reference.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/namespaces.hpp"
#include "tests/support/torture.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Clock = std::chrono::steady_clock;

// A tmpfs of its own size that only this process and its children see, gone with the last of them.
class SmallDisk {
 public:
  SmallDisk() {
    problem_ = enter_namespaces(CLONE_NEWNS);
    if (problem_.empty() && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("mount");
    if (problem_.empty() && ::mount("tmpfs", path().c_str(), "tmpfs", 0, "size=16m") != 0) fail("mount");
    if (problem_.empty())
      ballast_ = ::open((path() / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  ~SmallDisk() {
    if (ballast_ >= 0) ::close(ballast_);
    if (problem_.empty()) ::umount2(path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& problem() const { return problem_; }  // why there is none; empty when there is
  const std::filesystem::path& path() const { return directory_.path(); }

  // Takes all the room that is left. False when there was none.
  bool fill() {
    static const std::vector<char> block(64u << 10);
    bool took = false;
    for (std::size_t size = block.size(); size >= kPageBytes;) {
      const ssize_t written = ::write(ballast_, block.data(), size);
      took |= written > 0;
      if (written != static_cast<ssize_t>(size)) size /= 2;
    }
    return took;
  }

  void make_room() const { ASSERT_EQ(::ftruncate(ballast_, 0), 0); }

 private:
  static constexpr std::size_t kPageBytes = 4096;

  void fail(const std::string& what) { problem_ = what + ": " + std::generic_category().message(errno); }

  TemporaryDirectory directory_;
  std::string problem_;
  int ballast_ = -1;
};

// Of the shape that batch_fit() knows: 8 features and a target that is not quite linear in them.
std::vector<double> made_rows(std::size_t first, std::size_t count) {
  std::vector<double> rows;
  for (std::size_t i = first; i < first + count; ++i) {
    double target = 1;
    for (std::size_t j = 1; j <= 8; ++j) {
      const double x = static_cast<double>((i * (2 * j + 7) * j) % (1'000 + j)) / 100;
      rows.push_back(x);
      target += static_cast<double>(j) * x;
    }
    rows.push_back(target + static_cast<double>(i % 13) / 10);
  }
  return rows;
}

const StreamSpec kSpec = {.features = {"a", "b", "c", "d", "e", "f", "g", "h"}, .target = "y"};
constexpr std::size_t kSliceRows = 256;
constexpr std::chrono::milliseconds kRetry{200};  // the daemon's, between attempts to write

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk.problem().empty()) GTEST_SKIP() << "no file system can be mounted here: " << disk.problem();
    daemon.emplace(std::vector<std::string>{"--epoch-interval-ms", "20", "--window-mb", "1", "--max-message-mb", "1"},
                   DaemonPlace{.data_dir = disk.path() / "data", .http = true});
    client.emplace(ClientOptions{.endpoint = daemon->endpoint(), .max_unacknowledged_mb = 1, .timeout = kPatience});
    stream.emplace(client->stream("s", kSpec));
  }

  bool push_slice() {
    const std::vector<double> rows = made_rows(pushed, kSliceRows);
    const bool taken = stream->try_push_rows(rows);
    if (taken) pushed += kSliceRows;
    return taken;
  }

  std::string degraded() const { return client->status().degraded; }

  // Keeps the disk full until the daemon says that it is. How long that took.
  Clock::duration fill_until_told() {
    const auto start = Clock::now();
    disk.fill();
    while (degraded().empty()) {
      push_slice();
      disk.fill();
      if (Clock::now() - start > kPatience) throw std::runtime_error("the daemon does not say that its disk is full");
    }
    return Clock::now() - start;
  }

  // The daemon, when it closes its store, gives room back and may use it again: takes it all, until there is none left
  // for longer than it waits between two attempts.
  void fill_for_good() {
    const auto deadline = Clock::now() + kPatience;
    for (auto still_since = Clock::now(); Clock::now() - still_since < 2 * kRetry;) {
      if (disk.fill() || degraded().empty()) still_since = Clock::now();
      ASSERT_LT(Clock::now(), deadline);
    }
  }

  void expect_service_without_durability() {
    while (push_slice()) {
    }
    const std::uint64_t durable = stream->progress().durable_rows;
    EXPECT_LT(durable, pushed);
    for (const auto end = Clock::now() + 3 * kRetry; Clock::now() < end;) {
      ASSERT_THAT(degraded(), testing::AnyOf(HasSubstr("is full"), HasSubstr("No space left on device")));
      ASSERT_EQ(stream->progress().durable_rows, durable);
      ASSERT_FALSE(push_slice()) << "there was to be no credit left";
      ASSERT_EQ(stream->predict({1, 2, 3, 4, 5, 6, 7, 8}).values.size(), 1u);
    }
  }

  void expect_all_durable() {
    EXPECT_EQ(stream->flush(kPatience).durable_rows, pushed);
    const auto deadline = Clock::now() + kPatience;
    while (!degraded().empty()) ASSERT_LT(Clock::now(), deadline);
    EXPECT_EQ(stream->coef().rows, pushed);
  }

  SmallDisk disk;
  std::optional<Daemon> daemon;
  std::optional<Client> client;
  std::optional<Stream> stream;
  std::size_t pushed = 0;  // rows
};

TEST_F(FullDisk, EverythingWaitsAndThenGoesOnByItself) {
  const int rounds = torture() ? 100 : 3;
  auto quickest = Clock::duration::max();
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    ASSERT_TRUE(push_slice());
    stream->flush();
    quickest = std::min(quickest, fill_until_told());
    fill_for_good();
    expect_service_without_durability();
    disk.make_room();
    expect_all_durable();
  }
  EXPECT_LT(quickest, std::chrono::seconds(1)) << "until a full disk was told of";
  report_torture(static_cast<std::uint64_t>(rounds), "times a full file system");

  daemon->kill();
  daemon->start();
  const Coefficients learned = client->coef("s");
  const BatchFit batch = batch_fit(made_rows(0, pushed));
  EXPECT_EQ(learned.rows, pushed);
  EXPECT_NEAR(learned.intercept->estimate, batch.intercept, 1e-9);
  for (std::size_t i = 0; i < batch.coefficients.size(); ++i) {
    EXPECT_NEAR(learned.coefficients[i].estimate, batch.coefficients[i], 1e-9) << learned.names[i];
  }
}

TEST_F(FullDisk, StatusCommandSaysWhy) {
  const auto durability = [&] {
    const Finished status = daemon->accrue({"status"});
    const std::size_t line = status.output.find("durability");
    return line == std::string::npos ? status.output
                                     : status.output.substr(line, status.output.find('\n', line) - line);
  };
  EXPECT_THAT(durability(), HasSubstr("ok"));
  fill_until_told();
  fill_for_good();
  EXPECT_THAT(durability(), HasSubstr("degraded: nothing becomes durable at the moment, and the daemon keeps trying"));
  disk.make_room();
  expect_all_durable();
  EXPECT_THAT(durability(), HasSubstr("ok"));
}

TEST_F(FullDisk, HttpSaysWhyItIsNotReadyAndTellsWhoListens) {
  HttpClient http(daemon->http_url());
  EXPECT_EQ(http.get("/readyz").status, 200);
  std::vector<std::string> told;
  const auto is_over = [&](const Heard& one) {
    if (one.event != "degraded") return false;
    told.push_back(one.data.dump());
    return one.data["degraded"] == false;
  };
  (void)listen(daemon->http_url(), "/v1/events", "", is_over, [&] {
    fill_until_told();
    fill_for_good();
    const HttpAnswer unready = http.get("/readyz");
    EXPECT_EQ(unready.status, 503);
    EXPECT_THAT(unready.text, HasSubstr("nothing becomes durable: "));
    EXPECT_THAT(http.get("/metrics").text, HasSubstr("\naccrue_degraded 1\n"));
    disk.make_room();
    expect_all_durable();
  });
  EXPECT_GE(told.size(), 2u);
  EXPECT_THAT(told.front(), HasSubstr("\"degraded\":true,\"reason\":\""));
  EXPECT_EQ(http.get("/readyz").status, 200);
}

}  // namespace
}  // namespace accrue::tests
