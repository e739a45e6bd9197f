// A Batch built in place, so that rows are copied once, from the caller into the frame that goes out.
//
// The header of a batch frame is 32 bytes whatever the numbers in it (integers at full width), so the rows begin at a
// multiple of 8 and a receiver can read them where they are. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "ingest/wire/assert.hpp"
#include "ingest/wire/fixed_width.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::wire {

// A batch without its rows.
struct BatchHeader {
  static constexpr std::uint8_t kType = Batch::kType;
  std::uint64_t stream_id = 0;
  std::uint64_t sequence = 0;
  DataType dtype = DataType::kFloat64;
  std::uint32_t count = 0;
  auto fields() { return std::tie(stream_id, sequence, dtype, count); }
};

inline constexpr std::size_t kBatchHeaderBytes = kFixedBytes<BatchHeader> + fixed::bytes_of_field<std::uint32_t>();
static_assert(kBatchHeaderBytes == 32);

// The header of a batch whose rows follow as `row_bytes` bytes (under 4 GiB).
std::array<std::byte, kBatchHeaderBytes> batch_header(std::uint64_t stream_id, std::uint64_t sequence, DataType dtype,
                                                      std::uint32_t count, std::uint32_t row_bytes);

// The batch of a frame whose header is as batch_header writes it, which a look at its bytes tells. Nothing for any
// other, which may be a batch all the same: codec.hpp reads every one.
std::optional<Batch> read_batch(BytesView frame);

// A batch under construction: append rows, then seal it into a frame.
class BatchFrame {
 public:
  // Rows of `columns` values; memory for `capacity_rows` of them is reserved at once, unless `memory`, whose bytes are
  // forgotten, has it.
  BatchFrame(std::size_t columns, std::size_t capacity_rows, Bytes memory = {}, DataType dtype = DataType::kFloat64)
      : row_bytes_(columns * size_of(dtype)), dtype_(dtype), bytes_(std::move(memory)) {
    bytes_.clear();
    bytes_.reserve(kBatchHeaderBytes + capacity_rows * row_bytes_);
    bytes_.resize(kBatchHeaderBytes);
  }

  // Appends whole rows, of values of the batch's type: a multiple of the number of columns.
  void append(std::span<const double> values) { append(values, DataType::kFloat64); }
  void append(std::span<const float> values) { append(values, DataType::kFloat32); }

  std::uint32_t count() const { return count_; }
  DataType dtype() const { return dtype_; }

  // Writes the header and gives the frame away.
  Bytes seal(std::uint64_t stream_id, std::uint64_t sequence) && {
    const auto row_bytes = static_cast<std::uint32_t>(bytes_.size() - kBatchHeaderBytes);
    const auto header = batch_header(stream_id, sequence, dtype_, count_, row_bytes);
    std::memcpy(bytes_.data(), header.data(), header.size());
    bytes_.shrink_to_fit();  // whoever keeps a batch of few rows keeps no room for many
    return std::move(bytes_);
  }

 private:
  template <class Real>
  void append(std::span<const Real> values, DataType dtype) {
    ACCRUE_ASSERT(dtype == dtype_);
    const auto bytes = std::as_bytes(values);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    count_ += static_cast<std::uint32_t>(bytes.size() / row_bytes_);
  }

  std::size_t row_bytes_;
  DataType dtype_;
  std::uint32_t count_ = 0;
  Bytes bytes_;
};

}  // namespace accrue::wire
