// ErrorSums: the figures of the rows of weight 1 that stand in one pane of 100 rows (rolling_error.hpp), as sums that
// vectors of the processor can add to. A sum is kept in kErrorLanes parts, and the n-th row adds to part n modulo
// kErrorLanes, so that the same rows in the same order give the same bits, however many come at once and whatever the
// processor.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Costs: 0.4 KB; add and the figures allocate nothing. Units and meaning: error_means.hpp and coverage.hpp, whose
// figures these are. Numbers: sums stay finite for kMaxRows of |prediction|, |target| <= kMaxMagnitude.
// Errors: decode answers DecodeError and leaves the value as it was unless that is kNone; one row more than kMaxRows is
// a broken invariant (require.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "models/block_kernels.hpp"
#include "models/coverage.hpp"
#include "models/error_means.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

class ErrorSums {
 public:
  static constexpr std::size_t kMaxRows = 100;
  /// So many standard deviations on either side hold a normal variable with a probability of Conformal::kLevel: what
  /// normal_half_width answers.
  static constexpr double kDeviations = 1.9599641740135167;

  /// How far the intervals of a prediction reach: the conformal one, NaN for none, and that of the model's variance
  /// about the prediction, which is one if it is not NaN, not negative, and at most the square of kMaxMagnitude.
  static HalfWidths half_widths(double conformal, double variance);

  void add(const RowError& row, const HalfWidths& intervals);
  /// The same, to the bit, as to add each of the rows. residuals[i] = |prediction - target| of row i.
  void add(const ForetoldRows& rows, double* residuals);

  std::size_t rows() const { return rows_; }
  ErrorMeans error() const;
  Coverages coverage() const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  std::size_t rows_ = 0;
  std::size_t conformal_rows_ = 0;
  ErrorCounts counts_{};
  ErrorLanes lanes_{};  // those of targets are of their distance from origin_
  double origin_ = 0;   // the first row's target
};

}  // namespace accrue::models
