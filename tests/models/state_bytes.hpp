// A part of a model's state by itself, for the tests of its encode and decode.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/state_codec.hpp"

namespace accrue::models {

template <typename Part>
std::vector<std::byte> state_of(const Part& part) {
  StateWriter writer;
  part.encode(writer);
  return std::move(writer).finish();
}

/// The part decoded from what `write` writes; what it leaves unread is an error, too.
template <typename Part>
DecodeError decode_written(const std::function<void(StateWriter&)>& write, Part& part) {
  StateWriter writer;
  write(writer);
  const std::vector<std::byte> state = std::move(writer).finish();
  StateReader reader;
  EXPECT_EQ(reader.open(state), DecodeError::kNone);
  const DecodeError error = part.decode(reader);
  return error == DecodeError::kNone && reader.remaining() > 0 ? DecodeError::kTrailingBytes : error;
}

template <typename Part>
void encode_and_decode(Part& part) {
  Part restored;
  ASSERT_EQ(decode_written([&](StateWriter& writer) { part.encode(writer); }, restored), DecodeError::kNone);
  part = restored;
}

}  // namespace accrue::models
