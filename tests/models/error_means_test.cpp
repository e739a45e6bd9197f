#include "models/error_means.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

std::vector<RowError> random_errors(std::size_t count, std::uint64_t seed) {
  datasets::Random random(seed);
  std::vector<RowError> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double target = i % 11 == 0 ? 0 : 5 + random.normal();
    const double prediction = 4 + 3 * random.normal();
    rows.emplace_back(prediction, prediction + random.uniform(), target, i % 5 == 0 ? 0 : 2 * random.uniform());
  }
  return rows;
}

ErrorMeans means_of(const std::vector<RowError>& rows) {
  ErrorMeans means;
  for (const RowError& row : rows) {
    means.pool(row);
  }
  return means;
}

void expect_near(const ErrorMeans& actual, const ErrorMeans& expected, double tolerance) {
  EXPECT_EQ(actual.n(), expected.n());
  EXPECT_EQ(actual.zero_targets(), expected.zero_targets());
  EXPECT_NEAR(actual.mse(), expected.mse(), tolerance * expected.mse());
  EXPECT_NEAR(actual.mae(), expected.mae(), tolerance * expected.mae());
  EXPECT_NEAR(actual.mse_clipped(), expected.mse_clipped(), tolerance * expected.mse_clipped());
  EXPECT_NEAR(actual.mae_clipped(), expected.mae_clipped(), tolerance * expected.mae_clipped());
  EXPECT_NEAR(actual.bias(), expected.bias(), tolerance * expected.mae());
  EXPECT_NEAR(actual.mape(), expected.mape(), tolerance * expected.mape());
  EXPECT_NEAR(actual.r2(), expected.r2(), 10 * tolerance * std::abs(expected.r2()));
}

TEST(ErrorMeans, BiasIsWhatPredictionsAreTooHigh) {
  ErrorMeans means;
  means.pool(RowError(3, 3, 1, 1));
  means.pool(RowError(0, 0, 1, 3));
  EXPECT_EQ(means.bias(), (2 - 3) / 4.0);
}

TEST(ErrorMeans, ARowOfTargetZeroIsLeftOutOfTheRelativeErrorAndCounted) {
  ErrorMeans means;
  means.pool(RowError(5, 5, 0, 1));
  means.pool(RowError(5, 5, 0, 0));
  EXPECT_TRUE(std::isnan(means.mape()));
  EXPECT_EQ(means.zero_targets(), 1) << "of positive weight";
  means.pool(RowError(5, 5, 4, 1));
  means.pool(RowError(-4, -4, -2, 1));
  EXPECT_EQ(means.mape(), (0.25 + 1) / 2);
  EXPECT_DOUBLE_EQ(means.bias(), (5 + 1 - 2) / 3.0);
}

TEST(ErrorMeans, ATargetThatIsHardlyThereHasABoundedRelativeError) {
  ErrorMeans means;
  means.pool(RowError(kMaxMagnitude, kMaxMagnitude, 5e-324, 1));
  EXPECT_EQ(means.mape(), kMaxMagnitude);
}

TEST(ErrorMeans, PoolingAnySplitIsPoolingTheWhole) {
  const std::vector<RowError> rows = random_errors(4000, 1);
  const ErrorMeans whole = means_of(rows);
  datasets::Random random(2);
  for (int split = 0; split < 20; ++split) {
    std::vector<ErrorMeans> parts(7);
    for (const RowError& row : rows) {
      parts[random.below(parts.size())].pool(row);
    }
    ErrorMeans merged;
    for (const ErrorMeans& part : parts) {
      merged.pool(part);
    }
    expect_near(merged, whole, 1e-12);
  }
}

TEST(ErrorMeans, FiguresSinceAMomentAreThoseOfTheRowsSince) {
  for (const std::size_t before : {0u, 1u, 1000u, 3999u}) {
    std::vector<RowError> rows = random_errors(before, 3);
    const ErrorMeans earlier = means_of(rows);
    const std::vector<RowError> later = random_errors(500, 4);
    rows.insert(rows.end(), later.begin(), later.end());
    expect_near(means_of(rows).since(earlier), means_of(later), 1e-11);
  }
}

TEST(ErrorMeans, FiguresOfAThousandRowsAfterAMillionAreGoodToNineDigits) {
  ErrorMeans means = means_of(random_errors(1'000'000, 5));
  const ErrorMeans before = means;
  const std::vector<RowError> rows = random_errors(1000, 6);
  for (const RowError& row : rows) {
    means.pool(row);
  }
  expect_near(means.since(before), means_of(rows), 1e-9);
}

TEST(ErrorMeans, HasNoFiguresSinceAMomentWithoutARow) {
  const ErrorMeans means = means_of(random_errors(100, 7));
  ErrorMeans later = means;
  EXPECT_EQ(later.since(means).n(), 0);
  EXPECT_TRUE(std::isnan(later.since(means).mse()));
  later.pool(RowError(1, 1, 2, 0));
  const ErrorMeans rows = later.since(means);
  EXPECT_EQ(rows.n(), 1);
  for (const double figure : {rows.mse(), rows.mae(), rows.r2(), rows.bias(), rows.mape(), rows.mse_clipped()}) {
    EXPECT_TRUE(std::isnan(figure));
  }
}

TEST(ErrorMeans, StaysFiniteForTheLargestErrorsAndWeights) {
  ErrorMeans means;
  std::vector<ErrorMeans> moments;
  for (int i = 0; i < 200; ++i) {
    moments.push_back(means);
    const double prediction = i % 2 == 0 ? kMaxMagnitude : -kMaxMagnitude;
    const double target = i % 7 == 0 ? 1e-300 : (i % 3 == 0 ? kMaxMagnitude : -kMaxMagnitude);
    means.pool(RowError(prediction, prediction, target, i % 5 == 0 ? kMaxMagnitude : (i % 5 == 1 ? 1 : 1e-300)));
  }
  moments.push_back(restored(means));
  moments.back().pool(means);
  for (const ErrorMeans& before : moments) {
    const ErrorMeans rows = before.n() > means.n() ? before : means.since(before);
    for (const double figure : {rows.mse(), rows.mae(), rows.rmse(), rows.bias(), rows.mape(), rows.mse_clipped(),
                                rows.mae_clipped(), rows.rmse_clipped()}) {
      EXPECT_TRUE(std::isfinite(figure) || (rows.sum_weights() == 0 && std::isnan(figure)));
    }
    EXPECT_FALSE(std::isinf(rows.r2()));
  }
}

TEST(ErrorMeans, RestoredItContinuesIdentically) {
  const std::vector<RowError> rows = random_errors(1000, 8);
  ErrorMeans means;
  ErrorMeans copy;
  for (const RowError& row : rows) {
    means.pool(row);
    copy.pool(row);
    copy = restored(copy);
  }
  EXPECT_EQ(state_of(copy), state_of(means));
}

TEST(ErrorMeans, RefusesNumbersThatItCannotHold) {
  for (const std::uint64_t number : {UINT64_MAX, UINT64_C(0x7ff0000000000000), UINT64_C(0xbff0000000000000)}) {
    expect_no_number_is_misread(means_of(random_errors(50, 9)), number);
  }
}

}  // namespace
}  // namespace accrue::models
