#include <array>
#include <cmath>

#include <gmock/gmock.h>
#include <msgpack.hpp>

#include "ingest/wire/friendly_rows.hpp"

namespace accrue::wire {
namespace {

// Two rows are asked for by index: the first is always good, so that the second is read at its own place.
class FriendlyRows : public testing::Test {
 protected:
  // What becomes of the row that `pack` writes, for the columns x, y and weight.
  template <class Pack>
  std::optional<RejectReason> read(Pack pack, Absent absent = Absent::kRefused) {
    detail::Sink sink;
    detail::Packer packer(sink);
    packer.pack_array(7);
    for (const int field : {1, 3, 1, 1, 0, 2}) packer.pack(field);
    packer.pack_array(2);
    packer.pack(std::array<double, 3>{7, 8, 9});
    pack(packer);
    bytes_ = std::move(sink.bytes);
    Batch batch;
    EXPECT_EQ(frame_.parse(bytes_), DecodeError::kNone);
    EXPECT_EQ(frame_.read(batch), DecodeError::kNone);
    EXPECT_EQ(friendly_count(batch.rows), 2u);
    EXPECT_EQ(read_friendly_row(batch.rows, 0, columns_, Absent::kRefused, row), std::nullopt);
    EXPECT_EQ(row, (std::array<double, 3>{7, 8, 9}));
    return read_friendly_row(batch.rows, 1, columns_, absent, row);
  }

  static void pair(detail::Packer& packer, const std::string& name, double value) {
    packer.pack(name);
    packer.pack(value);
  }

  std::array<double, 3> row{};

 private:
  Bytes bytes_;
  Frame frame_;
  Columns columns_{{"x", "y", "weight"}};
};

TEST_F(FriendlyRows, AnArrayIsInTheOrderOfTheColumns) {
  EXPECT_EQ(read([](auto& packer) { packer.pack(std::array<double, 3>{1, 2.5, -3}); }), std::nullopt);
  EXPECT_EQ(row, (std::array<double, 3>{1, 2.5, -3}));
}

TEST_F(FriendlyRows, AMapIsInAnyOrder) {
  EXPECT_EQ(read([](auto& packer) {
              packer.pack_map(3);
              pair(packer, "weight", 3);
              pair(packer, "x", 1);
              pair(packer, "y", 2);
            }),
            std::nullopt);
  EXPECT_EQ(row, (std::array<double, 3>{1, 2, 3}));
}

TEST_F(FriendlyRows, ValuesThatAreNotFiniteAreForTheChecksThatFollow) {
  EXPECT_EQ(read([](auto& packer) { packer.pack(std::array<double, 3>{NAN, INFINITY, 0}); }), std::nullopt);
  EXPECT_TRUE(std::isnan(row[0]) && std::isinf(row[1]));
}

TEST_F(FriendlyRows, AnArrayOfTheWrongLengthIsRejected) {
  EXPECT_EQ(read([](auto& packer) { packer.pack(std::array<double, 2>{1, 2}); }), RejectReason::kRowLength);
  EXPECT_EQ(read([](auto& packer) { packer.pack(std::array<double, 4>{1, 2, 3, 4}); }), RejectReason::kRowLength);
}

TEST_F(FriendlyRows, WhatIsNeitherArrayNorMapIsNoRow) {
  EXPECT_EQ(read([](auto& packer) { packer.pack(5); }), RejectReason::kRowLength);
  EXPECT_EQ(read([](auto& packer) { packer.pack_nil(); }), RejectReason::kRowLength);
}

TEST_F(FriendlyRows, AValueThatIsNotANumberIsRejected) {
  EXPECT_EQ(read([](auto& packer) {
              packer.pack_array(3);
              packer.pack(1);
              packer.pack(true);
              packer.pack(3);
            }),
            RejectReason::kNotANumber);
  EXPECT_EQ(read([](auto& packer) {
              packer.pack_map(3);
              pair(packer, "x", 1);
              packer.pack(std::string("y"));
              packer.pack(std::string("2"));
              pair(packer, "weight", 3);
            }),
            RejectReason::kNotANumber);
}

TEST_F(FriendlyRows, AMapLackingAColumnIsRejected) {
  EXPECT_EQ(read([](auto& packer) {
              packer.pack_map(2);
              pair(packer, "x", 1);
              pair(packer, "y", 2);
            }),
            RejectReason::kMissingColumn);
}

TEST_F(FriendlyRows, AMapWithAColumnThatTheStreamDoesNotHaveIsRejected) {
  const auto with_extra = [](const std::string& name) {
    return [name](auto& packer) {
      packer.pack_map(4);
      for (const char* known : {"x", "y", "weight"}) pair(packer, known, 1);
      pair(packer, name, 2);
    };
  };
  EXPECT_EQ(read(with_extra("z")), RejectReason::kUnknownColumn);
  EXPECT_EQ(read(with_extra("x")), RejectReason::kUnknownColumn) << "twice is once too often";
  EXPECT_EQ(read([](auto& packer) {
              packer.pack_map(1);
              packer.pack(5);
              packer.pack(5);
            }),
            RejectReason::kUnknownColumn);
}

TEST_F(FriendlyRows, WhatIsAbsentIsRefusedOrMissing) {
  const auto with_nil = [](detail::Packer& packer) {
    packer.pack_array(3);
    packer.pack(1.5);
    packer.pack_nil();
    packer.pack(2);
  };
  const auto without_y = [](detail::Packer& packer) {
    packer.pack_map(2);
    pair(packer, "weight", 2);
    pair(packer, "x", 1.5);
  };
  EXPECT_EQ(read(with_nil), RejectReason::kNotANumber);
  EXPECT_EQ(read(without_y), RejectReason::kMissingColumn);
  EXPECT_EQ(read(with_nil, Absent::kMissing), std::nullopt);
  EXPECT_TRUE(row[0] == 1.5 && std::isnan(row[1]) && row[2] == 2);
  EXPECT_EQ(read(without_y, Absent::kMissing), std::nullopt);
  EXPECT_TRUE(row[0] == 1.5 && std::isnan(row[1]) && row[2] == 2);
}

}  // namespace
}  // namespace accrue::wire
