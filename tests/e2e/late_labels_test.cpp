// Rows that are not whole when they come: targets that follow their features, and values that are missing.
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "datasets/random.hpp"
#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/same_bits.hpp"

namespace accrue::tests {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const StreamSpec kVisits = {.features = {"x", "z"},
                            .target = "y",
                            .partitions = 3,
                            .partition_by = PartitionBy::kHash,
                            .models = {{.name = "exact"}, {.name = "adaptive", .learner = "adaptive"}},
                            .id = "visit",
                            .label_ttl_rows = 500};

// x, z, y and the id of so many visits. Each label follows 100 visits later but for every tenth, which never comes.
std::vector<double> visits(std::size_t count, std::uint64_t seed) {
  constexpr std::size_t kDelay = 100;
  const std::vector<double> rows = rows_of(count, seed);
  std::vector<double> parts;
  for (std::size_t i = 0; i < count + kDelay; ++i) {
    const auto id = [](std::size_t row) { return static_cast<double>(row); };
    if (i < count) parts.insert(parts.end(), {rows[kColumns * i], rows[kColumns * i + 1], kNaN, id(i)});
    if (i >= kDelay && i % 10 != 0) {
      parts.insert(parts.end(), {kNaN, kNaN, rows[kColumns * (i - kDelay) + 2], id(i - kDelay)});
    }
  }
  return parts;
}

class LateLabels : public testing::Test {
 protected:
  Client client() { return Client({.endpoint = daemon_.endpoint(), .batch_rows = 64, .timeout = kPatience}); }
  accrue::LateLabels labels() {
    const Status status = client().status();
    EXPECT_EQ(status.streams.size(), 1u);
    EXPECT_TRUE(status.streams.front().labels);
    return status.streams.front().labels.value();
  }

