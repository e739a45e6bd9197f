#include "ingest/wire/batch_frame.hpp"

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

}  // namespace accrue::wire
