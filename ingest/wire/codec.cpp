#include "ingest/wire/codec.hpp"

#include <array>
#include <bit>
#include <exception>

namespace accrue::wire {

const char* to_string(DecodeError error) {
  switch (error) {
    case DecodeError::kNone: return "no error";
    case DecodeError::kMalformed: return "not a well-formed MessagePack value";
    case DecodeError::kNotAMessage: return "not an array that begins with a protocol version and a message type";
    case DecodeError::kUnsupportedVersion: return "a protocol version this build does not speak";
    case DecodeError::kWrongFields: return "a wrong number of fields, or one of the wrong type or range";
  }
  return "unknown";
}

namespace detail {

// Always a float 64. msgpack-cxx would write a whole number as an integer, which loses the sign of -0.0 and is
// undefined behaviour at 2^64.
// Without making zeros first where they are written over, and with room for what comes behind.
void Sink::write_long(const char* data, std::size_t size) {
  bytes.reserve(bytes.size() + size + kShort);
  const auto* const begin = reinterpret_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), begin, begin + size);
}

void put_double(Packer& packer, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  std::array<char, 9> bytes{'\xcb'};
  for (std::size_t i = 0; i < 8; ++i) bytes[i + 1] = static_cast<char>(bits >> (56 - 8 * i));
  packer.pack_bin_body(bytes.data(), bytes.size());  // which appends them as they are
}

bool get(const msgpack::object& object, bool& value) {
  if (object.type != msgpack::type::BOOLEAN) return false;
  value = object.via.boolean;
  return true;
}

bool get(const msgpack::object& object, std::uint64_t& value) {
  if (object.type != msgpack::type::POSITIVE_INTEGER) return false;
  value = object.via.u64;
  return true;
}

bool get(const msgpack::object& object, double& value) {
  switch (object.type) {
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64: value = object.via.f64; return true;
    case msgpack::type::POSITIVE_INTEGER: value = static_cast<double>(object.via.u64); return true;
    case msgpack::type::NEGATIVE_INTEGER: value = static_cast<double>(object.via.i64); return true;
    default: return false;
  }
}

bool get(const msgpack::object& object, std::string& value) {
  if (object.type != msgpack::type::STR || object.via.str.size > kMaxTextBytes) return false;
  value.assign(object.via.str.ptr, object.via.str.size);
  return true;
}

bool get(const msgpack::object& object, BytesView& value) {
  if (object.type != msgpack::type::BIN) return false;
  value = {reinterpret_cast<const std::byte*>(object.via.bin.ptr), object.via.bin.size};
  return true;
}

bool get(const msgpack::object& object, Bytes& value) {
  BytesView view;
  if (!get(object, view)) return false;
  value.assign(view.begin(), view.end());
  return true;
}

bool get(const msgpack::object& object, Rows& value) {
  value = {};
  if (object.type == msgpack::type::ARRAY) {
    value.friendly = &object;
    return true;
  }
  return get(object, value.bin);
}

}  // namespace detail

namespace {

// Each object of a parsed message costs 24 bytes, so a frame of single-byte values would cost 24 times its size. Frames
// small enough to afford that may hold anything; larger ones carry their bulk as bin and need only few objects.
msgpack::unpack_limit limits_for(std::size_t frame_bytes, Sender sender) {
  constexpr std::size_t kObjectsOfLargeFrames = 256;
  const bool small = frame_bytes <= kMaxFriendlyBytes || sender == Sender::kTrusted;
  const std::size_t objects = small ? frame_bytes : kObjectsOfLargeFrames;
  const std::size_t depth = small ? kMaxNesting : 2;
  return {objects, small ? objects : 0, frame_bytes, frame_bytes, 0, depth};
}

}  // namespace

DecodeError Frame::parse(BytesView bytes, Sender sender) {
  zone_.clear();
  array_ = {};
  type_ = 0;
  const auto reference_everything = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  msgpack::object root;
  std::size_t offset = 0;
  try {
    bool referenced = false;
    root = msgpack::unpack(zone_, reinterpret_cast<const char*>(bytes.data()), bytes.size(), offset, referenced,
                           reference_everything, nullptr, limits_for(bytes.size(), sender));
  } catch (const std::exception&) {
    return DecodeError::kMalformed;
  }
  if (offset != bytes.size()) return DecodeError::kMalformed;
  if (root.type != msgpack::type::ARRAY || root.via.array.size < 2) return DecodeError::kNotAMessage;
  std::uint8_t version = 0;
  if (!detail::get(root.via.array.ptr[0], version)) return DecodeError::kNotAMessage;
  if (version != kProtocolVersion) return DecodeError::kUnsupportedVersion;
  if (!detail::get(root.via.array.ptr[1], type_)) return DecodeError::kNotAMessage;
  array_ = root.via.array;
  return DecodeError::kNone;
}

}  // namespace accrue::wire
