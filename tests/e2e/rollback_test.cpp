// A stream is rolled back: it is bit for bit what it was at the epoch, its producers hear of it and choose what
// follows.
#include <atomic>
#include <csignal>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/daemon.hpp"
#include "tests/support/same_bits.hpp"

namespace accrue::tests {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

// By key, so that the rows of a partition and their order do not depend on how they are cut into batches.
const StreamSpec kSpec = {
    .features = {"x", "z"}, .target = "y", .key = "x", .partitions = 3, .partition_by = PartitionBy::kHash};
const std::vector<double> kQuestion = {1, 2, -5, 0.25};
constexpr std::uint64_t kRound = 40;  // rows

std::vector<double> rows(int round) {
  std::vector<double> rows;
  for (std::uint64_t i = 0; i < kRound; ++i) {
    const double x = static_cast<double>(i % 11) + round;
    const double z = static_cast<double>((i * 7) % 13);
    rows.insert(rows.end(), {x, z, 3 + 2 * x - 0.5 * z + static_cast<double>((i * i + i) % 5) * round});
  }
  return rows;
}

class Rollback : public testing::Test {
 protected:
  Client client(const std::string& producer = {}) {
    return Client({.endpoint = daemon_.endpoint(), .producer = producer, .batch_rows = 7, .timeout = kPatience});
  }

  // A round of 40 rows is six batches. Answers what the stream then is.
  static Coefficients learn(Stream& stream, std::initializer_list<int> rounds) {
    for (const int round : rounds) {
      stream.push_rows(rows(round));
      stream.flush();
    }
    return stream.coef();
  }

  // What pushing and waiting for it ends with.
  static std::string rolled_back_error(Stream& stream, int round) {
    try {
      stream.push_rows(rows(round));
      stream.flush();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kRolledBack) << error.what();
      return error.what();
    }
    return "none";
  }

  Daemon daemon_{{"--epoch-interval-ms", "5", "--workers", "2", "--keep-epochs", "1000"}};
};

TEST_F(Rollback, StreamIsWhatItWasAndReplayMakesItWhatItWouldHaveBeen) {
  Client producer = client("p");
  Stream stream = producer.stream("s", kSpec);
  const Coefficients then = learn(stream, {1});
  const Prediction answer = stream.predict(kQuestion);
  const Coefficients later = learn(stream, {2, 3});

  Client operated = client();
  const std::uint64_t copy = operated.rollback("s", then.epoch);
  EXPECT_GT(copy, later.epoch);
  const Coefficients now = operated.coef("s");
  EXPECT_EQ(now.epoch, copy);
  expect_same_bits(now, then);
  EXPECT_EQ(operated.predict("s", kQuestion).values, answer.values);
  expect_same_bits(operated.coef("s", later.epoch), later);  // what was undone can be looked at
  EXPECT_EQ(operated.epochs("s").epochs.front().epoch, copy);
  EXPECT_EQ(operated.epochs("s").epochs.front().rows, kRound);
  EXPECT_EQ(operated.status().streams.at(0).rows, kRound);

  EXPECT_THAT(rolled_back_error(stream, 4),
              testing::StartsWith("stream 's' was rolled back to epoch " + std::to_string(then.epoch) +
                                  " by an operator: batches after 6 are not in it; open it again to go on from there"));
  EXPECT_THAT(rolled_back_error(stream, 4), HasSubstr("open it again"));

  Stream again = producer.stream("s");
  expect_same_bits(learn(again, {2, 3}), later);
  EXPECT_EQ(again.progress().durable_rows, 2 * kRound);
  daemon_.stop_and_verify();
}

TEST_F(Rollback, ProducerMayGoOnWithNewRowsAlsoAsAnotherProcess) {
  const auto undisturbed = [&] {
    Client producer = client();
    Stream stream = producer.stream("undisturbed", kSpec);
    return learn(stream, {1, 5});
  }();
  std::uint64_t then = 0;
  {
    Client producer = client("p");
    Stream stream = producer.stream("s", kSpec);
    then = learn(stream, {1}).epoch;
    learn(stream, {2, 3});
  }
  {
    Client late = client("late");  // unknown at that epoch
    Stream stream = late.stream("s");
    learn(stream, {4});
  }
  client().rollback("s", then);
  Client producer = client("p");
  Stream stream = producer.stream("s");
  expect_same_bits(learn(stream, {5}), undisturbed);
  Client late = client("late");
  Stream of_late = late.stream("s");
  EXPECT_EQ(learn(of_late, {4}).rows, 3 * kRound);
  daemon_.stop_and_verify();
}

