#include "models/progressive_error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/rows.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What errors and means can come to, with room for rounding.
constexpr double kMaxAbsolute = 4 * kMaxMagnitude;
constexpr double kMaxSquared = kMaxAbsolute * kMaxAbsolute;

// Moves a mean towards a value (or the mean of other rows) that has this share of all the weight.
void blend(double& mean, double value, double share) { mean += share * (value - mean); }

}  // namespace

double ProgressiveError::clipped(double prediction) const {
  if (!others_) {
    return empty() ? prediction : std::clamp(prediction, target_min_, target_max_);
  }
  const double lowest = empty() ? others_->lowest : std::min(others_->lowest, target_min_);
  const double highest = empty() ? others_->highest : std::max(others_->highest, target_max_);
  return std::clamp(prediction, lowest, highest);
}

void ProgressiveError::see(const ProgressiveError& others) {
  others_ = others.empty() ? std::nullopt : std::optional(Range{others.target_min_, others.target_max_});
}

void ProgressiveError::add(double prediction, double target, double weight) {
  ++n_;
  if (weight == 0) {
    return;
  }
  const double clipped_error = clipped(prediction) - target;
  target_min_ = empty() ? target : std::min(target_min_, target);
  target_max_ = empty() ? target : std::max(target_max_, target);

  sum_weights_ += weight;
  const double share = weight / sum_weights_;
  const double error = prediction - target;
  blend(mse_, error * error, share);
  blend(mae_, std::abs(error), share);
  blend(mse_clipped_, clipped_error * clipped_error, share);
  blend(mae_clipped_, std::abs(clipped_error), share);

  const double deviation = target - target_mean_;
  blend(target_mean_, target, share);
  // Never negative but for rounding, which a variance must not show.
  blend(target_variance_, std::max(0.0, deviation * (target - target_mean_)), share);
}

void ProgressiveError::merge(const ProgressiveError& other) {
  n_ += other.n_;
  others_.reset();
  if (other.empty()) {
    return;
  }
  target_min_ = empty() ? other.target_min_ : std::min(target_min_, other.target_min_);
  target_max_ = empty() ? other.target_max_ : std::max(target_max_, other.target_max_);

  sum_weights_ += other.sum_weights_;
  const double share = other.sum_weights_ / sum_weights_;
  blend(mse_, other.mse_, share);
  blend(mae_, other.mae_, share);
  blend(mse_clipped_, other.mse_clipped_, share);
  blend(mae_clipped_, other.mae_clipped_, share);

  const double distance = other.target_mean_ - target_mean_;
  blend(target_mean_, other.target_mean_, share);
  blend(target_variance_, other.target_variance_, share);
  target_variance_ += share * (1 - share) * distance * distance;
}

double ProgressiveError::mse() const { return empty() ? kNaN : mse_; }
double ProgressiveError::mae() const { return empty() ? kNaN : mae_; }
double ProgressiveError::rmse() const { return std::sqrt(mse()); }
double ProgressiveError::r2() const { return target_variance_ > 0 ? 1 - mse_ / target_variance_ : kNaN; }
double ProgressiveError::mse_clipped() const { return empty() ? kNaN : mse_clipped_; }
double ProgressiveError::mae_clipped() const { return empty() ? kNaN : mae_clipped_; }
double ProgressiveError::rmse_clipped() const { return std::sqrt(mse_clipped()); }
double ProgressiveError::r2_clipped() const {
  return target_variance_ > 0 ? 1 - mse_clipped_ / target_variance_ : kNaN;
}

void ProgressiveError::encode(StateWriter& writer) const {
  writer.put_count(n_);
  writer.put_double(sum_weights_);
  writer.put_double(mse_);
  writer.put_double(mae_);
  writer.put_double(mse_clipped_);
  writer.put_double(mae_clipped_);
  writer.put_double(target_mean_);
  writer.put_double(target_variance_);
  writer.put_double(target_min_);
  writer.put_double(target_max_);
  const Range range = others_.value_or(Range{0, 0});
  writer.put_count(others_ ? 1 : 0);
  writer.put_double(range.lowest);
  writer.put_double(range.highest);
}

DecodeError ProgressiveError::decode(StateReader& reader) {
  ProgressiveError error;
  const bool sane = reader.get_count(error.n_) &&                                          //
                    reader.get_double(0, kMaxStateMagnitude, error.sum_weights_) &&        //
                    reader.get_double(0, kMaxSquared, error.mse_) &&                       //
                    reader.get_double(0, kMaxAbsolute, error.mae_) &&                      //
                    reader.get_double(0, kMaxSquared, error.mse_clipped_) &&               //
                    reader.get_double(0, kMaxAbsolute, error.mae_clipped_) &&              //
                    reader.get_double(-kMaxAbsolute, kMaxAbsolute, error.target_mean_) &&  //
                    reader.get_double(0, kMaxSquared, error.target_variance_) &&           //
                    reader.get_double(-kMaxMagnitude, kMaxMagnitude, error.target_min_) &&
                    reader.get_double(error.target_min_, kMaxMagnitude, error.target_max_);
  if (!sane || (error.n_ == 0 && !error.empty())) {
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
