// The bin of sparse rows: of each row the features that are not zero, by their numbers, which increase within a row.
//
// In this order, all little-endian, so that a bin that begins at a multiple of 8 is read where it is:
//
//   targets  float 64, one a row        of a Batch
//   weights  float 64, one a row        of a Batch to a weighted stream
//   values   float 64, row by row
//   ends     uint 32, one a row: how many values there are up to the end of the row, those of the rows before included
//   columns  uint 32, one a value: the feature's number, below the stream's dimension
//
// How many values there are follows from the length of the bin and the number of rows.
// Plain values; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ingest/wire/messages.hpp"

namespace accrue::wire {

// What a bin holds of each row beside its features.
enum class SparseForm : std::uint8_t { kFeatures, kTarget, kTargetAndWeight };
constexpr SparseForm batch_form(const StreamSpec& spec) {
  return spec.weighted ? SparseForm::kTargetAndWeight : SparseForm::kTarget;
}

// A bin's parts, in memory that is aligned for them. Where it holds no targets or weights, they are null.
struct SparseParts {
  const double* targets;
  const double* weights;
  const double* values;
  const std::uint32_t* ends;
  const std::uint32_t* columns;
  std::size_t count;
  std::size_t nonzeros;

  std::size_t begin(std::size_t row) const { return row == 0 ? 0 : ends[row - 1]; }
  std::span<const double> row_values(std::size_t row) const { return {values + begin(row), values + ends[row]}; }
  std::span<const std::uint32_t> row_columns(std::size_t row) const {
    return {columns + begin(row), columns + ends[row]};
  }
};

constexpr std::size_t sparse_bytes(SparseForm form, std::size_t count, std::size_t nonzeros) {
  const std::size_t a_row = static_cast<std::size_t>(form) * sizeof(double) + sizeof(std::uint32_t);
  return count * a_row + nonzeros * (sizeof(double) + sizeof(std::uint32_t));
}

// How many values a bin of so many bytes and rows holds; nothing where there is no such bin.
[[nodiscard]] std::optional<std::size_t> sparse_nonzeros(SparseForm form, std::size_t count, std::size_t bytes);

// Of a bin of sparse_bytes() that begins at a multiple of 8. What the parts say is not checked.
SparseParts sparse_parts(SparseForm form, std::size_t count, std::size_t nonzeros, const std::byte* bin);

// Whether the ends rise to the number of values: then each value belongs to one row.
[[nodiscard]] bool ends_fit(const SparseParts& rows);

// A bin under construction: append rows, then write it, or seal it into the frame of a Batch.
class SparseRowsBin {
 public:
  explicit SparseRowsBin(SparseForm form) : form_(form) {}

  // `columns` and `values` are as many. What the form does not hold is not looked at.
  void append(std::span<const std::uint32_t> columns, std::span<const double> values, double target, double weight);

  std::uint32_t count() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::size_t nonzeros() const { return values_.size(); }
  std::size_t bytes() const { return sparse_bytes(form_, ends_.size(), values_.size()); }

  void write(std::byte* to) const;  // bytes() of them
  // The frame of a Batch, whose rows begin at a multiple of 8 (batch_frame.hpp).
  Bytes seal(std::uint64_t stream_id, std::uint64_t sequence) const;

 private:
  SparseForm form_;
  std::vector<double> targets_;
  std::vector<double> weights_;
  std::vector<double> values_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::uint32_t> columns_;
};

}  // namespace accrue::wire
