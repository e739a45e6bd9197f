// Messages to frames and back: one MessagePack array [protocol version, message type, fields in fixed order].
//
// A message is a struct with `static constexpr std::uint8_t kType` and `fields()`, a std::tie of its members; the same
// list drives both directions, so they cannot disagree. Functions here are re-entrant; a Frame belongs to one thread.
// Decoding never throws and never allocates on the sender's word: every count is bounded by the frame's own length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <msgpack.hpp>

#include "ingest/wire/limits.hpp"

namespace accrue::wire {

inline constexpr std::uint8_t kProtocolVersion = 1;

enum class [[nodiscard]] DecodeError : std::uint8_t{
    kNone = 0,
    kMalformed,           // not one MessagePack value, truncated, trailing bytes, nested too deep, or an extension type
    kNotAMessage,         // not an array that begins with a version and a type
    kUnsupportedVersion,  // a protocol version this build does not know
    kWrongFields,         // the wrong number of fields, or one of the wrong type or out of its range
};
const char* to_string(DecodeError error);

using Bytes = std::vector<std::byte>;
using BytesView = std::span<const std::byte>;

// Rows of a batch or a prediction: one bin of little-endian numbers, or, for small producers, an array of rows, each an
// array of numbers or a map from column name to number (friendly_rows.hpp). Points into the frame it was read from.
struct Rows {
  BytesView bin;
  const msgpack::object* friendly = nullptr;
};

// A field that was added at the end of a message, or of a part of one, after others had been written without it. Empty,
// it is left out, so that whoever does not know it goes on understanding what does not need it; left out, it reads as
// empty. Only further added fields may follow it.
template <class T>
class Added : public std::optional<T> {
 public:
  using std::optional<T>::optional;
  Added() = default;
  Added(std::optional<T> value) : std::optional<T>(std::move(value)) {}
};

namespace detail {

template <class T>
concept HasFields = requires(T& value) {
  value.fields();
};

// Packs into a growing byte vector.
class Sink {
 public:
  void write(const char* data, std::size_t size) {
    if (size == 0) return;  // of nothing there may be no address
    const std::size_t at = bytes.size();
    bytes.resize(at + size);
    std::memcpy(bytes.data() + at, data, size);
  }
  Bytes bytes;
};
using Packer = msgpack::packer<Sink>;

template <class T>
void put(Packer& packer, const T& value);

template <class T>
void put_all(Packer& packer, const T& list) {
  packer.pack_array(static_cast<std::uint32_t>(list.size()));
  for (const auto& item : list) put(packer, item);
}

inline void put_bin(Packer& packer, BytesView bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data()), static_cast<std::uint32_t>(bytes.size()));
}

void put_double(Packer& packer, double value);

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsOptional<Added<T>> : std::true_type {};
template <class T>
struct IsAdded : std::false_type {};
template <class T>
struct IsAdded<Added<T>> : std::true_type {};

// How many of a list of fields are written: all but the empty added ones at its end.
template <class... Field>
std::uint32_t written_fields(const std::tuple<Field&...>& fields) {
  std::uint32_t at = 0;
  std::uint32_t written = 0;
  const auto look_at = [&](const auto& field) {
    ++at;
    if constexpr (IsAdded<std::decay_t<decltype(field)>>::value) {
      if (!field) return;
    }
    written = at;
  };
  std::apply([&](const auto&... field) { (look_at(field), ...); }, fields);
  return written;
}

template <class... Field>
void put_fields(Packer& packer, const std::tuple<Field&...>& fields, std::uint32_t count) {
  std::apply([&](const auto&... field) { (void)((count-- > 0 && (put(packer, field), true)) && ...); }, fields);
}

template <class T>
void put(Packer& packer, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    packer.pack(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_same_v<T, double>) {
    put_double(packer, value);
  } else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>) {
    put_bin(packer, value);
  } else if constexpr (std::is_same_v<T, Rows>) {
    put_bin(packer, value.bin);
  } else if constexpr (IsVector<T>::value) {
    put_all(packer, value);
  } else if constexpr (IsOptional<T>::value) {
    if (value) {
      put(packer, *value);
    } else {
      packer.pack_nil();
    }
  } else if constexpr (HasFields<T>) {
    const auto fields = const_cast<T&>(value).fields();  // which only ties references; nothing is written through them
    const std::uint32_t count = written_fields(fields);
    packer.pack_array(count);
    put_fields(packer, fields, count);
  } else {
    packer.pack(value);
  }
}

