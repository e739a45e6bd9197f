// The main job: a real accrued learns California housing over real sockets, exactly, in any order and partitioning.
#include <cmath>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/california_reference.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/model_sets.hpp"

namespace accrue::tests {
namespace {

// A daemon under ThreadSanitizer needs more than the usual ten seconds for these rows.
constexpr std::chrono::seconds kTimeout{120};

constexpr std::size_t kRows = 20'640;

struct Replay {
  std::optional<std::uint64_t> seed;  // none: file order
  std::uint32_t partitions;
  PartitionBy by = PartitionBy::kRoundRobin;
};

std::string name_of(const Replay& replay) {
  return (replay.seed ? "shuffle" + std::to_string(*replay.seed) : "file") + "_" + std::to_string(replay.partitions) +
         (replay.by == PartitionBy::kRoundRobin ? "" : std::string("_") + to_string(replay.by));
}

StreamSpec spec_of(const Replay& replay) {
  StreamSpec spec = california_spec();
  spec.partitions = replay.partitions;
  spec.partition_by = replay.by;
  switch (replay.by) {
    case PartitionBy::kRoundRobin:
    case PartitionBy::kLeastLoaded: break;
    case PartitionBy::kRandom: spec.partition_seed = 11; break;
    case PartitionBy::kHash: spec.key = "Population"; break;
    case PartitionBy::kWeighted:
      for (std::uint32_t i = 1; i <= replay.partitions; ++i) spec.partition_weights.push_back(i);
      break;
    case PartitionBy::kRange:  // the state is 32.5 to 42 degrees north
      spec.key = "Latitude";
      for (std::uint32_t i = 1; i < replay.partitions; ++i) spec.partition_cuts.push_back(32.5 + 2 * i);
      break;
    case PartitionBy::kTimeWindow:  // a feature for want of a time, in windows of ten
      spec.key = "HouseAge";
      spec.partition_window_s = 10;
      break;
  }
  return spec;
}

class ReplayTest : public testing::TestWithParam<Replay> {};

void expect_relative(double actual, double expected, double tolerance, const std::string& what) {
  EXPECT_NEAR(actual, expected, tolerance * std::abs(expected)) << what;
}

TEST_P(ReplayTest, FinalModelIsTheBatchFit) {
  ACCRUE_REQUIRE_CALIFORNIA();
  Daemon daemon({"--workers", "2"});
  Client client({.endpoint = daemon.endpoint(), .timeout = kTimeout});
  const std::vector<double> rows = california_rows(GetParam().seed);
  Stream stream = client.stream("california", spec_of(GetParam()));
  stream.push_rows(rows);
  const FlushReport report = stream.flush();
  EXPECT_EQ(report.durable_rows, kRows);
  EXPECT_EQ(report.rejected_rows, 0u);

  const Coefficients coef = stream.coef();
  EXPECT_EQ(coef.rows, kRows);
  const BatchFit batch = batch_fit(rows);
  expect_relative(coef.intercept->estimate, batch.intercept, 1e-8, "intercept");
  expect_relative(coef.intercept->estimate, -36.94192020718288, 1e-8, "intercept known from outside");
  ASSERT_EQ(coef.coefficients.size(), batch.coefficients.size());
  for (std::size_t i = 0; i < batch.coefficients.size(); ++i) {
    expect_relative(coef.coefficients[i].estimate, batch.coefficients[i], 1e-8, coef.names[i]);
  }
  EXPECT_EQ(coef.rank, 9u);
  EXPECT_NEAR(*coef.r2, 0.606233, 1e-6);

  const Prediction prediction = stream.predict(features_of(rows));
  EXPECT_NEAR(in_sample_mse(prediction.values, rows), kInSampleMse, 1e-9);

  const Metrics metrics = stream.metrics();
  EXPECT_EQ(metrics.rows, kRows);
  EXPECT_LE(*metrics.mse_clipped, 0.515);
  EXPECT_LE(*metrics.mse, 1.1 * recursive_least_squares_mse(rows));
  models::ModelSet one =
      tests::least_squares_set({.features = 8});  // what a single partition shows, and several must as well
  one.learn({rows.data(), kRows, 9, 8, false});
  expect_relative(*metrics.mse, one.champion().error().mse(), 0.02, "progressive error");
  expect_relative(*metrics.mse_clipped, one.champion().error().mse_clipped(), 0.02, "clipped progressive error");
  EXPECT_EQ(daemon.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(California, ReplayTest,
                         testing::Values(Replay{std::nullopt, 1}, Replay{1, 1}, Replay{2, 1}, Replay{3, 1},
                                         Replay{4, 1}, Replay{5, 1}, Replay{std::nullopt, 2}, Replay{std::nullopt, 4},
                                         Replay{1, 2}, Replay{1, 4}, Replay{std::nullopt, 2, PartitionBy::kHash},
                                         Replay{std::nullopt, 4, PartitionBy::kHash}, Replay{2, 4, PartitionBy::kHash},
                                         Replay{1, 4, PartitionBy::kRandom}, Replay{1, 3, PartitionBy::kWeighted},
                                         Replay{1, 4, PartitionBy::kLeastLoaded}, Replay{1, 4, PartitionBy::kRange},
                                         Replay{1, 4, PartitionBy::kTimeWindow}),
                         [](const auto& info) { return name_of(info.param); });

TEST(ReplayOfTwoProducers, LearnsEveryRowOfBoth) {
  ACCRUE_REQUIRE_CALIFORNIA();
  Daemon daemon;
  const std::vector<double> rows = california_rows(std::nullopt);
  const std::size_t half = rows.size() / 2;
  Client one({.endpoint = daemon.endpoint(), .batch_rows = 100});
  Client other({.endpoint = daemon.endpoint(), .batch_rows = 77});
  Stream first = one.stream("california", california_spec());
  Stream second = other.stream("california", california_spec());
  first.push_rows({rows.data(), half});
  second.push_rows({rows.data() + half, rows.size() - half});
  EXPECT_EQ(first.flush().durable_rows + second.flush().durable_rows, kRows);
  const Coefficients coef = first.coef();
  EXPECT_EQ(coef.rows, kRows);
  const BatchFit batch = batch_fit(rows);
  for (std::size_t i = 0; i < batch.coefficients.size(); ++i) {
    expect_relative(coef.coefficients[i].estimate, batch.coefficients[i], 1e-8, coef.names[i]);
  }
}

TEST(ReplayIsDeterministic, SameRowsInTheSameOrderGiveTheSameBitsWhereverEpochsFell) {
  ACCRUE_REQUIRE_CALIFORNIA();
  const std::vector<double> rows = california_rows(3);
  std::vector<Coefficients> results;
  for (const auto& [epoch_rows, batch_rows] : {std::pair{"1000000", 4'096}, std::pair{"50", 37}}) {
    Daemon daemon({"--epoch-rows", epoch_rows});
    Client client({.endpoint = daemon.endpoint(), .batch_rows = static_cast<std::size_t>(batch_rows)});
    Stream stream = client.stream("california", california_spec());
    stream.push_rows(rows);
    stream.flush();
    results.push_back(stream.coef());
  }
  EXPECT_NE(results[0].epoch, results[1].epoch) << "the epochs fell alike, so this has shown nothing";
  EXPECT_EQ(results[0].intercept->estimate, results[1].intercept->estimate);
  for (std::size_t i = 0; i < results[0].coefficients.size(); ++i) {
    EXPECT_EQ(results[0].coefficients[i].estimate, results[1].coefficients[i].estimate);
  }
}

}  // namespace
}  // namespace accrue::tests
