#include "models/error_sums.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLowest = -1.5;
constexpr double kHighest = 2;

struct Rows {
  std::vector<double> predictions;
  std::vector<double> targets;
  std::vector<double> variances;

  ForetoldRows part(std::size_t first, std::size_t count, double half_width) const {
    return {&predictions[first], &targets[first], &variances[first], count, kLowest, kHighest, half_width};
  }
};

// Some targets are 0, some variances none.
Rows rows_of(std::size_t count, std::uint64_t seed) {
  datasets::Random random(seed);
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.predictions.push_back(3 * random.normal());
    rows.targets.push_back(i % 11 == 7 ? 0 : 50 + random.normal());
    rows.variances.push_back(i % 7 == 3 ? kNaN : i % 7 == 4 ? -1 : 400 * random.uniform());
  }
  return rows;
}

double half_width_of(std::size_t row) { return row < 30 ? kNaN : row < 64 ? 40 : 51.5; }

RowError error_of(const Rows& rows, std::size_t i) {
  return {rows.predictions[i], std::clamp(rows.predictions[i], kLowest, kHighest), rows.targets[i], 1};
}

TEST(ErrorSums, HoldWhatPoolingRowByRowGives) {
  const Rows rows = rows_of(ErrorSums::kMaxRows, 1);
  ErrorSums sums;
  ErrorMeans means;
  Coverages coverages;
  for (std::size_t i = 0; i < ErrorSums::kMaxRows; ++i) {
    const HalfWidths widths = ErrorSums::half_widths(half_width_of(i), rows.variances[i]);
    sums.add(error_of(rows, i), widths);
    means.pool(error_of(rows, i));
    coverages.add(std::abs(error_of(rows, i).error), widths);
  }
  EXPECT_EQ(sums.rows(), ErrorSums::kMaxRows);
  const ErrorMeans error = sums.error();
  EXPECT_EQ(error.n(), means.n());
  EXPECT_EQ(error.sum_weights(), means.sum_weights());
  EXPECT_EQ(error.zero_targets(), 9);
  const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-13 * std::abs(b); };
  EXPECT_PRED2(near, error.mse(), means.mse());
  EXPECT_PRED2(near, error.mae(), means.mae());
  EXPECT_PRED2(near, error.r2(), means.r2());
  EXPECT_PRED2(near, error.bias(), means.bias());
  EXPECT_PRED2(near, error.mape(), means.mape());
  EXPECT_PRED2(near, error.mse_clipped(), means.mse_clipped());
  EXPECT_PRED2(near, error.mae_clipped(), means.mae_clipped());
  EXPECT_PRED2(near, error.r2_clipped(), means.r2_clipped());
  for (Coverage Coverages::*kind : {&Coverages::conformal, &Coverages::variance}) {
    EXPECT_EQ((sums.coverage().*kind).rows(), (coverages.*kind).rows());
    EXPECT_EQ((sums.coverage().*kind).covered(), (coverages.*kind).covered());
    EXPECT_PRED2(near, (sums.coverage().*kind).mean_width(), (coverages.*kind).mean_width());
  }
  EXPECT_EQ(sums.coverage().conformal.rows(), 70);
  EXPECT_EQ(sums.coverage().variance.rows(), 72);
}

TEST(ErrorSums, AreTheSameBitsHoweverManyRowsComeAtOnce) {
  const Rows rows = rows_of(ErrorSums::kMaxRows, 2);
  ErrorSums one_by_one;
  for (std::size_t i = 0; i < ErrorSums::kMaxRows; ++i) {
    one_by_one.add(error_of(rows, i), ErrorSums::half_widths(half_width_of(i), rows.variances[i]));
  }
  for (std::size_t most = 1; most <= ErrorSums::kMaxRows; ++most) {
    ErrorSums at_once;
    std::vector<double> residuals(ErrorSums::kMaxRows);
    for (std::size_t i = 0, count = 0; i < ErrorSums::kMaxRows; i += count) {
      const std::size_t end = i < 30 ? 30 : i < 64 ? 64 : ErrorSums::kMaxRows;  // where the half-width changes
      count = std::min(most, end - i);
      at_once.add(rows.part(i, count, half_width_of(i)), &residuals[i]);
    }
    EXPECT_EQ(state_of(at_once), state_of(one_by_one)) << "at most " << most << " at once";
    for (std::size_t i = 0; i < ErrorSums::kMaxRows; ++i) {
      ASSERT_EQ(residuals[i], std::abs(rows.predictions[i] - rows.targets[i])) << i;
    }
  }
}

TEST(ErrorSums, KeepTheDigitsOfTargetsThatVaryLittleAboutALargeMean) {
  ErrorSums sums;
  for (int i = 0; i < 100; ++i) {
    sums.add({1e9, 1e9, 1e9 + i % 2, 1}, {});
  }
  EXPECT_NEAR(sums.error().mse(), 0.5, 1e-14);
  EXPECT_NEAR(sums.error().r2(), -1, 1e-13);  // 1 - mse / variance, and the variance is 1/4
}

TEST(ErrorSums, StayFiniteAtTheLimits) {
  ErrorSums sums;
  for (std::size_t i = 0; i < ErrorSums::kMaxRows; ++i) {
    const double target = i % 2 == 0 ? kMaxMagnitude : -kMaxMagnitude;
    sums.add({-target, -target, target, 1}, ErrorSums::half_widths(kMaxError, kMaxMagnitude * kMaxMagnitude));
  }
  EXPECT_NEAR(sums.error().mse() / (kMaxMagnitude * kMaxMagnitude), 4, 1e-12);
  EXPECT_NEAR(sums.error().r2(), -3, 1e-12);
  EXPECT_EQ(state_of(restored(sums)), state_of(sums));
}

TEST(ErrorSums, OfNoRowsAreNothing) {
  EXPECT_EQ(ErrorSums().error().n(), 0);
  EXPECT_TRUE(std::isnan(ErrorSums().error().mse()));
  EXPECT_TRUE(std::isnan(ErrorSums().coverage().conformal.rate()));
  EXPECT_EQ(restored(ErrorSums()).rows(), 0);
}

TEST(ErrorSums, AreReadAsWrittenOrNotAtAll) {
  const Rows rows = rows_of(50, 3);
  ErrorSums sums;
  std::vector<double> residuals(50);
  sums.add(rows.part(0, 50, 51), residuals.data());
  EXPECT_EQ(state_of(restored(sums)), state_of(sums));
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{51}, std::uint64_t{101},
                                     ~std::uint64_t{0}, std::uint64_t{0x7fe0000000000000}, std::uint64_t{1} << 63}) {
    expect_no_number_is_misread(sums, number);
  }
}

TEST(ErrorSumsDeathTest, HoldOnePane) {
  const Rows rows = rows_of(ErrorSums::kMaxRows, 4);
  ErrorSums sums;
  std::vector<double> residuals(ErrorSums::kMaxRows);
  sums.add(rows.part(0, ErrorSums::kMaxRows, 1), residuals.data());
  EXPECT_DEATH(sums.add(rows.part(0, 1, 1), residuals.data()), "the rows of a pane");
  EXPECT_DEATH(sums.add(rows.part(0, 4, 1), residuals.data()), "the rows of a pane");
}

}  // namespace
}  // namespace accrue::models
