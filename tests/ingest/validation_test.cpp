#include "ingest/validation.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

using wire::RejectReason;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

wire::StreamSpec spec_of(std::size_t features, bool weighted = false) {
  wire::StreamSpec spec{.features = {}, .target = "y", .weighted = weighted};
  for (std::size_t i = 0; i < features; ++i) spec.features.push_back("x" + std::to_string(i));
  return spec;
}

Gate gate(std::size_t features, bool weighted = false) { return Gate(spec_of(features, weighted)); }

std::uint64_t count_of(const Screening& screening, RejectReason reason) {
  return screening.by_reason[static_cast<std::size_t>(reason)];
}

TEST(Validation, GoodRowsStayAsTheyAre) {
  std::vector<double> rows = {1, 2, 3, 4, -1e150, 1e150};
  const auto before = rows;
  const Screening screening = screen_rows(rows.data(), 3, gate(1));
  EXPECT_EQ(screening.kept, 3u);
  EXPECT_EQ(screening.rejected, 0u);
  EXPECT_EQ(rows, before);
}

TEST(Validation, BadRowIsTakenOutAndItsNeighboursMoveTogether) {
  std::vector<double> rows = {1, 2, kNaN, 3, 4, 5, 6, -kInf, 7, 8};
  const Screening screening = screen_rows(rows.data(), 5, gate(1));
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
  const Screening screening = screen_rows(rows.data(), 6, gate(1, true));
  EXPECT_EQ(screening.kept, 2u);
  EXPECT_EQ(count_of(screening, RejectReason::kMagnitude), 2u);
  EXPECT_EQ(count_of(screening, RejectReason::kWeight), 1u);
  EXPECT_EQ(count_of(screening, RejectReason::kNotFinite), 1u);
  EXPECT_EQ(screening.first_reason, RejectReason::kMagnitude);
}

TEST(Validation, Float32RowsMeetTheSameChecks) {
  std::vector<float> rows = {1, std::numeric_limits<float>::infinity(), 3, 4, std::nanf(""), 6, 7, 8};
  const Screening screening = screen_rows(rows.data(), 4, gate(1));
  EXPECT_EQ(screening.kept, 2u);
  EXPECT_EQ(rows[0], 3);
  EXPECT_EQ(rows[3], 8);
}

// Which of some rows of the features x0, x1, the target and whatever else there is are let through.
std::vector<bool> passed(const Gate& gate, std::vector<std::vector<double>> rows) {
  std::vector<bool> passed;
  for (std::vector<double>& row : rows) {
    EXPECT_EQ(row.size(), gate.columns());
    const Screening screening = screen_rows(row.data(), 1, gate);
    EXPECT_TRUE(screening.kept == 1 || screening.first_reason == RejectReason::kNotFinite);
    passed.push_back(screening.kept == 1);
  }
  return passed;
}

TEST(Validation, AFeatureMayBeMissingWhereModelsTakeItSo) {
  const Gate gate(spec_of(2), {false, true});
  EXPECT_EQ(passed(gate, {{1, kNaN, 3}, {kNaN, 1, 3}, {1, 2, kNaN}, {kNaN, kNaN, 3}, {1, kInf, 3}, {1, 2, 3}}),
            (std::vector<bool>{true, false, false, false, false, true}));
}

TEST(Validation, WhatRowsGoByIsNeverMissing) {
  wire::StreamSpec spec = spec_of(2);
  spec.key = "x0";
  spec.time = "when";
  const Gate gate(spec, {true, true});
  EXPECT_EQ(passed(gate, {{1, kNaN, 3, 9}, {kNaN, 1, 3, 9}, {1, 2, 3, kNaN}}), (std::vector<bool>{true, false, false}));
}

TEST(Validation, OfARowWithAnIdTheTargetMayComeLater) {
  wire::StreamSpec spec = spec_of(2);
  spec.id = "visit";
  const std::vector<std::vector<double>> rows = {{1, 2, 3, 9},       {1, 2, kNaN, 9},       {kNaN, kNaN, 3, 9},
                                                 {1, 2, kNaN, kNaN}, {kNaN, kNaN, 3, kInf}, {kNaN, kNaN, kNaN, 9},
                                                 {1, kNaN, kNaN, 9}, {1, kNaN, 3, 9}};
  EXPECT_EQ(passed(Gate(spec), rows), (std::vector<bool>{true, true, true, false, false, false, false, false}));
  EXPECT_EQ(passed(Gate(spec, {false, true}), rows),
            (std::vector<bool>{true, true, true, false, false, false, true, true}));
}

TEST(Validation, AMissingValueDoesNotHideALargeOne) {
  std::vector<double> row = {1e151, kNaN, 3};
  EXPECT_EQ(screen_rows(row.data(), 1, Gate(spec_of(2), {true, true})).first_reason, RejectReason::kMagnitude);
}

}  // namespace
}  // namespace accrue::ingest
