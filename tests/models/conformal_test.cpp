#include "models/conformal.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/error_means.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

constexpr std::uint64_t kHalfLife = Conformal::kHalfLifeRows;

double residual_of(std::uint64_t index) {
  datasets::Random random(index);
  return std::abs(random.normal()) * (index / kHalfLife % 2 == 0 ? 1 : 3);
}

Conformal conformal_of(std::uint64_t rows) {
  Conformal conformal;
  for (std::uint64_t i = 0; i < rows; ++i) {
    conformal.add(residual_of(i), i);
  }
  return conformal;
}

TEST(Conformal, HalfWidthIsTheResidualOfTheFiniteSamplesRank) {
  for (const std::uint64_t n : {1u, 5u, 18u, 19u, 20u, 99u, 100u, 2000u}) {
    Conformal conformal;
    for (const std::size_t i : datasets::permutation(n, n)) {
      conformal.add(static_cast<double>(i + 1), i);
    }
    for (const double level : {0.5, 0.8, 0.9, 0.95, 0.99}) {
      const double rank = std::ceil(static_cast<double>(n + 1) * level - 1e-9);
      const std::optional<double> half_width = conformal.half_width(level);
      ASSERT_EQ(half_width.has_value(), rank <= static_cast<double>(n)) << n << ", " << level;
      if (half_width) {
        EXPECT_NEAR(*half_width, rank, 0.01 * rank) << n << ", " << level;
      }
    }
  }
}

TEST(Conformal, PromisesNothingBeforeItCan) {
  EXPECT_FALSE(conformal_of(18).half_width(0.95));
  EXPECT_FALSE(conformal_of(18).recent_half_width());
  EXPECT_TRUE(conformal_of(19).half_width(0.95));
  EXPECT_TRUE(conformal_of(19).recent_half_width());
}

TEST(Conformal, WhatCameBeforeCountsHalfWithEachHalfLife) {
  Conformal conformal;
  for (std::uint64_t i = 0; i < 2 * kHalfLife; ++i) {
    conformal.add(i < kHalfLife ? 100 : 1, i);  // a third of what counts, in the end
  }
  EXPECT_NEAR(*conformal.half_width(0.66), 1, 0.01);
  EXPECT_NEAR(*conformal.half_width(0.67), 100, 1);
  for (std::uint64_t i = 2 * kHalfLife; i < 10 * kHalfLife; ++i) {
    conformal.add(1, i);
  }
  EXPECT_NEAR(*conformal.half_width(0.998), 1, 0.01);
  EXPECT_NEAR(*conformal.recent_half_width(), 1, 0.01);
}

TEST(Conformal, MergingAnySplitInAnyOrderGivesTheHalfWidthsOfAllRows) {
  constexpr std::uint64_t kRows = 10 * kHalfLife + 321;
  const Conformal whole = conformal_of(kRows);
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    datasets::Random random(seed);
    std::vector<Conformal> parts(5);
    for (const std::size_t i : datasets::permutation(kRows, seed)) {
      parts[random.below(i < kRows / 2 ? 5 : 4)].add(residual_of(i), i);  // the last one falls behind
    }
    Conformal merged;
    for (const Conformal& part : parts) {
      merged.merge(part);
    }
    for (const double level : {0.1, 0.5, 0.9, 0.95, 0.99, 0.9999}) {
      EXPECT_EQ(merged.half_width(level), whole.half_width(level));
    }
    EXPECT_EQ(merged.recent_half_width(), merged.half_width(0.95));
  }
}

TEST(Conformal, TheRecentHalfWidthIsHardlyOlderThanTheLast) {
  Conformal conformal;
  for (std::uint64_t i = 0; i < 3 * kHalfLife; ++i) {
    conformal.add(std::abs(datasets::Random(i).normal()), i);
    if (i > 500) {
      EXPECT_NEAR(*conformal.recent_half_width(), *conformal.half_width(0.95), 0.1);
    }
  }
}

TEST(Conformal, RestoredItContinuesIdentically) {
  Conformal conformal;
  Conformal copy;
  for (std::uint64_t i = 0; i < 3 * kHalfLife; ++i) {
    conformal.add(residual_of(i), i);
    copy.add(residual_of(i), i);
    copy = i % 97 == 0 || i < 40 ? restored(copy) : copy;
    ASSERT_EQ(copy.recent_half_width(), conformal.recent_half_width());
  }
  EXPECT_EQ(state_of(copy), state_of(conformal));
}

TEST(Conformal, StaysFiniteForTheLargestResidualsAndIndices) {
  Conformal conformal;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    conformal.add(i % 2 == 0 ? 2 * kMaxMagnitude : 0, UINT64_MAX - 1000 + i);
  }
  conformal.add(1, 0);
  conformal.merge(restored(conformal));
  EXPECT_TRUE(std::isfinite(*conformal.half_width(0.95)));
}

TEST(Conformal, RefusesNumbersThatItCannotHold) {
  for (const std::uint64_t number : {UINT64_C(0), UINT64_C(2), UINT64_MAX, UINT64_C(0x7ff8000000000000)}) {
    expect_no_number_is_misread(conformal_of(30), number);
  }
}

}  // namespace
}  // namespace accrue::models
