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

namespace detail {

template <class T>
concept HasFields = requires(T& value) {
  value.fields();
};

// A struct that has had fields added at its end says how many it began with. A writer leaves out, from the end, those
// that are as in a new T, so that what could be said at first is still said in the same bytes; a reader fills them in.
template <class T>
concept HasGrown = HasFields<T> && requires {
  T::kFieldsAtFirst;
};

template <class T, std::size_t... I>
std::size_t fields_to_put(T& value, std::index_sequence<I...>) {
  T fresh;
  const auto fields = value.fields();
  const auto defaults = fresh.fields();
  std::size_t needed = T::kFieldsAtFirst;
  ((needed = I >= needed && std::get<I>(fields) != std::get<I>(defaults) ? I + 1 : needed), ...);
  return needed;
}

template <class T>
inline constexpr std::size_t kFieldCount = std::tuple_size_v<decltype(std::declval<T&>().fields())>;

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
    T& tied = const_cast<T&>(value);  // fields() only ties references; nothing is written through them here
    std::size_t count = kFieldCount<T>;
    if constexpr (HasGrown<T>) count = fields_to_put(tied, std::make_index_sequence<kFieldCount<T>>());
    packer.pack_array(static_cast<std::uint32_t>(count));
    std::size_t i = 0;
    std::apply([&](const auto&... field) { ((i++ < count ? put(packer, field) : void()), ...); }, tied.fields());
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
    std::size_t fewest = kFieldCount<T>;
    if constexpr (HasGrown<T>) fewest = T::kFieldsAtFirst;
    if (object.type != msgpack::type::ARRAY) return false;
    if (object.via.array.size < fewest || object.via.array.size > kFieldCount<T>) return false;
    if constexpr (HasGrown<T>) value = T{};
    const msgpack::object* item = object.via.array.ptr;
    const msgpack::object* const end = item + object.via.array.size;
    return std::apply([&](auto&... field) { return ((item == end || get(*item++, field)) && ...); }, value.fields());
  }
}

}  // namespace detail

// The frame of a message. Bins are copied into it; large batches are built in place instead (batch_frame.hpp).
template <class Message>
Bytes encode(const Message& message) {
  detail::Sink sink;
  detail::Packer packer(sink);
  std::apply(
      [&](const auto&... field) {
        packer.pack_array(2 + sizeof...(field));
        packer.pack(kProtocolVersion);
        packer.pack(Message::kType);
        (detail::put(packer, field), ...);
      },
      const_cast<Message&>(message).fields());
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
    auto fields = message.fields();
    if (array_.size != 2 + std::tuple_size_v<decltype(fields)>) return DecodeError::kWrongFields;
    const msgpack::object* item = array_.ptr + 2;
    const bool good = std::apply([&](auto&... field) { return (detail::get(*item++, field) && ...); }, fields);
    return good ? DecodeError::kNone : DecodeError::kWrongFields;
  }

 private:
  msgpack::zone zone_;
  msgpack::object_array array_{};
  std::uint8_t type_ = 0;
};

}  // namespace accrue::wire
