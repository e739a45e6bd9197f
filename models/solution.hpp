// Solution: coefficients, the intercept's first, and what the variance of a prediction follows from.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Units: those of the target, and their square. Numbers: predictions are within kMaxMagnitude; a variance that is not
// known, or not finite, is NaN. Errors: none. Source: solve.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "models/evidence.hpp"
#include "models/learner.hpp"
#include "models/solve.hpp"

namespace accrue::models {

template <class Real>
struct Solution {
  explicit Solution(std::size_t columns)
      : evidence(columns), rms(columns), inverse_diagonal(columns - 1), coefficients(columns - 1) {}

  /// Solves for the coefficients; a column that depends on those before it is left out.
  void solve(std::span<Real> into);
  double predict(const double* x, bool intercept) const;
  double variance(const double* x, bool intercept) const;
  /// The same of a block of rows, at most WaitingRows::kMax, at once.
  void predict_rows(const RowBlock& block, bool intercept, std::span<double> predictions) const;
  void variance_rows(const RowBlock& block, bool intercept, std::span<double> variances) const;

  Evidence<Real> evidence;             // as of its newest row, penalised, without the columns left out
  std::vector<Real> rms;               // of the columns, the penalty included
  std::vector<Real> inverse_diagonal;  // of R; 0 for a column left out
  std::vector<Real> coefficients;
  double noise = 0;  // its standard deviation; NaN when unknown

 private:
  double variance_of(double leverage) const;
};

/// Predicts by it, and tells its variance.
template <class Real>
std::unique_ptr<const Predictor> predictor_of(Solution<Real> solution, bool intercept);

}  // namespace accrue::models
