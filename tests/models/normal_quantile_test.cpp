#include "models/normal_quantile.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace accrue::models {
namespace {

double probability_below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

TEST(NormalQuantile, InvertsTheDistributionToSevenDigits) {
  for (double z = -36; z <= 5; z += 0.013) {
    const double p = probability_below(z);
    EXPECT_NEAR(normal_quantile(p), z, 2e-7 * std::abs(z) + 1e-9) << z;
  }
}

TEST(NormalQuantile, HalfWidthsAreThoseOfTheTables) {
  EXPECT_NEAR(normal_half_width(0.68268949213708590), 1, 1e-7);
  EXPECT_NEAR(normal_half_width(0.90), 1.6448536269514722, 2e-7);
  EXPECT_NEAR(normal_half_width(0.95), 1.9599639845400545, 2e-7);
  EXPECT_NEAR(normal_half_width(0.99), 2.5758293035489004, 2e-7);
  EXPECT_NEAR(normal_half_width(0.999999), 4.891638475698772, 4e-7);
}

}  // namespace
}  // namespace accrue::models
