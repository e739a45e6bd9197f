#include "ingest/sparse_rows.hpp"

#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ingest/wire/batch_frame.hpp"
#include "tests/ingest/screened.hpp"

namespace accrue::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::RejectReason;
using wire::SparseForm;

constexpr std::uint32_t kDimension = 100;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Row {
  std::vector<std::uint32_t> columns;
  std::vector<double> values;
  double target = 0;
  double weight = 1;

  bool operator==(const Row&) const = default;
};

struct ScreenedRows : Screened {
  std::vector<Row> rows;
};

Stream stream_of(bool weighted) {
  wire::StreamSpec spec;
  spec.target = "y";
  spec.weighted = weighted;
  spec.dimension = kDimension;
  return Stream(RecoveredStream{1, "s", spec, 0, 0, {}, {}, {}});
}

wire::Bytes batch_of(const std::vector<Row>& rows, bool weighted) {
  wire::SparseRowsBin bin(weighted ? SparseForm::kTargetAndWeight : SparseForm::kTarget);
  for (const Row& row : rows) bin.append(row.columns, row.values, row.target, row.weight);
  return bin.seal(1, 7);
}

ScreenedRows screen(const wire::Bytes& bytes, bool weighted, std::size_t shift = 0) {
  const Stream stream = stream_of(weighted);
  ScreenedRows result{screen_at(shift, bytes, stream), {}};
  if (result.batch.count == 0) return result;
  const wire::SparseParts parts =
      wire::sparse_parts(wire::batch_form(stream.spec), result.batch.count, result.batch.nonzeros, result.bin());
  EXPECT_TRUE(ends_fit(parts));
  for (std::size_t i = 0; i < parts.count; ++i) {
    const auto columns = parts.row_columns(i);
    const auto values = parts.row_values(i);
    result.rows.push_back({{columns.begin(), columns.end()},
                           {values.begin(), values.end()},
                           parts.targets[i],
                           parts.weights ? parts.weights[i] : 1});
  }
  return result;
}

const std::vector<Row> kGood = {{{3, 70}, {1.5, 2}, 4, 1}, {{}, {}, -1, 1}, {{0, 99}, {0, -3}, 2, 1}};

TEST(SparseRows, AreReadAtAnyAlignment) {
  for (std::size_t shift = 0; shift < 8; ++shift) {
    EXPECT_EQ(screen(batch_of(kGood, false), false, shift).rows, kGood) << shift;
    EXPECT_EQ(screen(batch_of(kGood, true), true, shift).rows, kGood) << shift;
  }
}

