#include "models/progressive_error.hpp"

namespace accrue::models {

std::optional<ProgressiveError::Range> ProgressiveError::range_beside(const double* targets, std::size_t count) const {
  bool beside = !no_targets_;
  for (std::size_t i = 0; i < count; ++i) {
    beside = beside & (target_min_ <= targets[i]) & (targets[i] <= target_max_);
  }
  if (!beside) {
    return std::nullopt;
  }
  const Range own{target_min_, target_max_};
  return others_ ? Range{std::min(others_->lowest, own.lowest), std::max(others_->highest, own.highest)} : own;
}

void ProgressiveError::see(const ProgressiveError& others) {
  others_ = others.no_targets_ ? std::nullopt : std::optional(Range{others.target_min_, others.target_max_});
}

void ProgressiveError::merge(const ProgressiveError& other) {
  others_.reset();
  if (!other.no_targets_) {
    target_min_ = no_targets_ ? other.target_min_ : std::min(target_min_, other.target_min_);
    target_max_ = no_targets_ ? other.target_max_ : std::max(target_max_, other.target_max_);
    no_targets_ = false;
  }
  pool(other);
}

void ProgressiveError::encode(StateWriter& writer) const {
  ErrorMeans::encode(writer);
  writer.put_count(no_targets_ ? 0 : 1);
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
  bool targets = error.sum_weights() > 0;
  if (reader.version() >= kStateVersionOfPanes && !reader.get_flag(targets)) {
    return DecodeError::kInvalid;
  }
  error.no_targets_ = !targets;
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
