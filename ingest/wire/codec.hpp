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

// Not msgpack.hpp: its adaptors for every container double what this header costs all who include it.
#include <msgpack/adaptor/bool.hpp>
#include <msgpack/adaptor/int.hpp>
#include <msgpack/adaptor/string.hpp>
#include <msgpack/pack.hpp>
#include <msgpack/unpack.hpp>

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

namespace detail {

template <class T>
concept HasFields = requires(T& value) {
  value.fields();
};

template <class T>
using FieldsOf = decltype(std::declval<T&>().fields());
template <class T>
inline constexpr std::size_t kFieldCount = std::tuple_size_v<FieldsOf<T>>;

// A message or a part of one that has had fields added at its end says how many it began with. A writer leaves out,
// from the end, those that are as in a new T, so that what could be said at first is still said in the same bytes; a
// reader fills them in.
template <class T>
constexpr std::size_t fewest_fields() {
  if constexpr (requires { T::kFieldsAtFirst; }) {
    return T::kFieldsAtFirst;
  } else {
    return kFieldCount<T>;
  }
}

// Packs into a growing byte vector.
class Sink {
 public:
  Sink() { bytes.reserve(kShort); }

  void write(const char* data, std::size_t size) {
    if (size == 0) return;  // of nothing there may be no address
    if (size > kShort) return write_long(data, size);
    const std::size_t at = bytes.size();
    bytes.resize(at + size);
    std::memcpy(bytes.data() + at, data, size);
  }
  Bytes bytes;

 private:
  static constexpr std::size_t kShort = 64;  // what most messages on the way of a row come to

  void write_long(const char* data, std::size_t size);
};
using Packer = msgpack::packer<Sink>;

template <class T>
void put(Packer& packer, const T& value);

template <class T>
void put_all(Packer& packer, const T& list) {
  packer.pack_array(static_cast<std::uint32_t>(list.size()));
  for (const auto& item : list) put(packer, item);
}

// Bytes as they are.
inline void put_raw(Packer& packer, BytesView bytes) {
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data()), static_cast<std::uint32_t>(bytes.size()));
}

inline void put_bin(Packer& packer, BytesView bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  put_raw(packer, bytes);
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

// fields() only ties references; nothing is written through them here.
template <class T>
FieldsOf<T> fields_of(const T& value) {
  return const_cast<T&>(value).fields();
}

template <class T>
std::size_t fields_to_put(const T& value) {
  std::size_t needed = fewest_fields<T>();
  if constexpr (fewest_fields<T>() < kFieldCount<T>) {
    const T fresh{};
    const auto look_at = [&]<std::size_t... I>(std::index_sequence<I...>) {
      const auto says_something = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) {
        return std::get<i>(fields_of(value)) != std::get<i>(fields_of(fresh));
      };
      constexpr std::size_t kFirst = fewest_fields<T>();
      ((needed = says_something(std::integral_constant<std::size_t, kFirst + I>()) ? kFirst + I + 1 : needed), ...);
    };
    look_at(std::make_index_sequence<kFieldCount<T> - fewest_fields<T>()>());
  }
  return needed;
}

// Of the first `end` fields those from `begin` on.
template <class T>
void put_fields(Packer& packer, const T& value, std::size_t end, std::size_t begin = 0) {
  std::size_t at = 0;
  const auto put_one = [&](const auto& field) {
    if (at >= begin && at < end) put(packer, field);
    ++at;
  };
  std::apply([&](const auto&... field) { (put_one(field), ...); }, fields_of(value));
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
    const std::size_t count = fields_to_put(value);
    packer.pack_array(static_cast<std::uint32_t>(count));
    put_fields(packer, value, count);
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

template <class T>
[[nodiscard]] bool get_fields(const msgpack::object* items, std::size_t count, T& value);

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
    return object.type == msgpack::type::ARRAY && get_fields(object.via.array.ptr, object.via.array.size, value);
  }
}

template <class T>
bool get_fields(const msgpack::object* items, std::size_t count, T& value) {
  if (count < fewest_fields<T>() || count > kFieldCount<T>) return false;
  if constexpr (fewest_fields<T>() < kFieldCount<T>) value = T{};
  const msgpack::object* const end = items + count;
  return std::apply([&](auto&... field) { return ((items == end || get(*items++, field)) && ...); }, value.fields());
}

}  // namespace detail

// The frame of a message. Bins are copied into it; large batches are built in place instead (batch_frame.hpp).
template <class Message>
Bytes encode(const Message& message) {
  detail::Sink sink;
  detail::Packer packer(sink);
  const std::size_t count = detail::fields_to_put(message);
  packer.pack_array(static_cast<std::uint32_t>(2 + count));
  packer.pack(kProtocolVersion);
  packer.pack(Message::kType);
  detail::put_fields(packer, message, count);
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
    const bool good = detail::get_fields(array_.ptr + 2, array_.size - 2, message);
    return good ? DecodeError::kNone : DecodeError::kWrongFields;
  }

 private:
  msgpack::zone zone_;
  msgpack::object_array array_{};
  std::uint8_t type_ = 0;
};

}  // namespace accrue::wire
