// ProgressiveError: how well a learner has predicted the rows that it had yet to learn (test-then-train).
//
// The clipped figures are those of the same predictions clipped to the range of the targets seen before the row (the
// first row's is not clipped): a few outlying rows dominate a plain squared error. A partition clips to the targets of
// its own rows and of what it was told of others (see); merging pools the errors so measured, and does not clip again.
// A row of weight 0 is counted and otherwise ignored. The figures are those of error_means.hpp.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Errors: decode answers DecodeError and leaves the value as it was unless that is kNone.
// Source: Dawid, "Statistical theory: the prequential approach", J. R. Statist. Soc. A 147 (1984).
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "models/error_means.hpp"
#include "models/state_codec.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {

class ProgressiveError : public ErrorMeans {
 public:
  /// The errors of one row, which it does not pool; from the next row on clips to its target, too. The prediction was
  /// made before the target was known to the learner.
  RowError score(double prediction, double target, double weight);
  /// From the next row on clips to the range of the targets of `others` and its own; what it saw of others before is
  /// forgotten. The errors of others are not its own: no figure changes.
  void see(const ProgressiveError& others);
  /// Pools the errors of another set of rows. Forgets what either has seen of others.
  void merge(const ProgressiveError& other);

  struct Range {
    double lowest;
    double highest;
  };
  /// What predictions are clipped to, if it stays that when rows of these targets have been scored.
  std::optional<Range> range_beside(const double* targets, std::size_t count) const;
  /// The prediction, kept within the range of the targets seen so far, of others too.
  double clipped(double prediction) const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  bool no_targets_ = true;
  double target_min_ = 0;
  double target_max_ = 0;
  std::optional<Range> others_;  // of the targets of others, when they had any
};

inline double ProgressiveError::clipped(double prediction) const {
  if (!others_) {
    return no_targets_ ? prediction : models::clipped(prediction, target_min_, target_max_);
  }
  const double lowest = no_targets_ ? others_->lowest : std::min(others_->lowest, target_min_);
  const double highest = no_targets_ ? others_->highest : std::max(others_->highest, target_max_);
  return models::clipped(prediction, lowest, highest);
}

inline RowError ProgressiveError::score(double prediction, double target, double weight) {
  const RowError row(prediction, clipped(prediction), target, weight);
  if (weight != 0) {
    target_min_ = no_targets_ ? target : std::min(target_min_, target);
    target_max_ = no_targets_ ? target : std::max(target_max_, target);
    no_targets_ = false;
  }
  return row;
}

}  // namespace accrue::models
