// Golden files, the code and WIRE.md say the same.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>

#include <gmock/gmock.h>

#include "ingest/wire/friendly_rows.hpp"
#include "ingest/wire/predict_frame.hpp"
#include "tests/ingest/wire_samples.hpp"

namespace accrue::wire {
namespace {

namespace fs = std::filesystem;

Bytes from_hex(const std::string& text) {
  std::istringstream digits(text);
  Bytes bytes;
  for (std::string pair; digits >> pair;) bytes.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
  return bytes;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Bytes golden(const std::string& name) {
  return from_hex(read_text(fs::path(ACCRUE_SOURCE_DIR) / "tests/golden/wire" / (name + ".hex")));
}

// Equality of everything a message holds, by its own list of fields.
template <class T>
bool same(const T& left, const T& right) {
  if constexpr (std::is_same_v<T, BytesView>) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
  } else if constexpr (std::is_same_v<T, Rows>) {
    return same(left.bin, right.bin) && !left.friendly && !right.friendly;
  } else if constexpr (detail::IsVector<T>::value) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const auto& a, const auto& b) { return same(a, b); });
  } else if constexpr (detail::IsOptional<T>::value) {
    return left.has_value() == right.has_value() && (!left || same(*left, *right));
  } else if constexpr (detail::HasFields<T>) {
    return std::apply(
        [&](const auto&... a) {
          return std::apply([&](const auto&... b) { return (same(a, b) && ...); }, const_cast<T&>(right).fields());
        },
        const_cast<T&>(left).fields());
  } else {
    return left == right;
  }
}

template <class Message>
void expect_decodes_to(const Message& expected, const Bytes& bytes) {
  Frame frame;
  Message message;
  ASSERT_EQ(frame.parse(bytes), DecodeError::kNone);
  ASSERT_EQ(frame.type(), Message::kType);
  ASSERT_EQ(frame.read(message), DecodeError::kNone);
  EXPECT_TRUE(same(message, expected));
}

TEST(WireGolden, EveryMessageEncodesToItsGoldenFile) {
  samples::for_each([](const char* name, const auto& message) { EXPECT_EQ(encode(message), golden(name)) << name; });
  EXPECT_EQ(samples::batch_in_place(), golden("batch_in_place"));
  EXPECT_EQ(encode_aligned(samples::predict()), golden("predict_in_place"));
}

TEST(WireGolden, EveryGoldenFileDecodesToItsMessage) {
  samples::for_each([](const char* name, const auto& message) {
    SCOPED_TRACE(name);
    expect_decodes_to(message, golden(name));
    if (std::string(name) == "batch") expect_decodes_to(message, golden("batch_in_place"));
    if (std::string(name) == "predict") expect_decodes_to(message, golden("predict_in_place"));
  });
}

// Version 0.1.0 knew round robin and hash, and eight fields; its daemons and clients go on understanding those.
TEST(WireGolden, WhatVersion010CouldSayOfAStreamIsSaidInItsBytes) {
  const Bytes by_hash = from_hex(
      "94 01 02 a5 68 6f 6d 65 73 98 92 a5 72 6f 6f 6d 73 a3 61 67 65 a5 70 72 69 63 65 c3 a5 73 74 6f 72 65 c2 "
      "cb 3f e0 00 00 00 00 00 00 04 01");
  StreamSpec spec = samples::spec();
  spec.weighted = true;
  spec.key = "store";
  spec.intercept = false;
  spec.partitions = 4;
  spec.partition_by = PartitionBy::kHash;
  const Open open{.stream = "homes", .spec = spec};
  EXPECT_EQ(encode(open), by_hash);
  expect_decodes_to(open, by_hash);
}

TEST(WireGolden, BothFormsOfAFriendlyRowAreTheSampleRow) {
  const Bytes bytes = golden("batch_friendly");
  Frame frame;
  Batch batch;
  ASSERT_EQ(frame.parse(bytes), DecodeError::kNone);
  ASSERT_EQ(frame.read(batch), DecodeError::kNone);
  EXPECT_EQ(batch.count, 2u);
  ASSERT_EQ(friendly_count(batch.rows), 2u);
  const Columns columns(samples::spec().columns());
  for (std::size_t i = 0; i < 2; ++i) {
    std::array<double, 3> row{};
    EXPECT_EQ(read_friendly_row(batch.rows, i, columns, Absent::kRefused, row), std::nullopt);
    EXPECT_EQ(row, samples::kRow);
  }
}

TEST(WireGolden, TheDocumentShowsExactlyTheGoldenFiles) {
  std::map<std::string, Bytes> shown;
  std::istringstream document(read_text(fs::path(ACCRUE_SOURCE_DIR) / "ingest/wire/WIRE.md"));
  const std::string fence = "```hex ";
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with(fence)) continue;
    const std::string name = line.substr(fence.size());
    std::string hex;
    while (std::getline(document, line) && line != "```") hex += line + " ";
    EXPECT_TRUE(shown.emplace(name, from_hex(hex)).second) << name << " is shown twice";
  }
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(ACCRUE_SOURCE_DIR) / "tests/golden/wire")) {
    const std::string name = entry.path().stem();
    EXPECT_EQ(shown[name], golden(name)) << name;
    ++files;
  }
  EXPECT_EQ(shown.size(), files);
}

TEST(WireGolden, TheDocumentListsEveryReasonErrorAndStrategyByItsNumber) {
  const std::string document = read_text(fs::path(ACCRUE_SOURCE_DIR) / "ingest/wire/WIRE.md");
  const auto expect_row = [&](int number, const std::string& name) {
    EXPECT_THAT(document, testing::HasSubstr("\n| " + std::to_string(number) + " | " + name + " | "));
  };
  for (int i = 0; i < enumerators(RejectReason{}); ++i) expect_row(i, to_string(static_cast<RejectReason>(i)));
  for (int i = 0; i < enumerators(PartitionBy{}); ++i) expect_row(i, to_string(static_cast<PartitionBy>(i)));
  for (int i = 0; i < enumerators(ErrorCode{}); ++i) expect_row(i, to_string(static_cast<ErrorCode>(i)));
}

}  // namespace
}  // namespace accrue::wire
