#include "models/progressive_error.hpp"

#include <algorithm>

namespace accrue::models {

double ProgressiveError::clipped(double prediction) const {
  if (!others_) {
    return no_targets() ? prediction : std::clamp(prediction, target_min_, target_max_);
  }
  const double lowest = no_targets() ? others_->lowest : std::min(others_->lowest, target_min_);
  const double highest = no_targets() ? others_->highest : std::max(others_->highest, target_max_);
  return std::clamp(prediction, lowest, highest);
}

void ProgressiveError::see(const ProgressiveError& others) {
  others_ = others.no_targets() ? std::nullopt : std::optional(Range{others.target_min_, others.target_max_});
}

RowError ProgressiveError::add(double prediction, double target, double weight) {
  const RowError row(prediction, clipped(prediction), target, weight);
  if (weight != 0) {
    target_min_ = no_targets() ? target : std::min(target_min_, target);
    target_max_ = no_targets() ? target : std::max(target_max_, target);
  }
  pool(row);
  return row;
}

void ProgressiveError::merge(const ProgressiveError& other) {
  others_.reset();
  if (!other.no_targets()) {
    target_min_ = no_targets() ? other.target_min_ : std::min(target_min_, other.target_min_);
    target_max_ = no_targets() ? other.target_max_ : std::max(target_max_, other.target_max_);
  }
  pool(other);
}

void ProgressiveError::encode(StateWriter& writer) const {
  ErrorMeans::encode(writer);
  writer.put_double(target_min_);
  writer.put_double(target_max_);
  const Range range = others_.value_or(Range{0, 0});
  writer.put_count(others_ ? 1 : 0);
  writer.put_double(range.lowest);
  writer.put_double(range.highest);
}

DecodeError ProgressiveError::decode(StateReader& reader) {
  ProgressiveError error;
  if (const DecodeError damage = error.ErrorMeans::decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  if (!reader.get_double(-kMaxMagnitude, kMaxMagnitude, error.target_min_) ||
      !reader.get_double(error.target_min_, kMaxMagnitude, error.target_max_)) {
    return DecodeError::kInvalid;
  }
  if (reader.version() != kStateVersionAlone) {
    bool seen = false;
    Range range{};
    if (!reader.get_flag(seen) ||                                           //
        !reader.get_double(-kMaxMagnitude, kMaxMagnitude, range.lowest) ||  //
        !reader.get_double(range.lowest, kMaxMagnitude, range.highest) ||   //
        (!seen && (range.lowest != 0 || range.highest != 0))) {
      return DecodeError::kInvalid;
    }
    error.others_ = seen ? std::optional(range) : std::nullopt;
  }
  *this = error;
  return DecodeError::kNone;
}

}  // namespace accrue::models
