#include "ingest/batch_rows.hpp"

#include <cstring>
#include <utility>

#include "ingest/sparse_rows.hpp"

namespace accrue::ingest {
namespace {

// ZeroMQ 4.3.4 reads messages that fit into a buffer of 8 KiB, which with its counters takes 18 KB, and cuts them out
// of it: one that waits would keep all of that alive.
constexpr std::size_t kReceiveBufferBytes = 8'192;

ScreenedBatch from_bin(const Stream& stream, const wire::Batch& batch, zmq::message_t& frame, Screening& screening) {
  const std::size_t columns = stream.columns.size();
  const wire::BytesView bin = batch.rows.bin;
  ScreenedBatch result{.sequence = batch.sequence, .dtype = batch.dtype, .frame = {}};
  if (bin.size() != batch.count * columns * wire::size_of(batch.dtype)) {
    screening.reject(0, wire::RejectReason::kRowLength, batch.count);  // where a row ends cannot be told
    return result;
  }
  take_bin(bin, frame, result);
  std::byte* rows = result.frame.data<std::byte>() + result.offset;
  screening = batch.dtype == wire::DataType::kFloat64
                  ? screen_rows(reinterpret_cast<double*>(rows), batch.count, stream.gate)
                  : screen_rows(reinterpret_cast<float*>(rows), batch.count, stream.gate);
  result.count = screening.kept;
  return result;
}

ScreenedBatch from_friendly(const Stream& stream, const wire::Batch& batch, Screening& screening) {
  const std::size_t columns = stream.columns.size();
  const std::size_t count = wire::friendly_count(batch.rows);
  const auto absent = stream.gate.takes_missing() ? wire::Absent::kMissing : wire::Absent::kRefused;
  ScreenedBatch result{.sequence = batch.sequence, .frame = row_memory(count * columns * sizeof(double))};
  for (std::size_t i = 0; i < count; ++i) {
    double* row = result.frame.data<double>() + result.count * columns;
    if (const auto problem = wire::read_friendly_row(batch.rows, i, stream.columns, absent, {row, columns})) {
      screening.reject(i, *problem);
    } else if (const Screening one = screen_rows(row, 1, stream.gate); one.rejected > 0) {
      screening.reject(i, one.first_reason);
    } else {
      ++result.count;
    }
  }
  screening.kept = result.count;
  return result;
}

}  // namespace

void take_bin(wire::BytesView bin, zmq::message_t& frame, ScreenedBatch& batch) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(bin.data()) % alignof(double) == 0;
  if (aligned && frame.size() > kReceiveBufferBytes) {
    batch.offset = static_cast<std::size_t>(bin.data() - frame.data<std::byte>());
    batch.frame = std::move(frame);
  } else {  // a small message, or a sender whose header is not 32 bytes
    batch.frame = row_memory(bin.size());
    if (!bin.empty()) std::memcpy(batch.frame.data(), bin.data(), bin.size());
  }
}

ScreenedBatch screen_batch(const Stream& stream, const wire::Batch& batch, zmq::message_t& frame,
                           Screening& screening) {
  if (stream.spec.sparse()) return screen_sparse_batch(stream, batch, frame, screening);
  if (batch.rows.friendly) return from_friendly(stream, batch, screening);
  return from_bin(stream, batch, frame, screening);
}

}  // namespace accrue::ingest
