// Metrics: all that is measured of one model as it predicts rows that it has yet to learn: its errors over all rows and
// over windows of the last, the intervals that these errors promise, and how well the promises were kept.
//
// Two intervals are watched at Conformal::kLevel: the conformal one, and the one of the model's own variance, where it
// has one, if its errors are normal. Each is that which was given with the prediction. A partition measures with its
// own residuals; merging adds up what was measured, and pools the residuals for the intervals to come. A row of weight
// 0 is counted in the errors and otherwise ignored. Rows may come in any order of their index; merging is exact but for
// the clipped errors (progressive_error.hpp) and which conformal intervals a partition could give.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Costs: add O(1), without an allocation in the long run; below 24 KB in all, 1 KB before the second pane of rows
// (rolling_error.hpp). Numbers: all stays finite for |prediction|, |target|, weight <= kMaxMagnitude; a variance is
// counted if it is not NaN, not negative and at most the square of that. Errors: decode answers DecodeError, and
// metrics that could not be decoded are only good for destruction.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "models/conformal.hpp"
#include "models/coverage.hpp"
#include "models/progressive_error.hpp"
#include "models/rolling_error.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

struct Scored {
  double prediction;
  double variance;  // of a target of weight 1 about the prediction, NaN for what does not know
  double target;
  double weight;
  std::uint64_t index;  // of the row in its stream
};

class Metrics {
 public:
  void add(const Scored& row) { add(row, half_width()); }
  /// Of a row whose conformal interval was given long before, with that half width; NaN for none.
  void add(const Scored& row, double half_width);
  /// The same, to the bit, as to add each of the rows.
  void add(const ScoredRows& rows);
  /// Of the conformal interval of the next row; NaN for none yet.
  double half_width() const {
    return conformal_.recent_half_width().value_or(std::numeric_limits<double>::quiet_NaN());
  }
  /// The prediction, kept within the range of the targets seen so far, of others too.
  double clipped(double prediction) const { return settled_.clipped(prediction); }
  /// From the next row on clips to the targets of others, too; what it saw of others before is forgotten.
  void see(const Metrics& others) { settled_.see(others.settled_); }
  /// Adds what was measured of other rows. Forgets what either has seen of others.
  void merge(const Metrics& other);

  /// What the metrics of other partitions look at (see), and little more.
  Metrics as_seen_by_others() const;

  ProgressiveError lifetime() const;
  bool any() const { return settled_.n() > 0 || rolling_.newest_pane().error.n() > 0; }
  /// Over one of RollingError::kWindows.
  Window last(std::uint64_t window_rows) const { return rolling_.last(window_rows); }
  const Conformal& conformal() const { return conformal_; }
  Coverages coverage() const;

  void encode(StateWriter& writer) const;
  /// States of versions 1 and 2 hold the lifetime's error alone; the rest is then of the rows to come.
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  // Once for each pane, not for each row: that much less is done for a row.
  void settle(const Window& pane);

  ProgressiveError settled_;    // of all rows but those of the newest pane of rolling_
  Coverages settled_coverage_;  // likewise
  RollingError rolling_;
  Conformal conformal_;
};

inline void Metrics::add(const Scored& row, double half_width) {
  const RowError error = settled_.score(row.prediction, row.target, row.weight);
  if (rolling_.begins_pane(row.index)) {
    settle(rolling_.begin_pane(row.index));
  }
  rolling_.add(error, ErrorSums::half_widths(half_width, row.variance), row.index);
  if (row.weight != 0) {
    conformal_.add(std::abs(error.error), row.index);
  }
}

}  // namespace accrue::models
