#include "ingest/wire/sparse_rows.hpp"

#include <algorithm>
#include <cstring>

#include "ingest/wire/batch_frame.hpp"

namespace accrue::wire {

std::optional<std::size_t> sparse_nonzeros(SparseForm form, std::size_t count, std::size_t bytes) {
  constexpr std::size_t kNonzeroBytes = sparse_bytes(SparseForm::kFeatures, 0, 1);
  const std::size_t of_rows = sparse_bytes(form, count, 0);
  if (bytes < of_rows || (bytes - of_rows) % kNonzeroBytes != 0) return std::nullopt;
  return (bytes - of_rows) / kNonzeroBytes;
}

SparseParts sparse_parts(SparseForm form, std::size_t count, std::size_t nonzeros, const std::byte* bin) {
  const auto take = [&bin]<class Number>(std::size_t numbers, Number) {
    const auto* part = reinterpret_cast<const Number*>(bin);
    bin += numbers * sizeof(Number);
    return part;
  };
  SparseParts parts{};
  parts.count = count;
  parts.nonzeros = nonzeros;
  if (form != SparseForm::kFeatures) parts.targets = take(count, double{});
  if (form == SparseForm::kTargetAndWeight) parts.weights = take(count, double{});
  parts.values = take(nonzeros, double{});
  parts.ends = take(count, std::uint32_t{});
  parts.columns = take(nonzeros, std::uint32_t{});
  return parts;
}

bool ends_fit(const SparseParts& rows) {
  const std::uint32_t* const end = rows.ends + rows.count;
  const std::size_t last = rows.count == 0 ? 0 : end[-1];
  return last == rows.nonzeros && std::is_sorted(rows.ends, end);
}

void SparseRowsBin::append(std::span<const std::uint32_t> columns, std::span<const double> values, double target,
                           double weight) {
  if (form_ != SparseForm::kFeatures) targets_.push_back(target);
  if (form_ == SparseForm::kTargetAndWeight) weights_.push_back(weight);
  values_.insert(values_.end(), values.begin(), values.end());
  columns_.insert(columns_.end(), columns.begin(), columns.end());
  ends_.push_back(static_cast<std::uint32_t>(values_.size()));
}

void SparseRowsBin::write(std::byte* to) const {
  const auto put = [&to](const auto& numbers) {
    if (numbers.empty()) return;
    const auto bytes = std::as_bytes(std::span(numbers));
    std::memcpy(to, bytes.data(), bytes.size());
    to += bytes.size();
  };
  put(targets_);
  put(weights_);
  put(values_);
  put(ends_);
  put(columns_);
}

Bytes SparseRowsBin::seal(std::uint64_t stream_id, std::uint64_t sequence) const {
  Bytes frame(kBatchHeaderBytes + bytes());
  const auto header =
      batch_header(stream_id, sequence, DataType::kFloat64, count(), static_cast<std::uint32_t>(bytes()));
  std::memcpy(frame.data(), header.data(), header.size());
  write(frame.data() + kBatchHeaderBytes);
  return frame;
}

}  // namespace accrue::wire
