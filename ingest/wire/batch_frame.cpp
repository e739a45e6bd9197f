#include "ingest/wire/batch_frame.hpp"

#include <algorithm>
#include <bit>

namespace accrue::wire {

static_assert(std::endian::native == std::endian::little, "rows are little-endian on the wire and read in place");

std::array<std::byte, kBatchHeaderBytes> batch_header(std::uint64_t stream_id, std::uint64_t sequence, DataType dtype,
                                                      std::uint32_t count, std::uint32_t row_bytes) {
  std::array<std::byte, kBatchHeaderBytes> header;
  std::size_t at = 0;
  const auto put = [&](std::uint64_t value, int bytes) {  // big-endian, as MessagePack has it
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) header[at++] = static_cast<std::byte>(value >> shift);
  };
  put(0x97, 1);  // an array of 7
  put(kProtocolVersion, 1);
  put(Batch::kType, 1);
  put(0xcf, 1);  // uint 64
  put(stream_id, 8);
  put(0xcf, 1);
  put(sequence, 8);
  put(static_cast<std::uint64_t>(dtype), 1);
  put(0xce, 1);  // uint 32
  put(count, 4);
  put(0xc6, 1);  // bin 32
  put(row_bytes, 4);
  return header;
}

std::optional<Batch> read_batch(BytesView frame) {
  if (frame.size() < kBatchHeaderBytes) return std::nullopt;
  const auto get = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | std::to_integer<std::uint64_t>(frame[at + i]);
    return value;
  };
  const auto dtype = static_cast<DataType>(get(21, 1));
  if (dtype != DataType::kFloat64 && dtype != DataType::kFloat32) return std::nullopt;
  Batch batch{.stream_id = get(4, 8),
              .sequence = get(13, 8),
              .dtype = dtype,
              .count = static_cast<std::uint32_t>(get(23, 4)),
              .rows = {.bin = frame.subspan(kBatchHeaderBytes)}};
  const std::uint64_t row_bytes = get(28, 4);
  const auto header =
      batch_header(batch.stream_id, batch.sequence, dtype, batch.count, static_cast<std::uint32_t>(row_bytes));
  const bool alike = std::equal(header.begin(), header.end(), frame.begin());
  return alike && row_bytes == batch.rows.bin.size() ? std::optional(batch) : std::nullopt;
}

}  // namespace accrue::wire
