#include "models/coverage.hpp"

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "models/error_means.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

Coverage coverage_of(int first, int last) {
  Coverage coverage;
  for (int i = first; i < last; ++i) {
    coverage.add(i % 10, 0.5 * (i % 7));
  }
  return coverage;
}

TEST(Coverage, CountsWhatIntervalsHeldTheirEndsIncluded) {
  Coverage coverage;
  EXPECT_TRUE(std::isnan(coverage.rate()) && std::isnan(coverage.mean_width()));
  coverage.add(1, 1);
  coverage.add(1.1, 1);
  coverage.add(0, 4);
  coverage.add(9, 0);
  EXPECT_EQ(coverage.rows(), 4);
  EXPECT_EQ(coverage.rate(), 0.5);
  EXPECT_EQ(coverage.mean_width(), 3);
}

TEST(Coverage, MergesAndParts) {
  const Coverage whole = coverage_of(0, 1000);
  Coverage merged = coverage_of(0, 400);
  merged.merge({});
  merged.merge(coverage_of(400, 1000));
  EXPECT_EQ(merged.rows(), 1000);
  EXPECT_EQ(merged.covered(), whole.covered());
  EXPECT_NEAR(merged.mean_width(), whole.mean_width(), 1e-12);

  const Coverage since = whole.since(coverage_of(0, 400));
  EXPECT_EQ(since.rows(), 600);
  EXPECT_EQ(since.covered(), coverage_of(400, 1000).covered());
  EXPECT_NEAR(since.mean_width(), coverage_of(400, 1000).mean_width(), 1e-12);
  EXPECT_TRUE(std::isnan(whole.since(whole).rate()));
}

TEST(Coverage, RestoredItContinuesIdentically) {
  Coverage coverage = coverage_of(0, 33);
  Coverage copy = restored(coverage);
  coverage.add(1, 0.3);
  copy.add(1, 0.3);
  EXPECT_EQ(state_of(copy), state_of(coverage));
}

TEST(Coverage, StaysFiniteForTheWidestIntervals) {
  Coverage coverage;
  for (int i = 0; i < 100; ++i) {
    coverage.add(2 * kMaxMagnitude, i % 2 == 0 ? 2 * kMaxMagnitude : 0);
  }
  EXPECT_TRUE(std::isfinite(restored(coverage).mean_width()));
  EXPECT_TRUE(std::isfinite(coverage.since(coverage_of(0, 3)).mean_width()));
}

TEST(Coverage, RefusesNumbersThatItCannotHold) {
  for (const std::uint64_t number : {UINT64_C(0), UINT64_MAX, UINT64_C(0x7ff8000000000000)}) {
    expect_no_number_is_misread(coverage_of(0, 30), number);
  }
}

}  // namespace
}  // namespace accrue::models
