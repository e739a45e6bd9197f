// kill -9 in the middle of a push: the pusher carries on by itself, and the model comes out bit for bit the one of a
// run that nobody disturbed.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/e2e/california_reference.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/same_bits.hpp"

namespace accrue::tests {
namespace {

constexpr std::size_t kColumns = 9;

// A small model of our own, so that crashes are tested where the data cannot be had as well.
std::vector<double> plain_rows(std::size_t count) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(i % 1'013);
    const auto z = static_cast<double>((i * 7'919) % 1'009);
    rows.insert(rows.end(), {x, z, 3 + 2 * x - 0.5 * z + static_cast<double>(i % 17)});
  }
  return rows;
}

const StreamSpec kPlain = {.features = {"x", "z"}, .target = "y"};

Coefficients undisturbed(const StreamSpec& spec, const std::vector<double>& rows) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", spec);
  stream.push_rows(rows);
  stream.flush();
  return stream.coef();
}

// Pushes all rows in slices; kills and restarts the daemon after each, at whatever it happens to be doing.
Coefficients disturbed(const StreamSpec& spec, const std::vector<double>& rows, std::size_t columns, int kills) {
  Daemon daemon({"--epoch-interval-ms", "5"});
  Client client({.endpoint = daemon.endpoint(), .batch_rows = 64, .timeout = kPatience});
  Stream stream = client.stream("s", spec);
  const std::size_t count = rows.size() / columns;
  const auto slices = static_cast<std::size_t>(kills) + 1;
  for (std::size_t slice = 0; slice < slices; ++slice) {
    const std::size_t begin = count * slice / slices;
    const std::size_t end = count * (slice + 1) / slices;
    stream.push_rows({rows.data() + begin * columns, (end - begin) * columns});
    if (slice + 1 == slices) break;
    daemon.kill();
    daemon.start();
  }
  EXPECT_EQ(stream.flush().durable_rows, count);
  return stream.coef();
}

TEST(Crash, CaliforniaComesOutAsIfNothingHadHappened) {
  ACCRUE_REQUIRE_CALIFORNIA();
  const std::vector<double> rows = california_rows(std::nullopt);
  const Coefficients after = disturbed(california_spec(), rows, kColumns, 3);
  EXPECT_EQ(after.rows, 20'640u);
  expect_same_bits(after, undisturbed(california_spec(), rows));
}

TEST(Crash, ManyKillsLoseNothingAndLearnNothingTwice) {
  const std::vector<double> rows = plain_rows(20'000);
  expect_same_bits(disturbed(kPlain, rows, 3, 12), undisturbed(kPlain, rows));
}

TEST(Crash, RowsThatAreSentAgainGoToTheirPartitionAgain) {
  StreamSpec by_range = kPlain;
  by_range.key = "x";
  by_range.partitions = 3;
  by_range.partition_by = PartitionBy::kRange;
  by_range.partition_cuts = {300, 700};
  const std::vector<double> rows = plain_rows(20'000);
  expect_same_bits(disturbed(by_range, rows, 3, 6), undisturbed(by_range, rows));
}

TEST(Crash, BatchThatIsSentAgainToTheLeastLoadedMayGoElsewhereAndCountsOnce) {
  StreamSpec spec = kPlain;
  spec.partitions = 4;
  spec.partition_by = PartitionBy::kLeastLoaded;
  const std::vector<double> rows = plain_rows(20'000);
  const Coefficients after = disturbed(spec, rows, 3, 6);
  const Coefficients expected = undisturbed(kPlain, rows);
  EXPECT_EQ(after.rows, 20'000u);
  for (std::size_t i = 0; i < expected.coefficients.size(); ++i) {
    EXPECT_NEAR(after.coefficients[i].estimate, expected.coefficients[i].estimate, 1e-12);
    EXPECT_NEAR(*after.coefficients[i].std_error, *expected.coefficients[i].std_error, 1e-12);
  }
}

TEST(Crash, WhatFlushReportedSurvivesWithoutThePusher) {
  Daemon daemon;
  const std::vector<double> rows = plain_rows(5'000);
  Coefficients before;
  {
    Client client({.endpoint = daemon.endpoint()});
    Stream stream = client.stream("s", kPlain);
    stream.push_rows(rows);
    stream.flush();
    before = stream.coef();
  }
  daemon.kill();
  daemon.start();
  const Client client({.endpoint = daemon.endpoint()});
  const Coefficients after = client.coef("s");
  EXPECT_EQ(after.epoch, before.epoch);
  expect_same_bits(after, before);
  EXPECT_EQ(client.metrics("s").rows, 5'000u);
}

TEST(Crash, ANamedProducerGoesOnWhereItWas) {
  Daemon daemon;
  for (int round = 1; round <= 3; ++round) {
    Client client({.endpoint = daemon.endpoint(), .producer = "sensor-7"});
    Stream stream = client.stream("s", kPlain);
    stream.push_rows(plain_rows(100));
    stream.flush();
    EXPECT_EQ(stream.metrics().rows, 100u * static_cast<std::uint64_t>(round));
    daemon.kill();
    daemon.start();
  }
}

TEST(Crash, ADamagedNewestEpochIsPassedOverForTheOneBefore) {
  Daemon daemon({"--epoch-interval-ms", "1"});
  {
    Client client({.endpoint = daemon.endpoint()});
    Stream stream = client.stream("s", kPlain);
    for (int i = 0; i < 3; ++i) {
      stream.push_rows(plain_rows(50));
      stream.flush();
    }
  }
  ASSERT_EQ(daemon.stop(), 0);
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open(daemon.store_file().c_str(), &store), SQLITE_OK);
  const char* damage =
      "UPDATE states SET state = zeroblob(length(state)) WHERE epoch = (SELECT max(epoch) FROM epochs)";
  EXPECT_EQ(sqlite3_exec(store, damage, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(store);
  EXPECT_EQ(sqlite3_changes(store), 1);
  sqlite3_close(store);
  daemon.start();
  Client client({.endpoint = daemon.endpoint()});
  EXPECT_EQ(client.metrics("s").rows, 100u);
  Stream stream = client.stream("s");
  stream.push_rows(plain_rows(50));
  stream.flush();
  EXPECT_EQ(client.metrics("s").rows, 150u);
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_NE(daemon.process().error_output().find("epoch_damaged"), std::string::npos);
}

}  // namespace
}  // namespace accrue::tests
