#include "ingest/validation.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

using wire::RejectReason;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::uint64_t count_of(const Screening& screening, RejectReason reason) {
  return screening.by_reason[static_cast<std::size_t>(reason)];
}

TEST(Validation, GoodRowsStayAsTheyAre) {
  std::vector<double> rows = {1, 2, 3, 4, -1e150, 1e150};
  const auto before = rows;
  const Screening screening = screen_rows(rows.data(), 3, 2, std::nullopt);
  EXPECT_EQ(screening.kept, 3u);
  EXPECT_EQ(screening.rejected, 0u);
  EXPECT_EQ(rows, before);
}

TEST(Validation, BadRowIsTakenOutAndItsNeighboursMoveTogether) {
  std::vector<double> rows = {1, 2, kNaN, 3, 4, 5, 6, -kInf, 7, 8};
  const Screening screening = screen_rows(rows.data(), 5, 2, std::nullopt);
  EXPECT_EQ(screening.kept, 3u);
  EXPECT_EQ(screening.rejected, 2u);
  EXPECT_EQ(screening.first_rejected, 1u);
  EXPECT_EQ(count_of(screening, RejectReason::kNotFinite), 2u);
  rows.resize(6);
  EXPECT_EQ(rows, (std::vector<double>{1, 2, 4, 5, 7, 8}));
}

TEST(Validation, EachReasonIsCountedForItself) {
  std::vector<double> rows = {
      1, 1,       1,    // good
      1, 1.1e150, 1,    // too large
      1, 1,       -1,   // negative weight
      1, 1e149,   1e4,  // too large once weighted
      1, kNaN,    1,    // not finite
      1, 1,       0,    // weight 0 is fine
  };
  const Screening screening = screen_rows(rows.data(), 6, 3, 2);
  EXPECT_EQ(screening.kept, 2u);
  EXPECT_EQ(count_of(screening, RejectReason::kMagnitude), 2u);
  EXPECT_EQ(count_of(screening, RejectReason::kWeight), 1u);
  EXPECT_EQ(count_of(screening, RejectReason::kNotFinite), 1u);
  EXPECT_EQ(screening.first_reason, RejectReason::kMagnitude);
}

TEST(Validation, Float32RowsMeetTheSameChecks) {
  std::vector<float> rows = {1, std::numeric_limits<float>::infinity(), 3, 4, std::nanf(""), 6, 7, 8};
  const Screening screening = screen_rows(rows.data(), 4, 2, std::nullopt);
  EXPECT_EQ(screening.kept, 2u);
  EXPECT_EQ(rows[0], 3);
  EXPECT_EQ(rows[3], 8);
}

}  // namespace
}  // namespace accrue::ingest
