// A wall clock that is set by hours and years, forwards and back, under a real daemon: what is learned, kept and
// recovered does not depend on it.
#include <algorithm>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gtest/gtest.h>

#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

constexpr std::size_t kRounds = 12;
constexpr std::size_t kRowsPerRound = 500;

class JumpingClock : public testing::Test {
 protected:
  // Kills the daemon after every other round.
  void learn(Daemon& daemon) {
    Client client({.endpoint = daemon.endpoint(), .timeout = kPatience});
    Stream stream = client.stream("s", kHashed);
    for (std::size_t round = 0; round < kRounds; ++round) {
      stream.push_rows({rows.data() + round * kRowsPerRound * kColumns, kRowsPerRound * kColumns});
      stream.flush();
      epochs = client.epochs("s").epochs;
      if (round > 0) fewest_kept = std::min(fewest_kept, epochs.size());
      if (round % 2 == 0) continue;
      daemon.kill();
      daemon.start();
    }
    EXPECT_EQ(client.coef("s").rows, rows.size() / kColumns);
  }

  void expect_no_trace(Daemon& daemon) {
    ASSERT_EQ(daemon.stop(), 0);
    EXPECT_EQ(stored(daemon), stored_undisturbed(rows));
  }

  const std::vector<double> rows = rows_of(kRounds * kRowsPerRound, 1);
  // AddressSanitizer would rather be the first library itself.
  const DaemonPlace place{.environment = {"LD_PRELOAD=" JUMPING_CLOCK_PATH, "ASAN_OPTIONS=verify_asan_link_order=0"}};
  std::vector<Epoch> epochs;  // that were kept after the last round, newest first
  std::size_t fewest_kept = kRounds;
};

TEST_F(JumpingClock, LeavesNoTrace) {
  Daemon daemon(kEpochsOften, place);
  learn(daemon);
  const auto later = [](const Epoch& one, const Epoch& other) { return one.committed > other.committed; };
  EXPECT_FALSE(std::is_sorted(epochs.begin(), epochs.end(), later)) << "the clock was to jump";
  expect_no_trace(daemon);
}

TEST_F(JumpingClock, NeverAgesTheNewestEpochsAway) {
  std::vector<std::string> flags = kEpochsOften;
  flags.insert(flags.end(), {"--keep-epochs-hours", "1"});
  Daemon daemon(flags, place);
  learn(daemon);
  EXPECT_GE(fewest_kept, 2u);
  expect_no_trace(daemon);
}

}  // namespace
}  // namespace accrue::tests
