#include "models/progressive_error.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "models/rows.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

struct Scored {
  double prediction;
  double target;
  double weight;
};

std::vector<Scored> random_scored(std::size_t count) {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  std::vector<Scored> rows(count);
  for (std::size_t i = 0; i < count; ++i) {
    rows[i] = {5 + 3 * normal(generator), 5 + normal(generator), i % 5 == 0 ? 0 : std::abs(normal(generator))};
  }
  return rows;
}

void add(ProgressiveError& error, double prediction, double target, double weight) {
  error.pool(error.score(prediction, target, weight));
}

ProgressiveError error_of(const std::vector<Scored>& rows) {
  ProgressiveError error;
  for (const Scored& row : rows) {
    add(error, row.prediction, row.target, row.weight);
  }
  return error;
}

// All figures by their definitions.
struct Expected {
  double mse = 0, mae = 0, mse_clipped = 0, mae_clipped = 0, variance = 0, bias = 0, mape = 0;
};

Expected by_definition(const std::vector<Scored>& rows) {
  Expected sums;
  double weights = 0, mean = 0, lowest = INFINITY, highest = -INFINITY;
  for (const Scored& row : rows) {
    if (row.weight == 0) {
      continue;
    }
    const double clipped = lowest > highest ? row.prediction : std::max(lowest, std::min(highest, row.prediction));
    lowest = std::min(lowest, row.target);
    highest = std::max(highest, row.target);
    sums.mse += row.weight * std::pow(row.prediction - row.target, 2);
    sums.mae += row.weight * std::abs(row.prediction - row.target);
    sums.mse_clipped += row.weight * std::pow(clipped - row.target, 2);
    sums.mae_clipped += row.weight * std::abs(clipped - row.target);
    sums.bias += row.weight * (row.prediction - row.target);
    sums.mape += row.weight * std::abs(row.prediction / row.target - 1);
    weights += row.weight;
    mean += row.weight * row.target;
  }
  mean /= weights;
  for (const Scored& row : rows) {
    sums.variance += row.weight * std::pow(row.target - mean, 2);
  }
  return {sums.mse / weights,      sums.mae / weights,  sums.mse_clipped / weights, sums.mae_clipped / weights,
          sums.variance / weights, sums.bias / weights, sums.mape / weights};
}

TEST(ProgressiveError, AgreesWithTheDefinitions) {
  const std::vector<Scored> rows = random_scored(5000);
  const ProgressiveError error = error_of(rows);
  const Expected expected = by_definition(rows);
  EXPECT_EQ(error.n(), 5000);
  EXPECT_NEAR(error.mse(), expected.mse, 1e-12 * expected.mse);
  EXPECT_NEAR(error.mae(), expected.mae, 1e-12 * expected.mae);
  EXPECT_NEAR(error.rmse(), std::sqrt(expected.mse), 1e-12 * expected.mse);
  EXPECT_NEAR(error.r2(), 1 - expected.mse / expected.variance, 1e-10);
  EXPECT_NEAR(error.mse_clipped(), expected.mse_clipped, 1e-12 * expected.mse);
  EXPECT_NEAR(error.mae_clipped(), expected.mae_clipped, 1e-12 * expected.mae);
  EXPECT_NEAR(error.rmse_clipped(), std::sqrt(expected.mse_clipped), 1e-12 * expected.mse);
  EXPECT_NEAR(error.r2_clipped(), 1 - expected.mse_clipped / expected.variance, 1e-10);
  EXPECT_NEAR(error.bias(), expected.bias, 1e-12 * expected.mae);
  EXPECT_NEAR(error.mape(), expected.mape, 1e-12 * expected.mape);
}

TEST(ProgressiveError, ClipsToTheTargetsSeenBeforeTheRow) {
  ProgressiveError error;
  add(error, 7, 1, 1);
  EXPECT_EQ(error.mse_clipped(), 36) << "nothing was seen before the first row";
  add(error, 7, 3, 1);  // clipped to 1
  EXPECT_EQ(error.mse_clipped(), (36 + 4) / 2.0);
  add(error, 7, 9, 1);  // clipped to 3
  EXPECT_EQ(error.mae_clipped(), (6 + 2 + 6) / 3.0);
  add(error, 7, 7, 1);  // 7 has come into the range
  EXPECT_EQ(error.mae_clipped(), (6 + 2 + 6) / 4.0);
}

TEST(ProgressiveError, RowsOfWeightZeroAreCountedAndIgnored) {
  ProgressiveError error;
  add(error, 7, 1, 0);
  EXPECT_EQ(error.n(), 1);
  EXPECT_TRUE(std::isnan(error.mse()));
  add(error, 7, 3, 1);
  EXPECT_EQ(error.mse_clipped(), 16) << "the target 1 was not seen";
  EXPECT_EQ(error.n(), 2);
}

TEST(ProgressiveError, HasNoFiguresBeforeTheyMeanSomething) {
  ProgressiveError error;
  EXPECT_EQ(error.n(), 0);
  for (const double figure : {error.mse(), error.mae(), error.rmse(), error.r2(), error.mse_clipped(),
                              error.mae_clipped(), error.rmse_clipped(), error.r2_clipped()}) {
    EXPECT_TRUE(std::isnan(figure));
  }
  add(error, 1, 2, 1);
  EXPECT_EQ(error.mse(), 1);
  EXPECT_TRUE(std::isnan(error.r2())) << "one target has no variance";
}

