#include "datasets/streams.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/batch_fit.hpp"
#include "datasets/random.hpp"
#include "tests/datasets/checksum.hpp"

namespace accrue::datasets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

cli::BatchFit fit_rows(const Table& table, std::size_t first, std::size_t rows) {
  const std::span<const double> values(table.values);
  return cli::fit_batch(values.subspan(first * table.columns(), rows * table.columns()), table.feature_names.size());
}

// Within five standard errors of rows of which features and noise have variance 1.
void expect_coefficients(const cli::BatchFit& fit, const DriftCoefficients& expected, std::size_t rows) {
  const double tolerance = 5 / std::sqrt(static_cast<double>(rows));
  EXPECT_NEAR(fit.intercept, expected[0], tolerance);
  for (std::size_t k = 1; k < expected.size(); ++k) {
    EXPECT_NEAR(fit.coefficients[k - 1], expected[k], tolerance) << "x" << k;
  }
}

// What is left of the target when the linear function is taken off.
std::vector<double> noise_of(const Table& table, const DriftCoefficients& coefficients) {
  std::vector<double> noise;
  for (std::size_t i = 0; i < table.rows; ++i) {
    double y = coefficients[0];
    for (std::size_t k = 1; k < coefficients.size(); ++k) y += coefficients[k] * table.row(i)[k - 1];
    noise.push_back(table.row(i).back() - y);
  }
  return noise;
}

double share_beyond(const std::vector<double>& values, double t) {
  const auto beyond = std::count_if(values.begin(), values.end(), [=](double value) { return std::abs(value) > t; });
  return static_cast<double>(beyond) / static_cast<double>(values.size());
}

// The checksums were computed in another language. (synthetic_test.cpp has california's.)
TEST(SyntheticStreams, ASeedGivesTheSameBitsEverywhere) {
  const std::map<std::string_view, std::uint64_t> checksums = {
      {"abrupt_drift", 8879233412798113169U},  {"collinear", 5556814355499879961U},
      {"friedman", 14771090850949710268U},     {"gradual_drift", 18331648472475756812U},
      {"heavy_tailed", 10644916027850229093U}, {"recurring_drift", 13708021676305993254U},
  };
  for (const auto& [name, checksum] : checksums)
    EXPECT_EQ(fnv1a(synthetic_stream(name, 1000, 1).values), checksum) << name;
  for (const auto& [name, what, make] : synthetic_streams()) {
    EXPECT_TRUE(name == "california" || checksums.contains(name)) << name;
    EXPECT_NE(fnv1a(make(1000, 2).values), fnv1a(make(1000, 1).values)) << name;
  }
}

TEST(SyntheticStreams, EveryOneIsListedOnceInOrderAndMakesWholeTables) {
  std::string_view last;
  for (const SyntheticStream& stream : synthetic_streams()) {
    EXPECT_LT(last, stream.name);
    last = stream.name;
    EXPECT_FALSE(stream.what.empty());
    for (const std::size_t rows : {0U, 1U, 2U, 100U}) {
      const Table table = synthetic_stream(stream.name, rows, 7);
      EXPECT_EQ(table.rows, rows);
      EXPECT_EQ(table.values.size(), rows * table.columns()) << stream.name;
    }
  }
}

TEST(SyntheticStreams, AnUnknownNameIsAnsweredWithThoseThereAre) {
  try {
    synthetic_stream("abrupt", 10, 1);
    FAIL() << "it was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("'abrupt'"), HasSubstr("abrupt_drift, california"), HasSubstr("friedman")));
  }
}

