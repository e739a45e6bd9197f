#include "ingest/sparse_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "ingest/batch_rows.hpp"

namespace accrue::ingest {
namespace {

using wire::RejectReason;

bool increase_below(std::span<const std::uint32_t> columns, std::uint32_t dimension) {
  const auto not_increasing = [](std::uint32_t column, std::uint32_t next) { return column >= next; };
  return columns.empty() || (columns.back() < dimension &&
                             std::adjacent_find(columns.begin(), columns.end(), not_increasing) == columns.end());
}

// Rows next to each other that are kept, and their values; each up to but without its end.
struct Run {
  std::uint32_t row;
  std::uint32_t row_end;
  std::uint32_t value;
  std::uint32_t value_end;
};

template <class Number>
std::byte* keep(const std::vector<Run>& runs, const Number* from, std::uint32_t Run::*begin, std::uint32_t Run::*end,
                std::byte* to) {
  for (const Run& run : runs) {
    const std::size_t bytes = (run.*end - run.*begin) * sizeof(Number);
    std::memmove(to, from + run.*begin, bytes);
    to += bytes;
  }
  return to;
}

// Moves what is kept together. Each part of the bin then begins where it did or before, and ends before the next one
// did: front to back, nothing is overwritten that is still to be moved.
void keep_only(const std::vector<Run>& runs, const wire::SparseParts& rows, std::byte* bin) {
  if (rows.targets) bin = keep(runs, rows.targets, &Run::row, &Run::row_end, bin);
  if (rows.weights) bin = keep(runs, rows.weights, &Run::row, &Run::row_end, bin);
  bin = keep(runs, rows.values, &Run::value, &Run::value_end, bin);
  std::uint32_t kept = 0;
  for (const Run& run : runs) {
    for (std::uint32_t row = run.row; row < run.row_end; ++row) {
      const std::uint32_t end = kept + rows.ends[row] - run.value;
      std::memcpy(bin, &end, sizeof(end));
      bin += sizeof(end);
    }
    kept += run.value_end - run.value;
  }
  keep(runs, rows.columns, &Run::value, &Run::value_end, bin);
}

}  // namespace

std::optional<RejectReason> problem_with_sparse_row(const wire::SparseParts& rows, std::size_t row,
                                                    std::uint32_t dimension) {
  const std::span<const double> values = rows.row_values(row);
  if (values.size() > wire::kMaxNonzeros) return RejectReason::kRowLength;
  if (!increase_below(rows.row_columns(row), dimension)) return RejectReason::kBadIndex;
  double largest = 1;  // the intercept's column
  bool finite = true;
  const auto look_at = [&](double value) {
    finite = finite && std::isfinite(value);
    largest = std::max(largest, std::abs(value));
  };
  std::for_each(values.begin(), values.end(), look_at);
  if (rows.targets) look_at(rows.targets[row]);
  if (rows.weights) look_at(rows.weights[row]);
  if (!finite) return RejectReason::kNotFinite;
  const double weight = rows.weights ? rows.weights[row] : 1;
  if (weight < 0) return RejectReason::kWeight;
  if (std::max(largest, largest * std::sqrt(weight)) > wire::kMaxMagnitude) return RejectReason::kMagnitude;
  return std::nullopt;
}

ScreenedBatch screen_sparse_batch(const Stream& stream, const wire::Batch& batch, zmq::message_t& frame,
                                  Screening& screening) {
  ScreenedBatch result{.sequence = batch.sequence, .frame = {}};
  const wire::SparseForm form = wire::batch_form(stream.spec);
  const auto nonzeros = wire::sparse_nonzeros(form, batch.count, batch.rows.bin.size());
  if (batch.rows.friendly || batch.dtype != wire::DataType::kFloat64 || !nonzeros) {
    screening.reject(0, RejectReason::kRowLength, batch.count);
    return result;
  }
  take_bin(batch.rows.bin, frame, result);
  std::byte* bin = result.frame.data<std::byte>() + result.offset;
  const wire::SparseParts rows = wire::sparse_parts(form, batch.count, *nonzeros, bin);
  if (!wire::ends_fit(rows)) {
    screening.reject(0, RejectReason::kRowLength, batch.count);
    return result;
  }
  std::vector<Run> kept;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    const auto begin = static_cast<std::uint32_t>(rows.begin(i));
    if (const auto problem = problem_with_sparse_row(rows, i, stream.spec.dimension)) {
      screening.reject(i, *problem);
    } else if (!kept.empty() && kept.back().row_end == i) {
      kept.back().row_end = i + 1;
      kept.back().value_end = rows.ends[i];
    } else {
      kept.push_back({i, i + 1, begin, rows.ends[i]});
    }
  }
  if (screening.rejected > 0) keep_only(kept, rows, bin);
  for (const Run& run : kept) {
    result.count += run.row_end - run.row;
    result.nonzeros += run.value_end - run.value;
  }
  screening.kept = result.count;
  return result;
}

}  // namespace accrue::ingest
