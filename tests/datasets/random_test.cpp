#include "datasets/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace accrue::datasets {
namespace {

using ::testing::ElementsAre;

TEST(Random, DrawsThePublishedSplitMix64Sequence) {
  Random random(1234567);
  const std::array<std::uint64_t, 5> drawn = {random.next(), random.next(), random.next(), random.next(),
                                              random.next()};
  EXPECT_THAT(drawn, ElementsAre(6457827717110365317U, 3203168211198807973U, 9817491932198370423U, 4593380528125082431U,
                                 16408922859458223821U));
}

// The values below were computed from the header's text in another language.
TEST(Random, DoublesAreTheSameToTheLastBitEverywhere) {
  Random uniform(42);
  EXPECT_EQ(uniform.uniform(), 0.7415648787718233);
  EXPECT_EQ(uniform.uniform(), 0.1599103928769201);
  EXPECT_EQ(uniform.uniform(), 0.27860113025513866);
  Random normal(42);
  EXPECT_EQ(normal.normal(), -0.8941334431933914);
  EXPECT_EQ(normal.normal(), -0.4665347967936784);
  EXPECT_EQ(normal.normal(), 1.592539553909754);
}

TEST(Random, BoundedDrawRejectsWhatWouldBiasIt) {
  Random random(7);  // two of its first six draws are below the 2^63 - 1 that are rejected for this bound
  const std::uint64_t n = (std::uint64_t{1} << 63) + 1;
  EXPECT_EQ(random.below(n), 7392729709960833537U);
  EXPECT_EQ(random.below(n), 1529793891446696394U);
  EXPECT_EQ(random.below(n), 8483179396677329707U);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, BoundedDrawIsUniform) {
  constexpr int kDraws = 60'000;
  Random random(3);
  std::array<int, 6> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(counts.size())];
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - kDraws / 6.0, 2) / (kDraws / 6.0);
  EXPECT_LT(chi_square, 20.5);  // 0.999 quantile at 5 degrees of freedom
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  constexpr int kDraws = 100'000;
  Random random(5);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.normal();
    sum += z;
    squares += z * z;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.0127);      // four standard errors
  EXPECT_NEAR(squares / kDraws, 1, 0.0179);  // likewise
}

TEST(Permutation, IsFixedByItsSeed) {
  EXPECT_THAT(permutation(10, 1), ElementsAre(4, 2, 8, 1, 9, 3, 0, 6, 7, 5));
  const std::vector<std::size_t> order = permutation(20'640, 1);
  EXPECT_EQ(order[0], 20'408U);
  EXPECT_EQ(order[4], 19'432U);
  EXPECT_EQ(order[20'639], 2'945U);
}

TEST(Permutation, HoldsEveryIndexOnce) {
  for (const std::size_t n : {0U, 1U, 2U, 20'640U}) {
    std::vector<std::size_t> order = permutation(n, 4);
    std::sort(order.begin(), order.end());
    std::vector<std::size_t> expected(n);
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    EXPECT_EQ(order, expected);
  }
}

TEST(Permutation, EveryOrderIsEquallyLikely) {
  constexpr int kDraws = 12'000;
  std::array<int, 6> counts{};  // of the orders of three, by rank
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const std::vector<std::size_t> order = permutation(3, seed);
    ++counts[2 * order[0] + (order[1] > order[2] ? 1 : 0)];
  }
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - kDraws / 6.0, 2) / (kDraws / 6.0);
  EXPECT_LT(chi_square, 20.5);  // 0.999 quantile at 5 degrees of freedom
}

TEST(Shuffled, MovesWholeRowsAsThePermutationSays) {
  std::vector<double> rows;
  for (int i = 0; i < 50; ++i) rows.insert(rows.end(), {1.0 * i, 100.0 + i});
  const auto order = permutation(50, 7);
  const auto moved = shuffled(rows, 2, 7);
  ASSERT_EQ(moved.size(), rows.size());
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(moved[2 * i], static_cast<double>(order[i]));
    EXPECT_EQ(moved[2 * i + 1], 100 + static_cast<double>(order[i]));
  }
}

}  // namespace
}  // namespace accrue::datasets
