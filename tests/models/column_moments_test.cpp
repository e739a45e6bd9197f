// Means and variances of columns: their definition, however the rows were dealt.
#include "models/transforms/column_moments.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/rows.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Value {
  double value;
  double weight;
};

// Far from zero, so that a difference of squares would lose all digits; some missing, some of no weight.
std::vector<Value> random_values(std::uint64_t seed, std::size_t count) {
  datasets::Random random(seed);
  std::vector<Value> values;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = random.below(9) == 0 ? kNaN : 1e9 + random.normal();
    values.push_back({value, random.below(7) == 0 ? 0 : random.uniform() * 3});
  }
  return values;
}

Moments by_definition(const std::vector<Value>& values) {
  long double weight = 0;
  long double sum = 0;
  long double squares = 0;
  for (const Value& v : values) {
    weight += std::isnan(v.value) ? 0 : v.weight;
    sum += std::isnan(v.value) ? 0 : static_cast<long double>(v.weight) * v.value;
  }
  for (const Value& v : values) {
    const long double deviation = v.value - sum / weight;
    squares += std::isnan(v.value) ? 0 : v.weight * deviation * deviation;
  }
  return {static_cast<double>(weight), static_cast<double>(sum / weight), static_cast<double>(squares / weight)};
}

ColumnMoments moments_of(const std::vector<Value>& values, std::size_t first, std::size_t last) {
  ColumnMoments moments(1);
  for (std::size_t i = first; i < last; ++i) {
    moments.add(0, values[i].value, values[i].weight);
  }
  return moments;
}

void expect_near(const Moments& actual, const Moments& expected) {
  EXPECT_NEAR(actual.weight, expected.weight, 1e-10 * expected.weight);
  EXPECT_NEAR(actual.mean, expected.mean, 1e-10 * std::abs(expected.mean));
  EXPECT_NEAR(actual.variance, expected.variance, 1e-7 * expected.variance);
}

std::vector<std::byte> encoded(const ColumnMoments& moments) {
  StateWriter writer;
  moments.encode(writer);
  return std::move(writer).finish();
}

DecodeError decode(const std::vector<double>& numbers, std::uint64_t flag, const std::vector<double>& others) {
  StateWriter writer;
  writer.put_doubles(numbers);
  writer.put_count(flag);
  writer.put_doubles(others);
  const std::vector<std::byte> state = std::move(writer).finish();
  StateReader reader;
  EXPECT_EQ(reader.open(state), DecodeError::kNone);
  ColumnMoments moments(1);
  return moments.decode(reader);
}

TEST(ColumnMoments, AreTheWeightedMeanAndVarianceOfTheValuesThatAreThere) {
  const std::vector<Value> values = random_values(1, 5000);
  expect_near(moments_of(values, 0, values.size()).known(0), by_definition(values));
}

TEST(ColumnMoments, OfAnySplitMergeToThoseOfTheWhole) {
  std::vector<Value> values = random_values(2, 2000);
  for (Value& v : values) {
    v.value -= 1e9 - 3;
  }
  const Moments whole = moments_of(values, 0, values.size()).known(0);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{700}, std::size_t{1999}, values.size()}) {
    ColumnMoments merged = moments_of(values, 0, cut);
    merged.merge(moments_of(values, cut, values.size()));
    EXPECT_NEAR(merged.known(0).weight, whole.weight, 1e-10 * whole.weight);
    EXPECT_NEAR(merged.known(0).mean, whole.mean, 1e-10);
    EXPECT_NEAR(merged.known(0).variance, whole.variance, 1e-10);
  }
}

TEST(ColumnMoments, OfAConstantColumnHaveNoVariance) {
  ColumnMoments moments(1);
  ColumnMoments others(1);
  for (int i = 0; i < 1000; ++i) {
    moments.add(0, 0.1, 0.3 + i);
    others.add(0, 0.1, 1.7 * i);
  }
  moments.merge(others);
  EXPECT_EQ(moments.known(0).mean, 0.1);
  EXPECT_EQ(moments.known(0).variance, 0);
}

TEST(ColumnMoments, ThatSeeOthersKnowAllAndKeepTheirOwn) {
  const std::vector<Value> values = random_values(3, 900);
  ColumnMoments moments = moments_of(values, 0, 300);
  const ColumnMoments others = moments_of(values, 300, 600);
  moments.see(moments_of(values, 600, 900));
  moments.see(others);  // forgets what was seen before
  expect_near(moments.known(0), by_definition({values.begin(), values.begin() + 600}));

  ColumnMoments own = moments_of(values, 0, 300);
  for (const Value& v : random_values(4, 50)) {
    moments.add(0, v.value, v.weight);
    own.add(0, v.value, v.weight);
  }
  EXPECT_GT(moments.known(0).weight, own.known(0).weight);
  moments.merge(ColumnMoments(1));
  EXPECT_EQ(encoded(moments), encoded(own));
}

TEST(ColumnMoments, StayFiniteForTheLargestAndTheSmallestNumbers) {
  const double tiny = std::numeric_limits<double>::denorm_min();
  ColumnMoments moments(1);
  ColumnMoments others(1);
  for (const double weight : {tiny, 1.0, kMaxMagnitude, tiny, kMaxMagnitude}) {
    for (const double value : {tiny, -kMaxMagnitude, kMaxMagnitude, -tiny, 0.0, kMaxMagnitude, -kMaxMagnitude}) {
      moments.add(0, value, weight);
      others.add(0, -value / 3, weight);
    }
  }
  moments.see(others);
  moments.add(0, kMaxMagnitude, kMaxMagnitude);
  const std::vector<std::byte> state = encoded(moments);
  StateReader reader;
  ASSERT_EQ(reader.open(state), DecodeError::kNone);
  ColumnMoments restored(1);
  ASSERT_EQ(restored.decode(reader), DecodeError::kNone);
  EXPECT_EQ(encoded(restored), state);
  EXPECT_TRUE(std::isfinite(restored.known(0).mean));
  EXPECT_TRUE(std::isfinite(restored.known(0).variance));
}

TEST(ColumnMoments, RefuseAStateThatNoRowsLeadTo) {
  EXPECT_EQ(decode({0, 0, 0}, 0, {}), DecodeError::kNone);
  EXPECT_EQ(decode({2, 1, 3}, 0, {}), DecodeError::kNone);
  EXPECT_EQ(decode({2, 1, 3}, 1, {2, 1, 3}), DecodeError::kNone);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& wrong : {std::vector<double>{-1, 0, 0},
                                           {kNaN, 0, 0},
                                           {1e250, 0, 0},
                                           {2, kNaN, 3},
                                           {2, 1e151, 3},
                                           {2, 1, -3},
                                           {2, 1, infinity},
                                           {0, 1, 0},
                                           {0, 0, 1},
                                           {2, 1}}) {
    EXPECT_EQ(decode(wrong, 0, {}), DecodeError::kInvalid);
  }
  EXPECT_EQ(decode({2, 1, 3}, 2, {2, 1, 3}), DecodeError::kInvalid);
  EXPECT_EQ(decode({2, 1, 3}, 1, {1, 1, 3}), DecodeError::kInvalid) << "of fewer rows than its own";
  EXPECT_EQ(decode({2, 1, 3}, 1, {2, 1}), DecodeError::kInvalid);
}

}  // namespace
}  // namespace accrue::models
