#include "models/error_scale.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/rows.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

std::vector<double> errors(std::uint64_t seed, std::size_t count, double size) {
  datasets::Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) {
    value = size * std::abs(random.normal());
  }
  return values;
}

void learn(ErrorScale& scale, const std::vector<double>& values) {
  for (const double value : values) {
    scale.learn(value);
  }
}

double mean_relative(const ErrorScale& scale, const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += scale.relative(value);
  }
  return sum / static_cast<double>(values.size());
}

TEST(ErrorScale, MeanOfRelativeErrorsIsAHalfWhateverTheSize) {
  for (const double size : {1e-200, 1e-6, 1.0, 1e9, 1e149}) {
    ErrorScale scale;
    learn(scale, errors(1, 1000, size));
    EXPECT_NEAR(mean_relative(scale, errors(2, 10'000, size)), 0.5, 0.05) << size;
  }
}

TEST(ErrorScale, IsFoundFromFarAway) {
  for (const double first : {1e-20, 1e20}) {
    ErrorScale scale;
    scale.learn(first);
    learn(scale, errors(1, 1000, 1));
    EXPECT_NEAR(mean_relative(scale, errors(2, 10'000, 1)), 0.5, 0.05) << first;
  }
}

TEST(ErrorScale, OutliersMoveItLittle) {
  std::vector<double> values = errors(1, 1000, 1);
  ErrorScale plain;
  learn(plain, values);
  for (std::size_t i = 25; i < values.size(); i += 50) {
    values[i] = 1e100;
  }
  ErrorScale disturbed;
  learn(disturbed, values);
  EXPECT_NEAR(mean_relative(disturbed, errors(2, 10'000, 1)), mean_relative(plain, errors(2, 10'000, 1)), 0.05);
}

TEST(ErrorScale, ErrorsOfZeroSayNothing) {
  ErrorScale scale;
  EXPECT_EQ(scale.relative(0), 0);
  learn(scale, std::vector<double>(100, 0));
  EXPECT_EQ(scale.relative(0), 0);
  EXPECT_EQ(scale.relative(1e-9), 1);
  learn(scale, errors(1, 1000, 1));
  const double before = scale.relative(1);
  EXPECT_LT(before, 1);
  learn(scale, std::vector<double>(100, 0));
  EXPECT_EQ(scale.relative(1), before);
  EXPECT_EQ(scale.rows(), 1200);
}

TEST(ErrorScale, IsDivided) {
  ErrorScale scale;
  learn(scale, errors(1, 1000, 1));
  const double before = scale.relative(1);
  scale.divide(4);
  EXPECT_DOUBLE_EQ(scale.relative(0.25), before);
}

TEST(ErrorScale, RelativeErrorsStayWithinOneForTheLargestAndTheSmallest) {
  ErrorScale scale;
  for (int i = 0; i < 2000; ++i) {
    scale.learn(i % 3 == 0 ? std::numeric_limits<double>::denorm_min() : 2.1 * kMaxMagnitude);
    for (const double error : {0.0, std::numeric_limits<double>::denorm_min(), 1.0, 2.1 * kMaxMagnitude}) {
      const double relative = scale.relative(error);
      ASSERT_TRUE(relative >= 0 && relative <= 1) << i << ' ' << error;
    }
  }
  scale = restored(scale);
}

TEST(ErrorScale, RestoredContinuesIdentically) {
  ErrorScale one;
  ErrorScale other;
  for (const double error : errors(1, 1000, 1)) {
    one.learn(error);
    other.learn(error);
    other = restored(other);
    ASSERT_EQ(state_of(one), state_of(other));
  }
}

TEST(ErrorScale, RefusesScalesThatThereAreNot) {
  for (const double scale : {-1.0, 1e151, std::numeric_limits<double>::quiet_NaN()}) {
    ErrorScale decoded;
    const auto write = [&](StateWriter& writer) {
      writer.put_count(10);
      writer.put_double(scale);
    };
    EXPECT_EQ(decode_state(written(write), decoded), DecodeError::kInvalid) << scale;
  }
}

}  // namespace
}  // namespace accrue::models
