// Verify, back up and restore real data directories, beside a real daemon.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/same_bits.hpp"

namespace accrue::tests {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const StreamSpec kSpec = {.features = {"x", "z"}, .target = "y", .partitions = 2};

std::vector<double> rows(int seed) {
  std::vector<double> rows;
  for (int i = 0; i < 200; ++i) {
    const double x = (i * 31 + seed) % 97;
    const double z = (i * 17 + seed) % 89;
    rows.insert(rows.end(), {x, z, 3 + 2 * x - 0.5 * z + (i * seed) % 7});
  }
  return rows;
}

class Backup : public testing::Test {
 protected:
  Finished accrued(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command = {ACCRUED_PATH, "--data", daemon_.data_dir().string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
  }

  void learn(int rounds) {
    Client client({.endpoint = daemon_.endpoint()});
    Stream stream = client.stream("s", kSpec);
    for (int round = 0; round < rounds; ++round) {
      stream.push_rows(rows(round));
      stream.flush();
    }
  }

  void expect_newest(const Coefficients& then) const {
    const Coefficients now = Client({.endpoint = daemon_.endpoint()}).coef("s");
    EXPECT_EQ(now.epoch, then.epoch);
    expect_same_bits(now, then);
  }

  // While the daemon is down.
  void damage_oldest_epoch() {
    SqliteFile(daemon_.store_file(), SQLITE_OPEN_READWRITE)
        .query("UPDATE states SET state = zeroblob(9) WHERE partition = 1 AND epoch = (SELECT min(epoch) FROM epochs)");
  }

  Daemon daemon_{{"--keep-epochs", "100000", "--epoch-interval-ms", "1"}};
  TemporaryDirectory elsewhere_;
  const std::string file_ = (elsewhere_.path() / "backup").string();
};

TEST_F(Backup, OfARunningDaemonRestoresToTheEpochItWasTakenAt) {
  learn(1);
  std::atomic<bool> stop = false;
  std::atomic<int> flushed = 0;
  std::thread pusher([&] {
    Client client({.endpoint = daemon_.endpoint(), .timeout = kPatience});
    Stream stream = client.stream("s");
    for (int round = 0; !stop; ++round) {
      stream.push_rows(rows(round));
      stream.flush();
      ++flushed;
      flushed.notify_one();
    }
  });
  for (int i = 0; i < 3; ++i) {
    const Finished backup = accrued({"--backup", file_ + std::to_string(i)});
    EXPECT_EQ(backup.exit_code, 0) << backup.error_output;
    EXPECT_THAT(backup.output, HasSubstr("no problems\nbacked up to " + file_));
    flushed.wait(flushed);  // it goes on
  }
  stop = true;
  pusher.join();

  std::vector<Coefficients> then;
  {
    const Client client({.endpoint = daemon_.endpoint()});
    for (int i = 0; i < 3; ++i) {
      const auto newest = SqliteFile(file_ + std::to_string(i)).query("SELECT max(epoch) FROM epochs");
      then.push_back(client.coef("s", std::stoull(newest[0][0])));
    }
  }
  EXPECT_LT(then.front().epoch, then.back().epoch);

  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(daemon_.stop(), 0);
    fs::rename(daemon_.data_dir(), elsewhere_.path() / ("old" + std::to_string(i)));
    const Finished restore = accrued({"--restore", file_ + std::to_string(i)});
    ASSERT_EQ(restore.exit_code, 0) << restore.error_output;
    daemon_.start();
    expect_newest(then[static_cast<std::size_t>(i)]);
  }
  learn(1);  // and it goes on from there
  EXPECT_EQ(Client({.endpoint = daemon_.endpoint()}).metrics("s").rows, then.back().rows + 200);
}

TEST_F(Backup, OfAKilledDaemonHoldsAllThatWasDurable) {
  learn(3);
  const Coefficients before = Client({.endpoint = daemon_.endpoint()}).coef("s");
  daemon_.kill();
  const Finished backup = accrued({"--backup", file_});
  ASSERT_EQ(backup.exit_code, 0) << backup.error_output;
  fs::remove_all(daemon_.data_dir());
  ASSERT_EQ(accrued({"--restore", file_}).exit_code, 0);
  daemon_.start();
  expect_newest(before);
}

TEST_F(Backup, RestoredUnderAClientThatHadMoreDurableIsToldToIt) {
  Client client({.endpoint = daemon_.endpoint()});
  Stream stream = client.stream("s", kSpec);
  stream.push_rows(rows(0));
  stream.flush();
  ASSERT_EQ(accrued({"--backup", file_}).exit_code, 0);
  stream.push_rows(rows(1));
  stream.flush();
  ASSERT_EQ(daemon_.stop(), 0);
  fs::remove_all(daemon_.data_dir());
  ASSERT_EQ(accrued({"--restore", file_}).exit_code, 0);
  daemon_.start();
  const auto go_on = [&] {
    stream.push_rows(rows(2));
    stream.flush();
  };
  refusal(go_on,
          "was the stream rolled back, or an older copy");  // the rows in between would be missing from the model
}

TEST_F(Backup, WritesOverNothingAndReadsFromNothingElse) {
  learn(1);
  std::ofstream(file_) << "precious";
  const Finished over = accrued({"--backup", file_});
  EXPECT_EQ(over.exit_code, 1);
  EXPECT_THAT(over.error_output, HasSubstr(file_ + " is there already"));
  EXPECT_EQ(fs::file_size(file_), 8u);
  const Finished live = accrued({"--backup", daemon_.store_file().string()});
  EXPECT_EQ(live.exit_code, 1);

  const std::string nowhere = (elsewhere_.path() / "nowhere").string();
  const Finished nothing = run({ACCRUED_PATH, "--data", nowhere, "--backup", file_ + "2"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.error_output, HasSubstr("there is no " + nowhere));
  EXPECT_FALSE(fs::exists(nowhere));
}

TEST_F(Backup, AndVerifyingAreAtHandInAccrueToo) {
  learn(2);
  const Coefficients then = Client({.endpoint = daemon_.endpoint()}).coef("s");
  const Finished backup = daemon_.accrue({"backup", file_});
  EXPECT_EQ(backup.exit_code, 0) << backup.error_output;
  EXPECT_THAT(backup.output, HasSubstr(file_));
  EXPECT_EQ(daemon_.stop(), 0);
  EXPECT_EQ(run({ACCRUE_PATH, "verify", daemon_.data_dir()}).exit_code, 0);
  damage_oldest_epoch();
  const Finished damaged = run({ACCRUE_PATH, "verify", daemon_.data_dir()});
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.output, HasSubstr("epoch 1"));
  EXPECT_EQ(run({ACCRUE_PATH, "verify", "/nowhere"}).exit_code, 1);
  fs::remove_all(daemon_.data_dir());
  ASSERT_EQ(accrued({"--restore", file_}).exit_code, 0);
  daemon_.start();
  expect_newest(then);
}

TEST_F(Backup, IsRestoredOnlyWhereThereIsNoStoreAndNoDaemon) {
  learn(1);
  ASSERT_EQ(accrued({"--backup", file_}).exit_code, 0);
  const Finished running = accrued({"--restore", file_});
  EXPECT_EQ(running.exit_code, 1);
  EXPECT_THAT(running.error_output, HasSubstr("in use by another accrued"));
  ASSERT_EQ(daemon_.stop(), 0);
  const Finished held = accrued({"--restore", file_});
  EXPECT_EQ(held.exit_code, 1);
  EXPECT_THAT(held.error_output, HasSubstr("store.sqlite is there already"));

  // The log of a store that is gone would be applied to the one that is put in its place.
  fs::remove(daemon_.store_file());
  std::ofstream(daemon_.store_file().string() + "-wal") << "of another store";
  const Finished log_left = accrued({"--restore", file_});
  EXPECT_EQ(log_left.exit_code, 1);
  EXPECT_THAT(log_left.error_output, HasSubstr("store.sqlite-wal is there already"));
  EXPECT_FALSE(fs::exists(daemon_.store_file()));
}

TEST_F(Backup, ThatIsDamagedOrNoneIsNotRestored) {
  learn(2);
  ASSERT_EQ(accrued({"--backup", file_}).exit_code, 0);
  ASSERT_EQ(daemon_.stop(), 0);
  fs::remove_all(daemon_.data_dir());
  SqliteFile(file_, SQLITE_OPEN_READWRITE).query("UPDATE epochs SET rows = 1");
  const Finished damaged = accrued({"--restore", file_});
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.error_output, HasSubstr("stream 's', epoch"));
  EXPECT_FALSE(fs::exists(daemon_.store_file()));