TEST_F(Rollback, NothingSlipsInFromProducersThatGoOnPushing) {
  Client producer = client("p");
  Stream stream = producer.stream("s", kSpec);
  const Coefficients then = learn(stream, {1});
  std::atomic<int> flushed = 0;
  std::vector<std::thread> pushers;
  for (const char* name : {"p1", "p2"}) {
    pushers.emplace_back([&, name] {
      Client pusher = client(name);
      Stream pushed = pusher.stream("s");
      std::string error = "none";
      while (error == "none") {
        error = rolled_back_error(pushed, 2);
        ++flushed;
        flushed.notify_all();
      }
      EXPECT_THAT(error, HasSubstr("batches after 0 are not in it"));
    });
  }
  for (int seen = 0; seen < 10; seen = flushed) flushed.wait(seen);
  client().rollback("s", then.epoch);
  for (std::thread& pusher : pushers) pusher.join();
  expect_same_bits(client().coef("s"), then);
  Stream again = producer.stream("s");
  EXPECT_EQ(learn(again, {3}).rows, 2 * kRound) << "epochs since have held nothing of theirs either";
}

TEST_F(Rollback, CanBeRolledBackByWhoeverPushes) {
  Client producer = client("p");
  Stream stream = producer.stream("s", kSpec);
  const Coefficients then = learn(stream, {1});
  const Coefficients later = learn(stream, {2});
  EXPECT_GT(producer.rollback("s", then.epoch), later.epoch);
  EXPECT_THAT(rolled_back_error(stream, 2), HasSubstr("rolled back to epoch " + std::to_string(then.epoch)));
  EXPECT_GT(producer.rollback("s", later.epoch), later.epoch + 1);
  Stream again = producer.stream("s");
  expect_same_bits(again.coef(), later);
  EXPECT_EQ(learn(again, {3}).rows, 3 * kRound);
}

TEST_F(Rollback, KilledDaemonHasDoneItWholeOrNotAtAll) {
  Client producer = client("p");
  std::optional<Stream> stream = producer.stream("s", kSpec);
  const Coefficients then = learn(*stream, {1});
  const Coefficients later = learn(*stream, {2});
  for (int round = 0; round < 4; ++round) {
    SCOPED_TRACE(round);
    Client operated = client();
    (void)operated.status();  // it is connected
    auto asked = std::async(std::launch::async, [&] { return operated.rollback("s", then.epoch); });
    for (int i = 0; i < round * 2; ++i) (void)producer.status();  // the later, the further it may have come
    daemon_.kill();
    daemon_.start();
    const Coefficients found = client().coef("s");
    expect_same_bits(found, found.rows == kRound ? then : later);
    EXPECT_GT(asked.get(), later.epoch);
    expect_same_bits(client().coef("s"), then);

    daemon_.kill();  // right after
    daemon_.start();
    expect_same_bits(client().coef("s"), then);
    Client replaying = client("p");
    stream = replaying.stream("s");
    expect_same_bits(learn(*stream, {2}), later);
  }
  daemon_.stop_and_verify();
}

TEST_F(Rollback, IsDoneFromTheCommandLine) {
  Client producer = client("p");
  Stream stream = producer.stream("s", kSpec);
  const std::string then = std::to_string(learn(stream, {1}).epoch);
  const Coefficients later = learn(stream, {2});

  const ordered_json answer = daemon_.answer({"rollback", "s", "--epoch", then});
  EXPECT_EQ(answer["rolled_back"], "s");
  EXPECT_EQ(std::to_string(answer["to_epoch"].get<int>()), then);
  EXPECT_GT(answer["epoch"], later.epoch);
  EXPECT_EQ(answer["n"], kRound);
  EXPECT_THAT(daemon_.accrue({"epochs", "s", "--format", "csv"}).output,
              HasSubstr("\n" + std::to_string(answer["epoch"].get<int>()) + ",40,"));

  const Finished table = daemon_.accrue({"rollback", "s", "--epoch", std::to_string(later.epoch)});
  EXPECT_EQ(table.exit_code, 0) << table.error_output;
  EXPECT_THAT(table.output, testing::ContainsRegex("rows +80\n"));

  const Finished not_kept = daemon_.accrue({"rollback", "s", "--epoch", "999"});
  EXPECT_EQ(not_kept.exit_code, 1);
  EXPECT_THAT(not_kept.error_output, HasSubstr("epoch 999 of stream 's' is not kept; those kept are "));
  const Finished unknown = daemon_.accrue({"rollback", "t", "--epoch", "1"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.error_output, HasSubstr("there is no stream 't'"));
  EXPECT_EQ(client().coef("s").rows, 2 * kRound);
  daemon_.process().signal(SIGTERM);
  daemon_.process().wait();
  EXPECT_THAT(daemon_.process().error_output(), HasSubstr("stream_rolled_back"));
}

}  // namespace
}  // namespace accrue::tests
