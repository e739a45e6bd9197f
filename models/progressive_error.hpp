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

#include <optional>

#include "models/error_means.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

class ProgressiveError : public ErrorMeans {
 public:
  /// Scores one row, and tells its error. The prediction was made before the target was known to the learner.
  RowError add(double prediction, double target, double weight);
  /// From the next row on clips to the range of the targets of `others` and its own; what it saw of others before is
  /// forgotten. The errors of others are not its own: no figure changes.
  void see(const ProgressiveError& others);
  /// Pools the errors of another set of rows. Forgets what either has seen of others.
  void merge(const ProgressiveError& other);

  /// The prediction, kept within the range of the targets seen so far, of others too.
  double clipped(double prediction) const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  struct Range {
    double lowest;
    double highest;
  };

  bool no_targets() const { return sum_weights() == 0; }

  double target_min_ = 0;
  double target_max_ = 0;
  std::optional<Range> others_;  // of the targets of others, when they had any
};

}  // namespace accrue::models
