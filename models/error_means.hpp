// ErrorMeans: the figures of a set of scored rows: of all rows of a model (progressive_error.hpp), of a window
// (rolling_error.hpp), or of the rows between two moments (since).
//
// Means are weighted by the rows' weights; a row of weight 0 is counted and otherwise ignored. bias is the mean of
// prediction - target. mape is the mean of |error / target|, as a fraction, a row's bounded by kMaxMagnitude; a row of
// target 0 has none: it is left out of mape and counted in zero_targets. The clipped figures are those of the
// predictions clipped as progressive_error.hpp says. A figure is NaN until there is a row of positive weight for it;
// r2 until there are two different targets. States of versions 1 and 2 hold no bias and no mape: restored from one,
// these two figures are of the rows scored since.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Units: those of the target (mae, rmse, bias), their square (mse), none (r2, mape).
// Numbers: running means, not sums, so that all stays finite for |prediction|, |target|, weight <= kMaxMagnitude.
// Errors: decode answers DecodeError and leaves the value as it was unless that is kNone.
// Source: merging of means and variances: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
// computing sample variances" (1979).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "models/rows.hpp"
#include "models/state_codec.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {

// What errors and their means can come to, with room for rounding.
inline constexpr double kMaxError = 4 * kMaxMagnitude;
inline constexpr double kMaxSquaredError = kMaxError * kMaxError;

struct RowError {
  RowError(double prediction, double clipped, double of_target, double of_weight)
      : error(prediction - of_target),
        clipped_error(clipped - of_target),
        relative(of_target == 0 ? 0 : std::min(std::abs(error / of_target), kMaxMagnitude)),
        target(of_target),
        weight(of_weight) {}

  double error;  // prediction - target
  double clipped_error;
  double relative;  // |error / target|, at most kMaxMagnitude; 0 for a target of 0
  double target;
  double weight;
};

class ErrorMeans {
 public:
  struct Means {
    double mse;
    double mae;
    double mse_clipped;
    double mae_clipped;
    double target_mean;
    double target_variance;
    double bias;
    double mape;  // 0 if all targets are
  };

  ErrorMeans() = default;
  /// Of rows > 0 of weight 1.
  ErrorMeans(std::uint64_t rows, std::uint64_t zero_targets, const Means& means);
  void pool(const RowError& row);
  void pool(const ErrorMeans& others);
  /// The figures of the rows that were pooled since this was `before`. Rounding leaves in each mean an error of about
  /// 2^-53 k W / w times its value over all rows, when k rows of weight w came to make a weight of W.
  ErrorMeans since(const ErrorMeans& before) const;

  std::uint64_t n() const { return n_; }
  std::uint64_t zero_targets() const { return zero_targets_; }
  double sum_weights() const { return sum_weights_; }
  double mse() const;
  double mae() const;
  double rmse() const;
  double r2() const;
  double bias() const;
  double mape() const;
  double mse_clipped() const;
  double mae_clipped() const;
  double rmse_clipped() const;
  double r2_clipped() const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  bool empty() const { return sum_weights_ == 0; }

  std::uint64_t n_ = 0;
  double sum_weights_ = 0;
  double mse_ = 0;
  double mse_clipped_ = 0;
  double mae_ = 0;
  double mae_clipped_ = 0;
  double target_mean_ = 0;
  double target_variance_ = 0;
  double bias_weights_ = 0;  // less than sum_weights_ by what a state of version 1 or 2 held
  double bias_ = 0;
  double mape_weights_ = 0;
  double mape_ = 0;
  std::uint64_t zero_targets_ = 0;  // of positive weight
};

inline void ErrorMeans::pool(const RowError& row) {
  ++n_;
  if (row.weight == 0) {
    return;
  }
  sum_weights_ += row.weight;
  const double share = row.weight / sum_weights_;
  blend(mse_, row.error * row.error, share);
  blend(mae_, std::abs(row.error), share);
  blend(mse_clipped_, row.clipped_error * row.clipped_error, share);
  blend(mae_clipped_, std::abs(row.clipped_error), share);

  const double deviation = row.target - target_mean_;
  blend(target_mean_, row.target, share);
  // Never negative but for rounding, which a variance must not show.
  blend(target_variance_, std::max(0.0, deviation * (row.target - target_mean_)), share);

  bias_weights_ += row.weight;
  const double share_of_bias = bias_weights_ == sum_weights_ ? share : row.weight / bias_weights_;
  blend(bias_, row.error, share_of_bias);
  if (row.target == 0) {
    ++zero_targets_;
    return;
  }
  mape_weights_ += row.weight;
  blend(mape_, row.relative, mape_weights_ == bias_weights_ ? share_of_bias : row.weight / mape_weights_);
}

}  // namespace accrue::models
