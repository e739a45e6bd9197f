#include "models/error_means.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Pools a mean over rows of weight `other_weights` with one over rows of weight `weights`, which becomes the sum.
void pool_mean(double& weights, double& mean, double other_weights, double other_mean) {
  if (other_weights > 0) {
    weights += other_weights;
    blend(mean, other_mean, other_weights / weights);
  }
}

struct Mean {
  double weights;
  double mean;
};

// What rows must have had, in weight and mean, that turned `before` into `after`.
Mean difference(Mean after, Mean before) {
  const double weights = after.weights - before.weights;
  if (!(weights > 0)) {
    return {0, 0};
  }
  return {weights, after.mean + (after.mean - before.mean) * (before.weights / weights)};
}

double non_negative(double value, double limit) { return std::max(0.0, bounded(value, limit)); }

}  // namespace

ErrorMeans::ErrorMeans(std::uint64_t rows, std::uint64_t zero_targets, const Means& means)
    : n_(rows),
      sum_weights_(static_cast<double>(rows)),
      mse_(means.mse),
      mse_clipped_(means.mse_clipped),
      mae_(means.mae),
      mae_clipped_(means.mae_clipped),
      target_mean_(means.target_mean),
      target_variance_(means.target_variance),
      bias_weights_(sum_weights_),
      bias_(means.bias),
      mape_weights_(static_cast<double>(rows - zero_targets)),
      mape_(means.mape),
      zero_targets_(zero_targets) {}

void ErrorMeans::pool(const ErrorMeans& others) {
  n_ += others.n_;
  if (others.empty()) {
    return;
  }
  sum_weights_ += others.sum_weights_;
  const double share = others.sum_weights_ / sum_weights_;
  blend(mse_, others.mse_, share);
  blend(mae_, others.mae_, share);
  blend(mse_clipped_, others.mse_clipped_, share);
  blend(mae_clipped_, others.mae_clipped_, share);

  const double distance = others.target_mean_ - target_mean_;
  blend(target_mean_, others.target_mean_, share);
  blend(target_variance_, others.target_variance_, share);
  target_variance_ += share * (1 - share) * distance * distance;

  pool_mean(bias_weights_, bias_, others.bias_weights_, others.bias_);
  pool_mean(mape_weights_, mape_, others.mape_weights_, others.mape_);
  zero_targets_ += others.zero_targets_;
}

ErrorMeans ErrorMeans::since(const ErrorMeans& before) const {
  require(n_ >= before.n_ && zero_targets_ >= before.zero_targets_, "an error grows from an earlier one of its own");
  const auto mean = [&](double after, double earlier) {
    return difference({sum_weights_, after}, {before.sum_weights_, earlier}).mean;
  };
  ErrorMeans rows;
  rows.n_ = n_ - before.n_;
  rows.sum_weights_ = std::max(0.0, sum_weights_ - before.sum_weights_);
  rows.mse_ = non_negative(mean(mse_, before.mse_), kMaxSquaredError);
  rows.mae_ = non_negative(mean(mae_, before.mae_), kMaxError);
  rows.mse_clipped_ = non_negative(mean(mse_clipped_, before.mse_clipped_), kMaxSquaredError);
  rows.mae_clipped_ = non_negative(mean(mae_clipped_, before.mae_clipped_), kMaxError);
  rows.target_mean_ = bounded(mean(target_mean_, before.target_mean_), kMaxError);
  if (!rows.empty()) {
    // The rows' targets vary about their own mean, and that mean about the one before: only the former is theirs.
    const double distance = rows.target_mean_ - before.target_mean_;
    const double about_their_mean =
        mean(target_variance_, before.target_variance_) - before.sum_weights_ / sum_weights_ * distance * distance;
    rows.target_variance_ = non_negative(about_their_mean, kMaxSquaredError);
  }
  const Mean bias = difference({bias_weights_, bias_}, {before.bias_weights_, before.bias_});
  rows.bias_weights_ = bias.weights;
  rows.bias_ = bounded(bias.mean, kMaxError);
  const Mean mape = difference({mape_weights_, mape_}, {before.mape_weights_, before.mape_});
  rows.mape_weights_ = mape.weights;
  rows.mape_ = non_negative(mape.mean, kMaxMagnitude);
  rows.zero_targets_ = zero_targets_ - before.zero_targets_;
  return rows;
}

double ErrorMeans::mse() const { return empty() ? kNaN : mse_; }
double ErrorMeans::mae() const { return empty() ? kNaN : mae_; }
double ErrorMeans::rmse() const { return std::sqrt(mse()); }
double ErrorMeans::r2() const { return target_variance_ > 0 ? 1 - mse_ / target_variance_ : kNaN; }
double ErrorMeans::bias() const { return bias_weights_ > 0 ? bias_ : kNaN; }
double ErrorMeans::mape() const { return mape_weights_ > 0 ? mape_ : kNaN; }
double ErrorMeans::mse_clipped() const { return empty() ? kNaN : mse_clipped_; }
double ErrorMeans::mae_clipped() const { return empty() ? kNaN : mae_clipped_; }
double ErrorMeans::rmse_clipped() const { return std::sqrt(mse_clipped()); }
double ErrorMeans::r2_clipped() const { return target_variance_ > 0 ? 1 - mse_clipped_ / target_variance_ : kNaN; }

void ErrorMeans::encode(StateWriter& writer) const {
  writer.put_count(n_);
  writer.put_double(sum_weights_);
  writer.put_double(mse_);
  writer.put_double(mae_);
  writer.put_double(mse_clipped_);
  writer.put_double(mae_clipped_);
  writer.put_double(target_mean_);
  writer.put_double(target_variance_);
  writer.put_double(bias_weights_);
  writer.put_double(bias_);
  writer.put_double(mape_weights_);
  writer.put_double(mape_);
  writer.put_count(zero_targets_);
}

DecodeError ErrorMeans::decode(StateReader& reader) {
  ErrorMeans means;
  // A mean over no weight is 0.
  const auto get = [&reader](double weights, double lowest, double highest, double& mean) {
    return weights > 0 ? reader.get_double(lowest, highest, mean) : reader.get_double(0, 0, mean);
  };
  if (!reader.get_count(means.n_) || !reader.get_double(0, means.n_ > 0 ? kMaxStateMagnitude : 0, means.sum_weights_)) {
    return DecodeError::kInvalid;
  }
  const double weights = means.sum_weights_;
  bool sane = get(weights, 0, kMaxSquaredError, means.mse_) &&            //
              get(weights, 0, kMaxError, means.mae_) &&                   //
              get(weights, 0, kMaxSquaredError, means.mse_clipped_) &&    //
              get(weights, 0, kMaxError, means.mae_clipped_) &&           //
              get(weights, -kMaxError, kMaxError, means.target_mean_) &&  //
              get(weights, 0, kMaxSquaredError, means.target_variance_);
  if (sane && reader.version() >= kStateVersionOfSets) {
    sane = reader.get_double(0, weights, means.bias_weights_) &&              //
           get(means.bias_weights_, -kMaxError, kMaxError, means.bias_) &&    //
           reader.get_double(0, means.bias_weights_, means.mape_weights_) &&  //
           get(means.mape_weights_, 0, kMaxMagnitude, means.mape_) &&         //
           reader.get_count_up_to(means.n_, means.zero_targets_);
  }
  if (!sane) {
    return DecodeError::kInvalid;
  }
  *this = means;
  return DecodeError::kNone;
}

}  // namespace accrue::models
