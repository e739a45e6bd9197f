#include "models/rolling_error.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

constexpr std::uint64_t kRows = 250'123;

RowError row_of(std::uint64_t index) {
  datasets::Random random(index);
  const double target = 2 + random.normal() + static_cast<double>(index) / kRows;
  const double prediction = 2 + random.normal();
  return {prediction, prediction / 2, target, index % 7 == 3 ? 0 : random.uniform()};
}

// Every fifth row has no interval of the model's own.
HalfWidths intervals_of(std::uint64_t index) {
  HalfWidths intervals{.conformal = 1 + static_cast<double>(index % 3)};
  if (index % 5 != 0) {
    intervals.variance = 2;
  }
  return intervals;
}

RollingError error_of(std::uint64_t first, std::uint64_t last) {
  RollingError error;
  for (std::uint64_t i = first; i < last; ++i) {
    error.add(row_of(i), intervals_of(i), i);
  }
  return error;
}

// Of the rows that the header says a window holds.
Window by_definition(std::uint64_t window, std::uint64_t rows) {
  const std::uint64_t pane = window / RollingError::kPanesOfWindow;
  const std::uint64_t newest = (rows - 1) / pane;
  const std::uint64_t oldest = newest < 10 ? 0 : newest - 10;
  Window rows_of_it;
  for (std::uint64_t i = oldest * pane; i < rows; ++i) {
    rows_of_it.pool(row_of(i), intervals_of(i));
  }
  return rows_of_it;
}

void expect_near(const Coverage& actual, const Coverage& expected) {
  EXPECT_EQ(actual.rows(), expected.rows());
  EXPECT_EQ(actual.covered(), expected.covered());
  EXPECT_NEAR(actual.mean_width(), expected.mean_width(), 1e-11 * expected.mean_width());
}

void expect_near(const Window& of, const Window& whole) {
  expect_near(of.coverage.conformal, whole.coverage.conformal);
  expect_near(of.coverage.variance, whole.coverage.variance);
  const ErrorMeans& actual = of.error;
  const ErrorMeans& expected = whole.error;
  ASSERT_EQ(actual.n(), expected.n());
  EXPECT_EQ(actual.zero_targets(), expected.zero_targets());
  EXPECT_NEAR(actual.sum_weights(), expected.sum_weights(), 1e-11 * expected.sum_weights());
  EXPECT_NEAR(actual.mse(), expected.mse(), 1e-11 * expected.mse());
  EXPECT_NEAR(actual.mae(), expected.mae(), 1e-11 * expected.mae());
  EXPECT_NEAR(actual.mse_clipped(), expected.mse_clipped(), 1e-11 * expected.mse_clipped());
  EXPECT_NEAR(actual.bias(), expected.bias(), 1e-11 * expected.mae());
  EXPECT_NEAR(actual.mape(), expected.mape(), 1e-11 * expected.mape());
  EXPECT_NEAR(actual.r2(), expected.r2(), 1e-10);
}

TEST(RollingError, AWindowHoldsItsRowsAndAtMostATenthMore) {
  RollingError error;
  std::uint64_t next = 0;
  for (const std::uint64_t rows : {2u, 99u, 100u, 101u, 999u, 1000u, 1001u, 1100u, 1101u, 12345u, 100000u, 110001u}) {
    for (; next < rows; ++next) {
      error.add(row_of(next), intervals_of(next), next);
    }
    for (const std::uint64_t window : RollingError::kWindows) {
      const Window last = error.last(window);
      expect_near(last, by_definition(window, rows));
      EXPECT_GE(last.error.n(), std::min(rows, window + 1));
      EXPECT_LE(last.error.n(), window + window / RollingError::kPanesOfWindow);
    }
  }
}

TEST(RollingError, MergingAnySplitGivesTheWindowsOfAllRows) {
  datasets::Random random(1);
  for (int split = 0; split < 3; ++split) {
    std::vector<RollingError> parts(5);
    for (std::uint64_t i = 0; i < kRows; ++i) {
      parts[random.below(parts.size() - (i > kRows / 2 ? 1 : 0))].add(row_of(i), intervals_of(i),
                                                                      i);  // the last one falls behind
    }
    RollingError forth;
    RollingError back;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      forth.merge(parts[i]);
      back.merge(parts[parts.size() - 1 - i]);
    }
    for (const std::uint64_t window : RollingError::kWindows) {
      expect_near(forth.last(window), by_definition(window, kRows));
      expect_near(back.last(window), by_definition(window, kRows));
    }
  }
}

TEST(RollingError, RowsInAnyOrderGiveTheSameWindows) {
  RollingError error;
  for (const std::size_t i : datasets::permutation(20'000, 2)) {
    error.add(row_of(i), intervals_of(i), i);
  }
  for (const std::uint64_t window : RollingError::kWindows) {
    EXPECT_GT(error.last(window).error.n(), 0);
    EXPECT_LE(error.last(window).error.n(), by_definition(window, 20'000).error.n());
  }
  // A window that no row was ever too old for holds them all.
  expect_near(error.last(100'000), by_definition(100'000, 20'000));
}

TEST(RollingError, RowsThatAreLongPastLeaveTheWindows) {
  RollingError error = error_of(0, 5000);
  error.add(row_of(900'000), intervals_of(900'000), 900'000);
  EXPECT_EQ(error.last(1'000).error.n(), 1);
  EXPECT_EQ(error.last(100'000).error.n(), 1);
  error.add(row_of(4999), intervals_of(4999), 4999);
  EXPECT_EQ(error.last(100'000).error.n(), 1) << "a row that is too old";
  error.add(row_of(899'999), intervals_of(899'999), 899'999);
  EXPECT_EQ(error.last(1'000).error.n(), 2);
}

TEST(RollingError, RestoredItContinuesIdentically) {
  RollingError error = error_of(0, 1);
  RollingError copy = restored(error);
  for (std::uint64_t i = 1; i < 130'000; ++i) {
    error.add(row_of(i), intervals_of(i), i);
    copy.add(row_of(i), intervals_of(i), i);
    if (i % 3333 == 0) {
      copy = restored(copy);
    }
  }
  EXPECT_EQ(state_of(copy), state_of(error));
  EXPECT_EQ(copy.last(1'000).error.mse(), error.last(1'000).error.mse());
}

TEST(RollingError, StaysFiniteForTheLargestErrorsWeightsAndIndices) {
  RollingError error;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const double sign = i % 2 == 0 ? 1 : -1;
    error.add({sign * kMaxMagnitude, sign, -sign * kMaxMagnitude, i % 3 == 0 ? 1e-300 : kMaxMagnitude}, {},
              UINT64_MAX - 5000 + i);
  }
  for (const std::uint64_t window : RollingError::kWindows) {
    const ErrorMeans last = restored(error).last(window).error;
    EXPECT_GE(last.n(), std::min<std::uint64_t>(window, 5000));
    for (const double figure : {last.mse(), last.mae(), last.r2(), last.bias(), last.mape()}) {
      EXPECT_TRUE(std::isfinite(figure));
    }
  }
}

TEST(RollingError, RefusesNumbersThatItCannotHold) {
  for (const std::uint64_t number : {UINT64_C(0), UINT64_C(7), UINT64_MAX, UINT64_C(0x7ff8000000000000)}) {
    expect_no_number_is_misread(error_of(0, 2345), number);
  }
}

}  // namespace
}  // namespace accrue::models
