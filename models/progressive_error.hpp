// ProgressiveError: how well a learner has predicted the rows that it had yet to learn (test-then-train).
//
// Means are weighted by the rows' weights. The clipped figures are those of the same predictions clipped to the range
// of the targets seen before the row (the first row's is not clipped): a few outlying rows dominate a plain squared
// error. A partition clips to the targets of its own rows and of what it was told of others (see); merging pools the
// errors so measured, and does not clip again. A row of weight 0 is counted and otherwise ignored. mse, mae, rmse are
// NaN until a row of positive weight has been scored, r2 until two different targets have.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Units: those of the target (mae, rmse), their square (mse), none (r2).
// Numbers: running means, not sums, so that all stays finite for |prediction|, |target|, weight <= kMaxMagnitude.
// Source: Dawid, "Statistical theory: the prequential approach", J. R. Statist. Soc. A 147 (1984); merging of means and
// variances: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
// (1979).
#pragma once

#include <cstdint>
#include <optional>

#include "models/state_codec.hpp"

namespace accrue::models {

class ProgressiveError {
 public:
  /// Scores one row. The prediction was made before the target was known to the learner.
  void add(double prediction, double target, double weight);
  /// From the next row on clips to the range of the targets of `others` and its own; what it saw of others before is
  /// forgotten. The errors of others are not its own: no figure changes.
  void see(const ProgressiveError& others);
  /// Pools the errors of another set of rows. Forgets what either has seen of others.
  void merge(const ProgressiveError& other);

  std::uint64_t n() const { return n_; }
  double mse() const;
  double mae() const;
  double rmse() const;
  double r2() const;
  double mse_clipped() const;
  double mae_clipped() const;
  double rmse_clipped() const;
  double r2_clipped() const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  struct Range {
    double lowest;
    double highest;
  };

  bool empty() const { return sum_weights_ == 0; }
  double clipped(double prediction) const;

  std::uint64_t n_ = 0;
  double sum_weights_ = 0;
  double mse_ = 0;
  double mae_ = 0;
  double mse_clipped_ = 0;
  double mae_clipped_ = 0;
  double target_mean_ = 0;
  double target_variance_ = 0;
  double target_min_ = 0;
  double target_max_ = 0;
  std::optional<Range> others_;  // of the targets of others, when they had any
};

}  // namespace accrue::models
