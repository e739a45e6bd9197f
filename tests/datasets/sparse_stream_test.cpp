#include "datasets/sparse_stream.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/datasets/checksum.hpp"

namespace accrue::datasets {
namespace {

constexpr std::uint32_t kMillion = 1'000'000;

std::uint64_t checksum(const SparseRows& stream) {
  std::vector<double> all(stream.indices.begin(), stream.indices.end());
  all.insert(all.end(), stream.values.begin(), stream.values.end());
  all.insert(all.end(), stream.targets.begin(), stream.targets.end());
  return fnv1a(all);
}

// The checksum was computed in another language.
TEST(SparseStream, ASeedGivesTheSameBitsEverywhere) {
  EXPECT_EQ(checksum(sparse_stream(200, kMillion, 20, 1)), 3564602000689944662U);
  EXPECT_NE(checksum(sparse_stream(200, kMillion, 20, 2)), 3564602000689944662U);
}

TEST(SparseStream, AShorterStreamIsTheStartOfALongerOne) {
  const SparseRows longer = sparse_stream(300, 1'000, 5, 1);
  const SparseRows shorter = sparse_stream(100, 1'000, 5, 1);
  EXPECT_TRUE(std::equal(shorter.indices.begin(), shorter.indices.end(), longer.indices.begin()));
  EXPECT_TRUE(std::equal(shorter.targets.begin(), shorter.targets.end(), longer.targets.begin()));
}

TEST(SparseStream, EveryRowHasAsManyDifferentFeaturesInOrder) {
  const struct {
    std::uint32_t dimension;
    std::size_t nonzeros;
  } shapes[] = {{kMillion, 50}, {1, 1}, {10, 10}, {4'000'000'000, 3}};
  for (const auto& [dimension, nonzeros] : shapes) {
    const SparseRows stream = sparse_stream(200, dimension, nonzeros, 5);
    ASSERT_EQ(stream.rows(), 200);
    ASSERT_EQ(stream.values.size(), 200 * nonzeros);
    for (std::size_t i = 0; i < stream.rows(); ++i) {
      const std::span<const std::uint32_t> row = stream.row_indices(i);
      EXPECT_EQ(std::adjacent_find(row.begin(), row.end(), std::greater_equal<>()), row.end()) << "row " << i;
      EXPECT_LT(row.back(), dimension);
    }
  }
}

TEST(SparseStream, FirstFeaturesAreInManyRowsAndTheLastInFew) {
  const SparseRows stream = sparse_stream(20'000, kMillion, 20, 3);
  const auto below = [&](std::uint32_t limit) {
    const auto count = std::count_if(stream.indices.begin(), stream.indices.end(), [=](auto i) { return i < limit; });
    return static_cast<double>(count) / static_cast<double>(stream.indices.size());
  };
  EXPECT_NEAR(below(1'000), 0.1, 0.005);  // the cube root of a thousandth
  EXPECT_NEAR(below(125'000), 0.5, 0.005);
}

TEST(SparseStream, TargetIsTheSparseProductAndNoise) {
  const SparseRows stream = sparse_stream(20'000, kMillion, 20, 3);
  double squares = 0;
  for (std::size_t i = 0; i < stream.rows(); ++i) {
    double y = 0;
    for (std::size_t k = 0; k < stream.nonzeros; ++k) {
      y += sparse_coefficient(stream.row_indices(i)[k], 3) * stream.row_values(i)[k];
    }
    squares += std::pow(stream.targets[i] - y, 2);
  }
  EXPECT_NEAR(std::sqrt(squares / 20'000), kSparseNoise, 0.01);
}

TEST(SparseStream, AQuarterOfTheFeaturesMatters) {
  int matter = 0;
  double squares = 0;
  for (std::uint32_t index = 0; index < 100'000; ++index) {
    const double coefficient = sparse_coefficient(index, 3);
    matter += coefficient != 0 ? 1 : 0;
    squares += coefficient * coefficient;
  }
  EXPECT_NEAR(matter, 25'000, 600);
  EXPECT_NEAR(squares / matter, 1, 0.04);
}

TEST(SparseStream, RefusesRowsThatCannotBe) {
  EXPECT_THROW(sparse_stream(1, 10, 0, 1), std::invalid_argument);
  EXPECT_THROW(sparse_stream(1, 10, 11, 1), std::invalid_argument);
}

}  // namespace
}  // namespace accrue::datasets
