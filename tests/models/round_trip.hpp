// A part of a model's state, by itself through the envelope of a state and back.
#pragma once

#include <cstddef>
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

/// What `write` writes, in the envelope of a state.
template <typename Write>
std::vector<std::byte> written(const Write& write) {
  StateWriter writer;
  write(writer);
  return std::move(writer).finish();
}

/// kInvalid too when bytes are left.
template <typename Part>
[[nodiscard]] DecodeError decode_state(const std::vector<std::byte>& state, Part& part) {
  StateReader reader;
  if (const DecodeError damage = reader.open(state); damage != DecodeError::kNone) {
    return damage;
  }
  const DecodeError damage = part.decode(reader);
  return damage == DecodeError::kNone && reader.remaining() != 0 ? DecodeError::kInvalid : damage;
}

template <typename Part>
Part restored(const Part& part) {
  Part copy;
  EXPECT_EQ(decode_state(state_of(part), copy), DecodeError::kNone);
  return copy;
}

/// Every state that differs in one number of eight bytes, replaced by `number`, is refused or decodes to one that
/// encodes to the same bytes again.
template <typename Part>
void expect_no_number_is_misread(const Part& part, std::uint64_t number) {
  const std::vector<std::byte> whole = state_of(part);
  const std::size_t numbers = (whole.size() - 28) / 8;
  for (std::size_t at = 0; at < numbers; ++at) {
    StateWriter writer;
    StateReader reader;
    ASSERT_EQ(reader.open(whole), DecodeError::kNone);
    for (std::size_t i = 0; i < numbers; ++i) {
      std::uint64_t value = 0;
      ASSERT_TRUE(reader.get_count(value));
      writer.put_count(i == at ? number : value);
    }
    const std::vector<std::byte> changed = std::move(writer).finish();
    Part copy;
    if (decode_state(changed, copy) == DecodeError::kNone) {
      EXPECT_EQ(state_of(copy), changed) << "number " << at;
    }
  }
}

}  // namespace accrue::models
