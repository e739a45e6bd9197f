#include "ingest/validation.hpp"

#include <algorithm>
#include <cmath>

#include "ingest/wire/limits.hpp"

namespace accrue::ingest {
namespace {

using wire::RejectReason;

// True when every value is within the limit. NaN compares false; without branches, so that it vectorises.
template <class Real>
bool all_usable(const Real* values, std::size_t count) {
  unsigned bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bad |= static_cast<unsigned>(!(std::abs(static_cast<double>(values[i])) <= wire::kMaxMagnitude));
  }
  return bad == 0;
}

template <class Real>
std::optional<RejectReason> problem_with_row(const Real* row, std::size_t columns,
                                             std::optional<std::size_t> weight_column) {
  double largest = 1;  // the intercept's column
  for (std::size_t i = 0; i < columns; ++i) {
    const double magnitude = std::abs(static_cast<double>(row[i]));
    if (!std::isfinite(magnitude)) return RejectReason::kNotFinite;
    largest = std::max(largest, magnitude);
  }
  if (largest > wire::kMaxMagnitude) return RejectReason::kMagnitude;
  if (weight_column) {
    const double weight = static_cast<double>(row[*weight_column]);
    if (weight < 0) return RejectReason::kWeight;
    if (largest * std::sqrt(weight) > wire::kMaxMagnitude) return RejectReason::kMagnitude;
  }
  return std::nullopt;
}

}  // namespace

template <class Real>
Screening screen_rows(Real* rows, std::size_t count, std::size_t columns, std::optional<std::size_t> weight_column) {
  Screening screening;
  if (!weight_column && all_usable(rows, count * columns)) {
    screening.kept = count;
    return screening;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Real* row = rows + i * columns;
    if (const auto problem = problem_with_row(row, columns, weight_column)) {
      screening.reject(i, *problem);
      continue;
    }
    if (screening.kept != i) std::copy(row, row + columns, rows + screening.kept * columns);
    ++screening.kept;
  }
  return screening;
}

template Screening screen_rows(double*, std::size_t, std::size_t, std::optional<std::size_t>);
template Screening screen_rows(float*, std::size_t, std::size_t, std::optional<std::size_t>);

}  // namespace accrue::ingest