TEST(SparseRows, ALargeFrameIsScreenedWhereItLies) {
  const std::vector<Row> rows(1'000, kGood[0]);
  const ScreenedRows result = screen(batch_of(rows, false), false);
  EXPECT_EQ(result.batch.offset, wire::kBatchHeaderBytes);
  EXPECT_EQ(result.rows, rows);
}

// Each of these with what is wrong with it.
std::vector<std::pair<Row, RejectReason>> poison() {
  const std::size_t many = wire::kMaxNonzeros + 1;
  return {{{{3, 3}, {1, 1}}, RejectReason::kBadIndex},
          {{{70, 3}, {1, 1}}, RejectReason::kBadIndex},
          {{{3, kDimension}, {1, 1}}, RejectReason::kBadIndex},
          {{{4'000'000'000}, {1}}, RejectReason::kBadIndex},
          {{std::vector<std::uint32_t>(many), std::vector<double>(many)}, RejectReason::kRowLength},
          {{{3, 4}, {1, kNaN}}, RejectReason::kNotFinite},
          {{{3, 4}, {-std::numeric_limits<double>::infinity(), 1}}, RejectReason::kNotFinite},
          {{{3}, {1}, kNaN}, RejectReason::kNotFinite},
          {{{3}, {1}, 1, kNaN}, RejectReason::kNotFinite},
          {{{3}, {-2e150}}, RejectReason::kMagnitude},
          {{{3}, {1}, 2e150}, RejectReason::kMagnitude},
          {{{3}, {1e149}, 1, 1e9}, RejectReason::kMagnitude},
          {{{3}, {1}, 1, -1}, RejectReason::kWeight}};
}

TEST(SparseRows, EachKindOfPoisonIsCountedByItsReason) {
  for (const auto& [row, reason] : poison()) {
    const ScreenedRows result = screen(batch_of({kGood[0], row, kGood[2]}, true), true);
    EXPECT_THAT(result.rows, ElementsAre(kGood[0], kGood[2]));
    EXPECT_EQ(result.screening.rejected, 1u);
    EXPECT_EQ(result.screening.first_rejected, 1u);
    EXPECT_EQ(result.screening.first_reason, reason) << to_string(reason);
    EXPECT_EQ(result.screening.by_reason[static_cast<std::size_t>(reason)], 1u);
  }
}

TEST(SparseRows, PoisonedBatchesLeaveWhatTheSameWithoutPoisonAre) {
  const auto kinds = poison();
  EXPECT_TRUE(rc::check("rows with poison equal rows without", [&](bool weighted, bool large) {
    std::vector<Row> all;
    std::vector<Row> good;
    const auto count = *rc::gen::inRange<std::size_t>(0, 40);
    if (large) all = good = std::vector<Row>(500, kGood[0]);  // beyond the receive buffer: screened in place
    std::size_t poisoned = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto kind = *rc::gen::inRange<std::size_t>(0, 3 * kinds.size());
      if (kind < kinds.size() && kind != 4) {  // the row of many values has its own test
        const bool of_weight = kinds[kind].first.weight != 1 || kinds[kind].second == RejectReason::kWeight;
        if (of_weight && !weighted) continue;
        all.push_back(kinds[kind].first);
        ++poisoned;
        continue;
      }
      Row row;
      const auto columns = *rc::gen::container<std::set<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, kDimension));
      row.columns.assign(columns.begin(), columns.end());
      for (std::size_t k = 0; k < row.columns.size(); ++k) row.values.push_back(static_cast<double>(k) - 2.5);
      row.target = static_cast<double>(i);
      if (weighted) row.weight = static_cast<double>(i % 3);
      all.push_back(row);
      good.push_back(row);
    }
    const ScreenedRows result = screen(batch_of(all, weighted), weighted);
    RC_ASSERT(result.rows == good);
    RC_ASSERT(result.screening.rejected == poisoned);
  }));
}

void expect_refused_whole(wire::Bytes bytes, std::size_t rows, const std::string& what) {
  const ScreenedRows result = screen(bytes, false);
  EXPECT_THAT(result.rows, IsEmpty()) << what;
  EXPECT_EQ(result.screening.rejected, rows) << what;
  EXPECT_EQ(result.screening.first_reason, RejectReason::kRowLength) << what;
}

TEST(SparseRows, WhatCannotBeToldApartIsRefusedWhole) {
  const wire::Bytes good = batch_of(kGood, false);
  constexpr std::size_t kDtype = 21;
  constexpr std::size_t kCount = 26;
  const std::size_t ends = wire::kBatchHeaderBytes + 3 * 8 + 4 * 8;
  const auto with = [&](std::size_t at, int value) {
    wire::Bytes bytes = good;
    bytes[at] = static_cast<std::byte>(value);
    return bytes;
  };
  ASSERT_EQ(screen(good, false).rows.size(), 3u);
  expect_refused_whole(with(kDtype, 1), 3, "float 32");
  expect_refused_whole(with(kCount, 200), 200, "more rows than bytes");
  expect_refused_whole(with(kCount, 2), 2, "rows that leave no whole values");
  expect_refused_whole(with(ends, 3), 3, "ends that fall");
  expect_refused_whole(with(ends + 8, 3), 3, "a value behind the last end");
  expect_refused_whole(with(ends + 8, 5), 3, "an end behind the last value");
  expect_refused_whole(with(ends + 7, 255), 3, "an end far behind it");
}

}  // namespace
}  // namespace accrue::ingest
