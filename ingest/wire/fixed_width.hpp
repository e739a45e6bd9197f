// Messages of numbers alone, each at the full width of its type: their frame has one length, so it is written and read
// without a parser and without memory of its own. It is MessagePack all the same, which codec.hpp reads too.
//
// A message is what it is in codec.hpp; its fields are bools, enums of one byte, and unsigned integers of 32 and 64
// bits. Functions are re-entrant.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>

#include "ingest/wire/codec.hpp"

namespace accrue::wire {
namespace fixed {

inline constexpr std::uint8_t kArray = 0x90;  // of up to 15 values; likewise below, from the MessagePack specification
inline constexpr std::uint8_t kFalse = 0xc2;
inline constexpr std::uint8_t kTrue = 0xc3;
inline constexpr std::uint8_t kBin32 = 0xc6;
inline constexpr std::uint8_t kUint32 = 0xce;
inline constexpr std::uint8_t kUint64 = 0xcf;
inline constexpr std::size_t kStart = 3;  // bytes of the array's header, the version and the type

template <class Field>
constexpr std::size_t bytes_of_field() {
  return std::is_enum_v<Field> || std::is_same_v<Field, bool> ? 1 : 1 + sizeof(Field);
}

template <class... Fields>
constexpr std::size_t bytes_of_fields(const std::tuple<Fields&...>*) {
  return (bytes_of_field<Fields>() + ...);
}

// Big-endian, as MessagePack has it.
template <class Number>
std::byte* put_number(std::byte* at, std::uint8_t kind, Number value) {
  *at++ = static_cast<std::byte>(kind);
  for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8) {
    *at++ = static_cast<std::byte>(value >> shift);
  }
  return at;
}

template <class Number>
const std::byte* get_number(const std::byte* at, std::uint8_t kind, Number& value, bool& good) {
  good &= *at++ == static_cast<std::byte>(kind);
  value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | std::to_integer<Number>(*at++);
  return at;
}

// What every frame begins with: kStart bytes, before so many fields.
inline std::byte* put_start(std::byte* at, std::uint8_t type, std::size_t fields) {
  *at++ = static_cast<std::byte>(kArray + 2 + fields);
  *at++ = static_cast<std::byte>(kProtocolVersion);
  *at++ = static_cast<std::byte>(type);
  return at;
}

template <class Field>
std::byte* put(std::byte* at, Field value) {
  if constexpr (std::is_same_v<Field, bool>) {
    *at++ = static_cast<std::byte>(value ? kTrue : kFalse);
    return at;
  } else if constexpr (std::is_enum_v<Field>) {
    *at++ = static_cast<std::byte>(value);  // of one byte, and below 128: that byte
    return at;
  } else {
    return put_number(at, sizeof(Field) == sizeof(std::uint64_t) ? kUint64 : kUint32, value);
  }
}

template <class Field>
const std::byte* get(const std::byte* at, Field& value, bool& good) {
  if constexpr (std::is_same_v<Field, bool>) {
    value = *at == static_cast<std::byte>(kTrue);
    good &= value || *at == static_cast<std::byte>(kFalse);
    return at + 1;
  } else if constexpr (std::is_enum_v<Field>) {
    const auto number = std::to_integer<std::uint8_t>(*at);
    good &= number < enumerators(Field{});
    value = static_cast<Field>(number);
    return at + 1;
  } else {
    return get_number(at, sizeof(Field) == sizeof(std::uint64_t) ? kUint64 : kUint32, value, good);
  }
}

}  // namespace fixed

template <class Message>
inline constexpr std::size_t kFixedBytes =
    fixed::kStart + fixed::bytes_of_fields(static_cast<const detail::FieldsOf<Message>*>(nullptr));

// Writes the frame of a message, kFixedBytes of them, to which `more` fields are to be appended. Returns its end.
template <class Message>
std::byte* write_fixed(const Message& message, std::byte* at, std::size_t more = 0) {
  static_assert(Message::kType < 128 && detail::kFieldCount<Message> + 2 < 16);
  at = fixed::put_start(at, Message::kType, detail::kFieldCount<Message> + more);
  std::apply([&](const auto&... field) { ((at = fixed::put(at, field)), ...); }, detail::fields_of(message));
  return at;
}

// The message that a frame begins with, if it is as write_fixed writes it.
template <class Message>
[[nodiscard]] std::optional<Message> read_fixed(BytesView frame, std::size_t more = 0) {
  if (frame.size() < kFixedBytes<Message>) return std::nullopt;
  std::byte start[fixed::kStart];
  fixed::put_start(start, Message::kType, detail::kFieldCount<Message> + more);
  bool good = std::equal(start, start + fixed::kStart, frame.data());
  if (!good) return std::nullopt;
  const std::byte* at = frame.data() + fixed::kStart;
  Message message;
  std::apply([&](auto&... field) { ((at = fixed::get(at, field, good)), ...); }, message.fields());
  return good ? std::optional(message) : std::nullopt;
}

}  // namespace accrue::wire
