#include "ingest/validation.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "ingest/wire/limits.hpp"
#include "ingest/wire/usable.hpp"

namespace accrue::ingest {
namespace {

using wire::RejectReason;

}  // namespace

Gate::Gate(const wire::StreamSpec& spec, std::vector<bool> may_be_missing)
    : features_(spec.features.size()),
      columns_(spec.column_count()),
      weighted_(spec.weighted),
      delayed_(spec.delayed()),
      may_be_missing_(std::move(may_be_missing)) {
  may_be_missing_.resize(features_);
  for (const std::string* name : {&spec.key, &spec.time}) {
    const auto feature = std::find(spec.features.begin(), spec.features.end(), *name);
    if (feature != spec.features.end()) {
      may_be_missing_[static_cast<std::size_t>(feature - spec.features.begin())] = false;
    }
  }
  takes_missing_ = std::find(may_be_missing_.begin(), may_be_missing_.end(), true) != may_be_missing_.end();
}

template <class Real>
std::optional<RejectReason> Gate::problem_with(const Real* row) const {
  double largest = 1;       // the intercept's column
  std::size_t missing = 0;  // features
  bool all_may_be = true;   // missing, of these
  bool target_is_missing = false;
  for (std::size_t i = 0; i < columns_; ++i) {
    const double magnitude = std::abs(static_cast<double>(row[i]));
    if (std::isnan(magnitude) && i < features_) {
      ++missing;
      all_may_be = all_may_be && may_be_missing(i);
    } else if (std::isnan(magnitude) && i == features_) {
      target_is_missing = true;
    } else if (!std::isfinite(magnitude)) {
      return RejectReason::kNotFinite;
    } else {
      largest = std::max(largest, magnitude);
    }
  }
  const bool label = delayed_ && missing == features_ && !target_is_missing;
  if (!(all_may_be || label) || (target_is_missing && !delayed_)) return RejectReason::kNotFinite;
  if (largest > wire::kMaxMagnitude) return RejectReason::kMagnitude;
  if (weighted_) {
    const double weight = static_cast<double>(row[features_ + 1]);
    if (weight < 0) return RejectReason::kWeight;
    if (largest * std::sqrt(weight) > wire::kMaxMagnitude) return RejectReason::kMagnitude;
  }
  return std::nullopt;
}

template <class Real>
Screening screen_rows(Real* rows, std::size_t count, const Gate& gate) {
  const std::size_t columns = gate.columns();
  Screening screening;
  if (!gate.weighted() && wire::all_surely_usable(rows, count * columns)) {
    screening.kept = count;
    return screening;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Real* row = rows + i * columns;
    if (const auto problem = gate.problem_with(row)) {
      screening.reject(i, *problem);
      continue;
    }
    if (screening.kept != i) std::copy(row, row + columns, rows + screening.kept * columns);
    ++screening.kept;
  }
  return screening;
}

template Screening screen_rows(double*, std::size_t, const Gate&);
template Screening screen_rows(float*, std::size_t, const Gate&);

}  // namespace accrue::ingest