[[nodiscard]] bool get(const msgpack::object& object, bool& value);
[[nodiscard]] bool get(const msgpack::object& object, std::uint64_t& value);
[[nodiscard]] bool get(const msgpack::object& object, double& value);  // any number
[[nodiscard]] bool get(const msgpack::object& object, std::string& value);
[[nodiscard]] bool get(const msgpack::object& object, BytesView& value);
[[nodiscard]] bool get(const msgpack::object& object, Bytes& value);
[[nodiscard]] bool get(const msgpack::object& object, Rows& value);

template <class... Field>
[[nodiscard]] bool get_fields(const msgpack::object* items, std::size_t count, const std::tuple<Field&...>& fields);

template <class T>
[[nodiscard]] bool get(const msgpack::object& object, T& value) {
  if constexpr (std::is_enum_v<T>) {
    std::uint64_t number = 0;
    if (!get(object, number) || number >= enumerators(T{})) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (std::is_unsigned_v<T>) {
    std::uint64_t number = 0;
    if (!get(object, number) || number > static_cast<T>(-1)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (IsOptional<T>::value) {
    value.reset();
    return object.type == msgpack::type::NIL || get(object, value.emplace());
  } else if constexpr (IsVector<T>::value) {
    if (object.type != msgpack::type::ARRAY) return false;
    value.clear();
    value.resize(object.via.array.size);  // bounded: the parser made this many objects out of the frame's bytes
    for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
      if (!get(object.via.array.ptr[i], value[i])) return false;
    }
    return true;
  } else {
    static_assert(HasFields<T>);
    return object.type == msgpack::type::ARRAY &&
           get_fields(object.via.array.ptr, object.via.array.size, value.fields());
  }
}

template <class... Field>
bool get_fields(const msgpack::object* items, std::size_t count, const std::tuple<Field&...>& fields) {
  constexpr std::size_t kNeeded = (std::size_t{!IsAdded<Field>::value} + ... + 0);
  if (count < kNeeded || count > sizeof...(Field)) return false;
  const msgpack::object* const end = items + count;
  const auto get_next = [&](auto& field) {
    if constexpr (IsAdded<std::decay_t<decltype(field)>>::value) {
      field.reset();
      if (items == end) return true;
    }
    return get(*items++, field);
  };
  return std::apply([&](auto&... field) { return (get_next(field) && ...); }, fields);
}

}  // namespace detail

// The frame of a message. Bins are copied into it; large batches are built in place instead (batch_frame.hpp).
template <class Message>
Bytes encode(const Message& message) {
  detail::Sink sink;
  detail::Packer packer(sink);
  const auto fields = const_cast<Message&>(message).fields();
  const std::uint32_t count = detail::written_fields(fields);
  packer.pack_array(2 + count);
  packer.pack(kProtocolVersion);
  packer.pack(Message::kType);
  detail::put_fields(packer, fields, count);
  return std::move(sink.bytes);
}

// Whose frame it is. A stranger's is held to limits that keep what parsing allocates near the frame's own size.
enum class Sender : std::uint8_t { kStranger, kTrusted };

// One received frame. parse() once, then look at type() and read() the message it names. What read() fills in may point
// into the bytes given to parse(): they must outlive it. One Frame serves any number of frames, one after the other.
class Frame {
 public:
  DecodeError parse(BytesView bytes, Sender sender = Sender::kStranger);
  std::uint8_t type() const { return type_; }

  template <class Message>
  DecodeError read(Message& message) const {
    const bool good = array_.size >= 2 && detail::get_fields(array_.ptr + 2, array_.size - 2, message.fields());
    return good ? DecodeError::kNone : DecodeError::kWrongFields;
  }

 private:
  msgpack::zone zone_;
  msgpack::object_array array_{};
  std::uint8_t type_ = 0;
};

}  // namespace accrue::wire
