// ColumnMoments: weighted means and variances of some columns, of the rows learned and, once others were seen, of these
// and theirs together.
//
// A value that is missing (NaN) or of weight 0 does not count. Means and variances merge as those of all rows would, to
// rounding, and are exact where all values are the same: the variance of a constant column is 0.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Numbers: running means, not sums, so that all stays finite for |value|, weight <= kMaxMagnitude.
// Errors: decode answers DecodeError; moments of other columns are a broken invariant (require.hpp).
// Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
#pragma once

#include <cstddef>
#include <vector>

#include "models/state_codec.hpp"

namespace accrue::models {

/// Of one column; all 0 before the first value.
struct Moments {
  double weight = 0;
  double mean = 0;
  double variance = 0;  // of the rows that were there: not the estimate of a population's

  void add(double value, double weight_of_value);
  void merge(const Moments& other);
};

class ColumnMoments {
 public:
  explicit ColumnMoments(std::size_t columns) : own_(columns) {}

  /// Of all rows known, those of others included.
  const Moments& known(std::size_t column) const { return with_others_.empty() ? own_[column] : with_others_[column]; }
  void add(std::size_t column, double value, double weight);
  void see(const ColumnMoments& others);
  void merge(const ColumnMoments& other);

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  std::vector<Moments> own_;
  std::vector<Moments> with_others_;  // empty until others were seen
};

}  // namespace accrue::models
