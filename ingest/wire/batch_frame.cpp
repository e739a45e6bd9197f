#include "ingest/wire/batch_frame.hpp"

#include <bit>

namespace accrue::wire {

static_assert(std::endian::native == std::endian::little, "rows are little-endian on the wire and read in place");

std::array<std::byte, kBatchHeaderBytes> batch_header(std::uint64_t stream_id, std::uint64_t sequence, DataType dtype,
                                                      std::uint32_t count, std::uint32_t row_bytes) {
  std::array<std::byte, kBatchHeaderBytes> header;
  std::byte* const rows = write_fixed(BatchHeader{stream_id, sequence, dtype, count}, header.data(), 1);
  fixed::put_number(rows, fixed::kBin32, row_bytes);
  return header;
}

std::optional<Batch> read_batch(BytesView frame) {
  if (frame.size() < kBatchHeaderBytes) return std::nullopt;
  const auto header = read_fixed<BatchHeader>(frame, 1);
  if (!header) return std::nullopt;
  std::uint32_t row_bytes = 0;
  bool good = true;
  fixed::get_number(frame.data() + kFixedBytes<BatchHeader>, fixed::kBin32, row_bytes, good);
  const BytesView rows = frame.subspan(kBatchHeaderBytes);
  if (!good || row_bytes != rows.size()) return std::nullopt;
  return Batch{header->stream_id, header->sequence, header->dtype, header->count, {.bin = rows}};
}

}  // namespace accrue::wire
