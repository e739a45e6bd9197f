// Evidence: what rows have come to in the exact learner: the factor of [1 x y] * sqrt(weight), and how much weight that
// is; by forgetting.hpp's clock. Memory: the evidence of all rows that a learner has learned, one piece of it or, with
// a window, one for each pane that has rows.
//
// Threads: values without locks; const members may run in several threads at once, the others in one.
// Numbers: finite under the promise of rows.hpp. Real is double or long double (factor.hpp).
// Errors: decode answers false and leaves the memory fit for destruction only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/block_kernels.hpp"
#include "models/factor.hpp"
#include "models/forgetting.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

/// The features of rows, column by column, stride numbers apart. What lies up to kMaxVector numbers behind each
/// column's last row is read, too, and has no meaning.
struct RowBlock {
  const double* first;
  std::size_t stride;
  std::size_t rows;
};

/// At most kMax rows that wait to be folded in: the features, the target, the weight, the clock, column by column.
/// Takes memory as the rows come, for twice as many at a time, and keeps it.
class WaitingRows {
 public:
  static constexpr std::size_t kMax = 256;
  /// Between columns of kMax rows: not a power of two, which would put all of them into the same sets of the cache.
  static constexpr std::size_t kStride = kMax + kMaxVector;

  WaitingRows(std::size_t features, bool intercept) : features_(features), intercept_(intercept) {}

  /// Rows [first, first + count) of these.
  void append(const Forgetting& forgetting, const RowsView& rows, std::size_t first, std::size_t count);
  void clear() { count_ = 0; }

  std::size_t count() const { return count_; }
  /// Of features, behind which comes the target.
  const double* column(std::size_t k) const { return numbers_.data() + k * stride_; }
  std::size_t stride() const { return stride_; }  // between columns
  RowBlock last(std::size_t rows) const { return {column(0) + count_ - rows, stride_, rows}; }
  double weight(std::size_t i) const { return column(features_ + 1)[i]; }
  double clock(std::size_t i) const { return clocks()[i]; }
  std::span<const double> clocks() const { return {column(features_ + 2), count_}; }
  bool intercept() const { return intercept_; }

  void encode(StateWriter& writer) const;
  [[nodiscard]] bool decode(StateReader& reader, std::size_t count);

 private:
  std::size_t width() const { return features_ + 3; }
  double* mutable_column(std::size_t k) { return numbers_.data() + k * stride_; }
  void make_room(std::size_t rows);

  std::size_t features_;
  bool intercept_;
  std::vector<double> numbers_;  // none before the first row
  std::size_t stride_ = 0;
  std::size_t count_ = 0;
};

/// How many rows, each counted as far as it is not yet forgotten.
struct Amount {
  double rows = 0;
  double positive_rows = 0;  // those of weight > 0
  double weights = 0;

  void add(const Amount& other);
  void scale(double keep);
};

template <class Real>
struct Evidence {
  explicit Evidence(std::size_t columns) : factor(columns) {}

  /// Forgets what a row at that clock makes forgotten. Answers whether the factor was scaled.
  bool advance(const Forgetting& forgetting, double to);
  /// Folds rows [first, last) in.
  void fold(const Forgetting& forgetting, const WaitingRows& rows, std::size_t first, std::size_t last);
  void merge(const Forgetting& forgetting, const Evidence& other);
  void scale(double keep);
  /// Of a row at the clock, relative to the start of its epoch.
  double root_weight(const Forgetting& forgetting) const {
    return forgetting.root_weight(clock, forgetting.epoch(clock));
  }
  /// Turns weights relative to the start of the epoch into those as of the clock, given its root_weight.
  void settle(double root);

  BasicFactor<Real> factor;
  Amount amount;
  double clock = kNoClock;  // of the newest row

  static constexpr double kNoClock = -kMaxStateMagnitude;
};

template <class Real>
class Memory {
 public:
  Memory(std::size_t columns, const Forgetting& forgetting);

  /// Folds in all the rows, which are not apart.
  void fold(const WaitingRows& rows);
  void merge(const Memory& other);
  void scale(double keep);

  double newest() const { return parts_.back().clock; }
  /// Sets `all` to what counts when the newest row is at `newest`, or at the newest of its own. Allocates nothing where
  /// `all` has been as wide before, but with a window.
  void total(Evidence<Real>& all, double newest = Evidence<Real>::kNoClock) const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] bool decode(StateReader& reader);
  /// Restores the one piece of a learner that never forgets.
  void restore(Evidence<Real> only) { parts_.front() = std::move(only); }

 private:
  Evidence<Real>& part(double clock);
  void drop_gone();
  std::size_t columns() const { return parts_.front().factor.columns(); }

  Forgetting forgetting_;
  std::vector<Evidence<Real>> parts_;  // never empty; with a window the oldest pane first
};

template <class Real>
[[nodiscard]] bool decode_factor(StateReader& reader, BasicFactor<Real>& factor);

}  // namespace accrue::models
