// Coverage: how often the intervals that a model gave held the target, and how wide they were.
//
// Every row counts once, whatever its weight: a promise of 95% is one of rows. Rows for which there was no interval do
// not count. Merging adds up, exactly but for the rounding of the mean width.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Units: mean_width in those of the target, from end to end; rate is a fraction. Both are NaN before the first row.
// Errors: decode answers DecodeError and leaves the value as it was unless that is kNone.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "models/state_codec.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {

class Coverage {
 public:
  Coverage() = default;
  Coverage(std::uint64_t rows, std::uint64_t covered, double mean_half_width)
      : rows_(rows), covered_(covered), half_width_(mean_half_width) {}

  /// A row whose prediction missed the target by `residual` >= 0; its interval reached so far on either side.
  void add(double residual, double half_width);
  void merge(const Coverage& other);
  /// Of the rows that came since this was `before`; mean_width to about 2^-53 of it for each row there ever was.
  Coverage since(const Coverage& before) const;

  std::uint64_t rows() const { return rows_; }
  std::uint64_t covered() const { return covered_; }
  double rate() const;
  double mean_width() const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  std::uint64_t rows_ = 0;
  std::uint64_t covered_ = 0;
  double half_width_ = 0;  // the mean
};

/// How far the intervals that were given with a prediction reached on either side; NaN for none.
struct HalfWidths {
  double conformal = std::numeric_limits<double>::quiet_NaN();
  double variance = std::numeric_limits<double>::quiet_NaN();
};

/// Of the two kinds of intervals (metrics.hpp).
struct Coverages {
  Coverage conformal;
  Coverage variance;

  void add(double residual, const HalfWidths& intervals);
  void merge(const Coverages& other);
  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);
};

inline void Coverage::add(double residual, double half_width) {
  ++rows_;
  covered_ += residual <= half_width ? 1 : 0;
  blend(half_width_, half_width, 1 / static_cast<double>(rows_));
}

inline void Coverages::add(double residual, const HalfWidths& intervals) {
  if (!std::isnan(intervals.conformal)) {
    conformal.add(residual, intervals.conformal);
  }
  if (!std::isnan(intervals.variance)) {
    variance.add(residual, intervals.variance);
  }
}

}  // namespace accrue::models
