// What stands at places known beforehand: messages of fixed width, and the rows of a question.
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "ingest/pipeline_messages.hpp"
#include "ingest/wire/fixed_width.hpp"
#include "ingest/wire/predict_frame.hpp"
#include "tests/ingest/wire_samples.hpp"

namespace accrue::wire {
namespace {

using ingest::Deliver;

constexpr Deliver kDeliver{.stream_id = 0x0123456789abcdef,
                           .partition = 0xfedcba98,
                           .ordinal = 1,
                           .dtype = DataType::kFloat32,
                           .rows = 4'096,
                           .offset = 32,
                           .first_index = ~std::uint64_t{0},
                           .picked = true,
                           .nonzeros = 3};

Bytes fixed(const Deliver& deliver) {
  Bytes bytes(kFixedBytes<Deliver>);
  EXPECT_EQ(write_fixed(deliver, bytes.data()), bytes.data() + bytes.size());
  return bytes;
}

Bytes repacked(std::optional<Deliver> deliver) { return deliver ? fixed(*deliver) : Bytes(); }

TEST(WireFixedWidth, IsReadAsItIsByTheParserOfAllMessages) {
  for (const Deliver& deliver : {kDeliver, Deliver{}}) {
    const Bytes bytes = fixed(deliver);
    EXPECT_EQ(repacked(read_fixed<Deliver>(bytes)), bytes);
    Frame frame;
    Deliver parsed;
    ASSERT_EQ(frame.parse(bytes), DecodeError::kNone);
    ASSERT_EQ(frame.type(), Deliver::kType);
    ASSERT_EQ(frame.read(parsed), DecodeError::kNone);
    EXPECT_EQ(fixed(parsed), bytes);
  }
}

TEST(WireFixedWidth, IsNotReadFromAFrameThatIsCutShortOrOfAnotherForm) {
  const Bytes good = fixed(kDeliver);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const Bytes shorter(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(read_fixed<Deliver>(shorter), std::nullopt) << size;
  }
  EXPECT_EQ(read_fixed<Deliver>(encode(kDeliver)), std::nullopt) << "not of that width";
  // What is read of a frame with another byte somewhere is all that it says.
  std::size_t read = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::byte>(value);
      const Bytes again = repacked(read_fixed<Deliver>(changed));
      if (again.empty()) continue;
      ++read;
      EXPECT_EQ(again, changed);
    }
  }
  EXPECT_GT(read, 40 * 256u) << "numbers are any, and read";
}

TEST(WireFixedWidth, TheRowsOfAQuestionBeginAtAMultipleOf8WhateverTheName) {
  const std::vector<double> rows = {1, 2, 3};
  for (std::size_t length = 0; length <= kMaxNameBytes + 1; ++length) {
    for (const bool more : {false, true}) {
      SCOPED_TRACE(length);
      Predict question{.request = length,
                       .stream = std::string(length, 's'),
                       .dtype = DataType::kFloat64,
                       .count = 3,
                       .rows = {.bin = std::as_bytes(std::span(rows))}};
      if (more) question.interval = 0.9;
      const Bytes bytes = encode_aligned(question);
      Frame frame;
      Predict read;
      ASSERT_EQ(frame.parse(bytes), DecodeError::kNone);
      ASSERT_EQ(frame.read(read), DecodeError::kNone);
      EXPECT_EQ(encode(read), encode(question));
      if (length > kMaxNameBytes) continue;  // as of no stream, it is refused
      EXPECT_EQ((read.rows.bin.data() - bytes.data()) % 8, 0);
    }
  }
}

}  // namespace
}  // namespace accrue::wire