  Daemon daemon_{kEpochsOften};
};

TEST_F(LateLabels, AreJoinedToTheirFeaturesAndScoredByThePredictionMadeThen) {
  Client pusher = client();
  StreamSpec spec = kVisits;
  spec.weighted = true;
  Stream stream = pusher.stream("visits", spec);
  const std::vector<double> rows = rows_of(300, 1);
  const auto x = [&](std::size_t i) { return std::span(rows).subspan(kColumns * i, 2); };
  for (std::size_t i = 0; i < 300; ++i) {
    stream.push_features(i, x(i));
    stream.push_label(i, rows[kColumns * i + 2], 2);
  }
  stream.push_features(1'000, {0.5, 0.5});
  stream.flush();
  const Metrics before = stream.metrics();
  const double foretold = stream.predict({0.5, 0.5}).values.front();
  EXPECT_EQ(before.rows, 300u);
  for (std::size_t i = 0; i < 50; ++i) {  // all that comes between does not count for the visit that waits
    stream.push_features(2'000 + i, {0.5, 0.5});
    stream.push_label(2'000 + i, 1e6);
  }
  stream.flush();
  const Metrics between = stream.metrics();
  stream.push_label(1'000, foretold);
  stream.flush();
  const Metrics after = stream.metrics();
  EXPECT_EQ(after.rows, 351u);
  // What was predicted then is not far from what the daemon now predicted of the same state, and so is the target: the
  // sum of squares does not grow, as it would by the 1e6 of a prediction made now.
  EXPECT_NEAR(after.mse.value() * 701, between.mse.value() * 700, 0.7 * between.mse.value());
  EXPECT_GT(std::abs(stream.predict({0.5, 0.5}).values.front()), 1e4);
  EXPECT_EQ(labels().waiting, 0u);
}

TEST_F(LateLabels, NothingIsLostOrJoinedTwiceByAKill) {
  const std::vector<double> parts = visits(2'000, 2);
  Client pusher = client();
  Stream stream = pusher.stream("visits", kVisits);
  const std::size_t half = parts.size() / 8 * 4;
  stream.push_rows(std::span(parts).first(half));
  stream.flush();
  std::thread push([&] {
    stream.push_rows(std::span(parts).subspan(half));
    stream.flush();
  });
  daemon_.kill();
  daemon_.start();
  push.join();
  EXPECT_EQ(stream.progress().durable_rows, parts.size() / 4);
  EXPECT_EQ(stream.progress().rejected_rows, 0u);
  EXPECT_EQ(stream.metrics().rows, 1'800u);
  const accrue::LateLabels counts = labels();
  EXPECT_EQ(counts.waiting + counts.expired, 200u);
  EXPECT_GT(counts.expired, 100u);
  EXPECT_EQ(counts.unknown, 0u);
  daemon_.stop_and_verify();

  Daemon other{kEpochsOften};
  Client undisturbed({.endpoint = other.endpoint(), .timeout = kPatience});
  Stream same = undisturbed.stream("visits", kVisits);
  same.push_rows(parts);
  same.flush();
  EXPECT_EQ(other.stop(), 0);
  EXPECT_EQ(stored(daemon_), stored(other));
}

TEST_F(LateLabels, WhatCannotBePushedIsSaid) {
  Client pusher = client();
  Stream stream = pusher.stream("visits", kVisits);
  refusal([&] { stream.push({1, 2}, 3); }, "has the column 'visit' too");
  refusal([&] { stream.push_features(1, {1}); }, "2 features, not 1");
  refusal([&] { stream.push_features(1, {kNaN, kNaN}); }, "every feature is missing");
  refusal([&] { stream.push_label(1, kNaN); }, "target that is missing");
  refusal([&] { stream.push_label(1, 1, 2); }, "has no weights");
  refusal([&] { stream.push_label((std::uint64_t{1} << 53) + 1, 1); }, "at most 2^53");
  Stream plain = pusher.stream("plain", {.features = {"x"}, .target = "y"});
  refusal([&] { plain.push_label(1, 1); }, "has no id");
  StreamSpec dealt = kVisits;
  dealt.partition_by = PartitionBy::kRoundRobin;
  refusal([&] { pusher.stream("dealt", dealt); }, "are by hash, which goes by the id");
}

TEST_F(LateLabels, ComeFromAFileToo) {
  const std::string file = "x,z,y,visit\n1,2,,7\n2,1,,8\n3,5,20,9\n,,11,7\n,,12,5\n4,,,10\n";
  const Finished pushed =
      daemon_.accrue({"push", "visits", "-", "--id", "visit", "--target", "y", "--label-ttl-rows", "50"}, file);
  EXPECT_EQ(pushed.exit_code, 1);  // the last line is neither
  EXPECT_THAT(pushed.error_output, HasSubstr("refused 1 row; the first: row 6: a value is not a finite number"))
      << pushed.error_output;
  const ordered_json stream = daemon_.answer({"streams"}).at(0);
  EXPECT_EQ(stream.at("labels"), (ordered_json{{"waiting", 1}, {"expired", 0}, {"unknown", 1}, {"repeated", 0}}));
  EXPECT_EQ(stream.at("id"), "visit");
  EXPECT_THAT(daemon_.accrue({"streams"}).output,
              HasSubstr("1 awaited, 0 expired, 1 of unknown rows, 0 of rows pushed again"));
  EXPECT_EQ(client().metrics("visits").rows, 2u);
  EXPECT_THAT(daemon_.accrue({"push", "visits", "-", "--id", "x"}, file).error_output,
              HasSubstr("--id: its id is 'visit'"));
}

class MissingValues : public LateLabels {
 protected:
  static constexpr const char* kFile = "x,z,y\n1,2,3\n2,,5\n3,1,7\n4,2,9\n5,,11\n6,3,13\n";
};

TEST_F(MissingValues, AreTakenByModelsThatImputeThem) {
  const Finished pushed = daemon_.accrue(
      {"push", "s", "-", "--set", "transforms=impute(mean)", "--target", "y", "--features", "x,z"}, kFile);
  EXPECT_EQ(pushed.exit_code, 0) << pushed.error_output;
  Client asking = client();
  EXPECT_EQ(asking.metrics("s").rows, 6u);
  EXPECT_NEAR(asking.predict("s", std::vector<double>{7, kNaN}).values.front(), 15, 1e-9);
  const Finished predicted = daemon_.accrue({"predict", "s", "-"}, "x,z\n7,\n8,2\n");
  EXPECT_EQ(predicted.exit_code, 0) << predicted.error_output;
  refusal([&] { asking.add_model("s", {.name = "plain"}); },
          "its rows may lack 'x', which the model's transforms have to take");
  asking.add_model("s", {.name = "zero", .settings = {{"transforms", "impute(0)"}}});
}

TEST_F(MissingValues, AreRefusedWhereModelsDoNotTakeThem) {
  const Finished pushed = daemon_.accrue({"push", "s", "-"}, kFile);
  EXPECT_EQ(pushed.exit_code, 1);
  EXPECT_THAT(pushed.error_output, HasSubstr("stdin:3: column 'z': empty"));
  Client pusher = client();
  Stream stream = pusher.stream("s");
  stream.push_rows(std::vector<double>{1, kNaN, 3, 1, 2, kNaN, 1, 2, 4});
  EXPECT_EQ(stream.flush().rejected_rows, 2u);
  refusal([&] { stream.predict({kNaN, 1}); }, "row 1, column 'x': the value is missing");
}

}  // namespace
}  // namespace accrue::tests