TEST(ProgressiveError, MergesAsIfItHadScoredAllRows) {
  const std::vector<Scored> rows = random_scored(1000);
  const ProgressiveError whole = error_of(rows);
  ProgressiveError merged = error_of({rows.begin(), rows.begin() + 300});
  merged.merge(error_of({rows.begin() + 300, rows.end()}));
  EXPECT_EQ(merged.n(), whole.n());
  EXPECT_NEAR(merged.mse(), whole.mse(), 1e-12);
  EXPECT_NEAR(merged.mae(), whole.mae(), 1e-12);
  EXPECT_NEAR(merged.r2(), whole.r2(), 1e-11);
}

TEST(ProgressiveError, MergePoolsClippedErrorsAndSeesBothRanges) {
  ProgressiveError low;
  add(low, 0, 0, 1);
  add(low, 9, 1, 1);  // clipped to 0
  ProgressiveError high;
  add(high, 5, 5, 1);
  add(high, 9, 7, 1);  // clipped to 5
  low.merge(high);
  EXPECT_EQ(low.mse_clipped(), (0 + 1 + 0 + 4) / 4.0);
  add(low, 9, 6, 1);  // clipped to 7
  EXPECT_DOUBLE_EQ(low.mse_clipped(), (0 + 1 + 0 + 4 + 1) / 5.0);
  add(low, -3, 2, 1);  // clipped to 0
  EXPECT_DOUBLE_EQ(low.mse_clipped(), (0 + 1 + 0 + 4 + 1 + 4) / 6.0);
}

TEST(ProgressiveError, ClipsToTheTargetsThatOthersHaveSeenToo) {
  ProgressiveError others;
  add(others, 0, 4, 1);
  add(others, 0, 6, 1);
  ProgressiveError error;
  error.see({});
  add(error, 9, 5, 1);
  EXPECT_EQ(error.mse_clipped(), 16) << "others without a target";

  ProgressiveError young;
  young.see(others);
  add(young, 9, 5, 1);  // clipped to 6
  EXPECT_EQ(young.mse_clipped(), 1);
  EXPECT_EQ(young.mse(), 16);
  EXPECT_EQ(young.n(), 1);

  error.see(others);
  add(error, 9, 5, 1);  // clipped to 6
  EXPECT_EQ(error.mse_clipped(), (16 + 1) / 2.0);
  add(error, 1, 5, 1);  // clipped to 4
  EXPECT_DOUBLE_EQ(error.mse_clipped(), (16 + 1 + 1) / 3.0);
  add(error, 9, 8, 1);  // clipped to 6
  add(error, 9, 8, 1);  // clipped to its own 8
  error.see({});
  add(error, 1, 5, 1);  // clipped to its own 5
  error.see(others);
  add(error, 6, 2, 1);
  add(error, 1, 2, 1);  // clipped to its own 2
  EXPECT_DOUBLE_EQ(error.mse_clipped(), (16 + 1 + 1 + 4 + 16) / 8.0);
}

TEST(ProgressiveError, MergeForgetsWhatWasSeenOfOthers) {
  ProgressiveError others;
  add(others, 0, 100, 1);
  ProgressiveError seeing;
  add(seeing, 1, 1, 1);
  seeing.see(others);
  ProgressiveError merged;
  merged.see(others);
  merged.merge(seeing);
  add(merged, 50, 1, 1);  // clipped to 1
  EXPECT_EQ(merged.mse_clipped(), 0);
}

TEST(ProgressiveError, MergedWithAnEmptyOneIsUnchanged) {
  ProgressiveError error = error_of(random_scored(10));
  ProgressiveError left = error;
  left.merge({});
  ProgressiveError right;
  right.merge(error);
  ProgressiveError none;
  none.merge({});
  none.merge(error);
  for (ProgressiveError* scorer : {&error, &left, &right, &none}) {
    add(*scorer, -100, 5, 1);  // clipped to the smallest target, which is above zero
  }
  for (const ProgressiveError& merged : {left, right, none}) {
    EXPECT_EQ(merged.n(), 11);
    EXPECT_EQ(merged.mse(), error.mse());
    EXPECT_EQ(merged.mae_clipped(), error.mae_clipped());
    EXPECT_EQ(merged.r2(), error.r2());
  }
}

TEST(ProgressiveError, VarianceIsNeverNegativeByRounding) {
  for (int i = 1; i < 100; ++i) {
    ProgressiveError error;
    add(error, 0, 1, 1);
    add(error, 0, i / 7000.0, 1e40);  // the mean jumps to this target, or to a neighbour of it
    ProgressiveError copy;
    EXPECT_EQ(decode_state(state_of(error), copy), DecodeError::kNone) << i;
  }
}

TEST(ProgressiveError, RestoredItContinuesIdentically) {
  ProgressiveError others;
  add(others, 1, 6, 1);
  ProgressiveError error;
  error.see(others);
  ProgressiveError copy = restored(error);
  for (const Scored& row : random_scored(200)) {
    add(error, row.prediction, row.target, row.weight);
    add(copy, row.prediction, row.target, row.weight);
    copy = restored(copy);
  }
  EXPECT_EQ(state_of(copy), state_of(error));
}

TEST(ProgressiveError, StaysFiniteForTheLargestErrorsAndWeights) {
  ProgressiveError error;
  for (int i = 0; i < 100; ++i) {
    add(error, i % 2 == 0 ? kMaxMagnitude : -kMaxMagnitude, i % 3 == 0 ? kMaxMagnitude : -kMaxMagnitude,
        i % 5 == 0 ? kMaxMagnitude : 1e-300);
  }
  ProgressiveError merged = error;
  merged.merge(error);
  for (const double figure :
       {merged.mse(), merged.mae(), merged.rmse(), merged.r2(), merged.mse_clipped(), merged.mae_clipped(),
        merged.rmse_clipped(), merged.r2_clipped(), merged.bias(), merged.mape()}) {
    EXPECT_TRUE(std::isfinite(figure));
  }
}

}  // namespace
}  // namespace accrue::models