TEST(AbruptDrift, CoefficientsJumpAtTheRow) {
  const Table table = abrupt_drift(30'000, 10'000, 3);
  const cli::BatchFit before = fit_rows(table, 0, 10'000);
  const cli::BatchFit after = fit_rows(table, 10'000, 20'000);
  expect_coefficients(before, kBeforeDrift, 10'000);
  expect_coefficients(after, kAfterDrift, 20'000);
  EXPECT_NEAR(before.in_sample_mse, 1, 0.06);
  EXPECT_NEAR(after.in_sample_mse, 1, 0.06);
  const std::vector<double> unknowing = noise_of(abrupt_drift(20'000, 0, 4), kBeforeDrift);
  double squares = 0;
  for (const double error : unknowing) squares += error * error / 20'000;
  EXPECT_NEAR(std::sqrt(squares), 4.3, 0.1);
}

TEST(AbruptDrift, AShorterTableIsTheStartOfALongerOne) {
  const Table longer = abrupt_drift(300, 50, 1);
  const Table shorter = abrupt_drift(100, 50, 1);
  EXPECT_TRUE(std::equal(shorter.values.begin(), shorter.values.end(), longer.values.begin()));
}

TEST(GradualDrift, CoefficientsMoveInAStraightLineBetweenTheRows) {
  const Table table = gradual_drift(90'000, 20'000, 70'000, 3);
  expect_coefficients(fit_rows(table, 0, 20'000), kBeforeDrift, 20'000);
  expect_coefficients(fit_rows(table, 70'000, 20'000), kAfterDrift, 20'000);
  DriftCoefficients quarter;
  for (std::size_t k = 0; k < quarter.size(); ++k) quarter[k] = 0.75 * kBeforeDrift[k] + 0.25 * kAfterDrift[k];
  expect_coefficients(fit_rows(table, 30'000, 5'000), quarter, 5'000);
  EXPECT_THROW(gradual_drift(10, 5, 5, 1), std::invalid_argument);
}

TEST(RecurringDrift, CoefficientsComeBack) {
  const Table table = recurring_drift(40'000, 10'000, 3);
  for (std::size_t period = 0; period < 4; ++period) {
    expect_coefficients(fit_rows(table, period * 10'000, 10'000), period % 2 == 0 ? kBeforeDrift : kAfterDrift, 10'000);
  }
  EXPECT_THROW(recurring_drift(10, 0, 1), std::invalid_argument);
}

TEST(HeavyTailed, NoiseIsBeyondALargeNumberAsOftenAsItsInverseSquare) {
  constexpr std::size_t kRows = 400'000;
  const std::vector<double> heavy = noise_of(heavy_tailed(kRows, 3), kBeforeDrift);
  for (const double t : {7.0, 20.0, 100.0}) {
    const double share = 1 / (t * t);
    EXPECT_NEAR(share_beyond(heavy, t), share, 4 * std::sqrt(share / kRows)) << t;
  }
  EXPECT_EQ(share_beyond(noise_of(abrupt_drift(kRows, kRows, 3), kBeforeDrift), 6.01), 0) << "as it is without";
}

TEST(Collinear, ColumnsDependOnEachOtherAsDocumented) {
  const Table table = collinear(10'000, 3);
  double largest = 0;
  for (std::size_t i = 0; i < table.rows; ++i) {
    const std::span<const double> row = table.row(i);
    ASSERT_EQ(row[3], row[0] + row[1]);
    ASSERT_EQ(row[3] - row[1], row[0]) << "the sum was rounded";
    ASSERT_EQ(row[5], 3);
    largest = std::max(largest, std::abs(row[4] - row[2]));
  }
  EXPECT_GT(largest, 3e-6);
  EXPECT_LE(largest, 6.1e-6);
  EXPECT_THROW(fit_rows(table, 0, table.rows), std::runtime_error) << "there is no single answer";

  std::vector<double> independent;  // x1, x2, x3 and y
  for (std::size_t i = 0; i < table.rows; ++i) {
    for (const std::size_t k : {0U, 1U, 2U, 6U}) independent.push_back(table.row(i)[k]);
  }
  const cli::BatchFit fit = cli::fit_batch(independent, 3);
  EXPECT_NEAR(fit.intercept, 1, 0.08);
  EXPECT_NEAR(fit.coefficients[0], 2, 0.08);
  EXPECT_NEAR(fit.coefficients[1], -1, 0.08);
  EXPECT_NEAR(fit.coefficients[2], 0.5, 0.08);
  EXPECT_NEAR(fit.in_sample_mse, 0.25, 0.02);
}

TEST(Friedman, FollowsItsFormula) {
  const Table table = friedman(20'000, 3);
  Random random(3);
  for (std::size_t i = 0; i < table.rows; ++i) {
    const std::span<const double> x = table.row(i);
    for (std::size_t k = 0; k < 10; ++k) ASSERT_EQ(x[k], random.uniform());
    const double y = 10 * std::sin(M_PI * x[0] * x[1]) + 20 * std::pow(x[2] - 0.5, 2) + 10 * x[3] + 5 * x[4];
    ASSERT_NEAR(x[10], y + random.normal(), 4e-14);
  }
}

}  // namespace
}  // namespace accrue::datasets
