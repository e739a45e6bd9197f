#include "ingest/wire/predict_frame.hpp"

#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "ingest/wire/fixed_width.hpp"

namespace accrue::wire {
namespace {

constexpr std::uint8_t kText8 = 0xd9;
constexpr std::uint8_t kText16 = 0xda;
constexpr std::uint8_t kUint16 = 0xcd;

constexpr std::size_t kMostBytes = 32 + kMaxNameBytes;

// All that stands before the rows. It can be longer by 1, by 2 and by 4 bytes, which makes up for any remainder.
std::byte* put_head(std::byte* at, const Predict& question, std::size_t fields, std::size_t longer) {
  at = fixed::put_start(at, Predict::kType, fields);
  at = fixed::put(at, question.request);
  const std::size_t length = question.stream.size();
  at = (longer & 1) != 0 ? fixed::put_number(at, kText16, static_cast<std::uint16_t>(length))
                         : fixed::put_number(at, kText8, static_cast<std::uint8_t>(length));
  std::memcpy(at, question.stream.data(), length);
  at += length;
  const auto dtype = static_cast<std::uint16_t>(question.dtype);
  at = (longer & 2) != 0 ? fixed::put_number(at, kUint16, dtype) : fixed::put(at, question.dtype);
  at = (longer & 4) != 0 ? fixed::put(at, std::uint64_t{question.count}) : fixed::put(at, question.count);
  return fixed::put_number(at, fixed::kBin32, static_cast<std::uint32_t>(question.rows.bin.size()));
}

}  // namespace

Bytes encode_aligned(const Predict& question) {
  if (question.stream.size() > kMaxNameBytes) return encode(question);  // no stream has such a name
  const std::size_t fields = detail::fields_to_put(question);
  std::array<std::byte, kMostBytes> head;
  const auto bytes = static_cast<std::size_t>(put_head(head.data(), question, fields, 0) - head.data());
  const std::size_t missing = (alignof(double) - bytes % alignof(double)) % alignof(double);
  put_head(head.data(), question, fields, missing);

  detail::Sink sink;
  detail::Packer packer(sink);
  sink.bytes.reserve(kMostBytes + question.rows.bin.size());
  detail::put_raw(packer, std::span(head).first(bytes + missing));
  detail::put_raw(packer, question.rows.bin);
  detail::put_fields(packer, question, fields, Predict::kFieldsAtFirst);
  return std::move(sink.bytes);
}

}  // namespace accrue::wire
