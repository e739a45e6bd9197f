#include "daemon/http/row_batch.hpp"

#include <algorithm>
#include <bit>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/limits.hpp"

namespace accrue::daemon::http {
namespace {

constexpr std::uint8_t kArray32 = 0xdd;  // of MessagePack, with a length of 32 bits
constexpr std::uint8_t kFloat64 = 0xcb;

// Before the rows: what every batch begins with, and the array of rows.
constexpr std::size_t kHeaderBytes = wire::kFixedBytes<wire::BatchHeader> + 1 + sizeof(std::uint32_t);
constexpr std::size_t kMaxRowsBytes = wire::kMaxFriendlyBytes - kHeaderBytes;

bool is_value(const Json& json) { return json.is_number() || json.is_null(); }

}  // namespace

bool RowBatch::kept(std::size_t size_before) {
  if (rows_.size() <= kMaxRowsBytes) {
    ++count_;
    return true;
  }
  rows_.resize(size_before);
  return false;
}

bool RowBatch::add(const Json& row) {
  if (count_ == kMaxBatchRows) return false;
  const std::size_t before = rows_.size();
  if (std::all_of(row.begin(), row.end(), is_value)) {
    Json::to_msgpack(row, rows_);
  } else {
    Json plain = row;
    for (Json& value : plain) {
      if (!is_value(value)) value = false;
    }
    Json::to_msgpack(plain, rows_);
  }
  return kept(before);
}

bool RowBatch::add(std::span<const double> values, std::size_t not_a_number) {
  if (count_ == kMaxBatchRows) return false;
  const std::size_t before = rows_.size();
  rows_.resize(before + 5 + 9 * values.size());
  std::byte* const begin = reinterpret_cast<std::byte*>(rows_.data());
  std::byte* at = wire::fixed::put_number(begin + before, kArray32, static_cast<std::uint32_t>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == not_a_number) {
      *at++ = std::byte{wire::fixed::kFalse};
    } else {
      at = wire::fixed::put_number(at, kFloat64, std::bit_cast<std::uint64_t>(values[i]));
    }
  }
  rows_.resize(static_cast<std::size_t>(at - begin));
  return kept(before);
}

wire::Bytes RowBatch::frame(std::uint64_t stream_id, std::uint64_t sequence) const {
  wire::Bytes frame(kHeaderBytes + rows_.size());
  const wire::BatchHeader header{stream_id, sequence, wire::DataType::kFloat64, count_};
  std::byte* const at = wire::fixed::put_number(wire::write_fixed(header, frame.data(), 1), kArray32, count_);
  std::ranges::copy(std::as_bytes(std::span(rows_)), at);
  return frame;
}

void RowBatches::finish() {
  if (filling_.count() > 0) deliver_(filling_);
  filling_ = RowBatch();
}

}  // namespace accrue::daemon::http
