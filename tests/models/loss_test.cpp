#include "models/loss.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace accrue::models {
namespace {

constexpr Loss kLosses[] = {
    {Loss::Kind::kSquared, 0},
    {Loss::Kind::kHuber, 0.5},
    {Loss::Kind::kEpsilonInsensitive, 0},
    {Loss::Kind::kEpsilonInsensitive, 1},
    {Loss::Kind::kQuantile, 0.5},
    {Loss::Kind::kQuantile, 0.9},
};
constexpr double kTarget = 3;
constexpr double kPredictions[] = {-1e10, -4, 2.2, 3, 3.4, 7, 1e6};
constexpr double kPulls[] = {1e-12, 0.01, 0.3, 1, 5, 1e3};

double after(const Loss& loss, double prediction, double pull) {
  return prediction + loss.travel(prediction, kTarget, pull);
}

TEST(Loss, TravelsAgainstItsSlope) {
  for (const Loss& loss : kLosses) {
    for (const double prediction : kPredictions) {
      const double expected = -1e-9 * loss.slope(prediction, kTarget);
      EXPECT_NEAR(loss.travel(prediction, kTarget, 1e-9), expected, 1e-8 * std::abs(expected));
    }
  }
}

TEST(Loss, TravelsInTwoPartsAsInOne) {
  for (const Loss& loss : kLosses) {
    for (const double prediction : kPredictions) {
      for (const double pull : kPulls) {
        const double halfway = after(loss, prediction, 0.4 * pull);
        EXPECT_NEAR(after(loss, halfway, 0.6 * pull), after(loss, prediction, pull),
                    1e-12 * std::abs(prediction) + 1e-14);
      }
    }
  }
}

TEST(Loss, NeverTravelsPastTheTarget) {
  for (const Loss& loss : kLosses) {
    for (const double prediction : kPredictions) {
      for (const double pull : {1e-300, 1.0, 1e300, std::numeric_limits<double>::infinity()}) {
        const double travel = loss.travel(prediction, kTarget, pull);
        EXPECT_LE(std::abs(travel), std::abs(kTarget - prediction));
        EXPECT_GE(travel * (kTarget - prediction), 0);
      }
    }
  }
}

TEST(Loss, AnInfinitePullLeavesNoLoss) {
  for (const Loss& loss : kLosses) {
    for (const double prediction : kPredictions) {
      const double tolerance = loss.kind == Loss::Kind::kEpsilonInsensitive ? loss.parameter : 0;
      const double expected = std::min(tolerance, std::abs(prediction - kTarget));
      EXPECT_NEAR(std::abs(after(loss, prediction, std::numeric_limits<double>::infinity()) - kTarget), expected,
                  1e-15 * std::abs(prediction));
    }
  }
}

}  // namespace
}  // namespace accrue::models