  std::ofstream(file_) << "no database at all";
  const Finished none = accrued({"--restore", file_});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.error_output, HasSubstr("is not an accrue store"));
  const Finished missing = accrued({"--restore", file_ + "2"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.error_output, HasSubstr("there is no " + file_ + "2"));
}

TEST_F(Backup, OfADamagedStoreIsRefused) {
  learn(2);
  ASSERT_EQ(daemon_.stop(), 0);
  damage_oldest_epoch();
  const Finished backup = accrued({"--backup", file_});
  EXPECT_EQ(backup.exit_code, 1);
  EXPECT_THAT(backup.error_output, HasSubstr("partition 1"));
  EXPECT_FALSE(fs::exists(file_));
}

using Verify = Backup;

TEST_F(Verify, FindsADirectoryThatWasKilledSound) {
  learn(5);
  daemon_.kill();
  const Finished finished = accrued({"--verify"});
  EXPECT_EQ(finished.exit_code, 0) << finished.output << finished.error_output;
  EXPECT_THAT(finished.output, HasSubstr("        1000"));
  EXPECT_THAT(finished.output, HasSubstr("no problems\n"));
  daemon_.start();
  EXPECT_EQ(Client({.endpoint = daemon_.endpoint()}).metrics("s").rows, 1'000u);
}

TEST_F(Verify, RefusesTheDirectoryOfARunningDaemon) {
  const Finished finished = accrued({"--verify"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.error_output,
              HasSubstr("in use by another accrued (pid " + std::to_string(daemon_.process().pid())));
}

TEST_F(Verify, NamesTheProblemByStreamAndEpoch) {
  learn(3);
  ASSERT_EQ(daemon_.stop(), 0);
  const std::string epoch = SqliteFile(daemon_.store_file()).query("SELECT min(epoch) FROM epochs")[0][0];
  damage_oldest_epoch();
  const Finished finished = accrued({"--verify"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.output, HasSubstr("stream 's', epoch " + epoch + ": partition 1: "));
  EXPECT_THAT(finished.output, HasSubstr("1 problem\n"));
}

TEST_F(Verify, MakesNoDirectory) {
  const std::string nowhere = (elsewhere_.path() / "nowhere").string();
  const Finished finished = run({ACCRUED_PATH, "--data", nowhere, "--verify"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.error_output, HasSubstr("there is no " + nowhere));
  EXPECT_FALSE(fs::exists(nowhere));
}

}  // namespace
}  // namespace accrue::tests
