// RowSteps: foretells rows and folds them into a factor one at a time, where each is foretold from all those before it.
//
// A row's parts, inverse(R') x, are both: its prediction, by their products with the target's column of R, and what all
// the rotations that fold it in are made of. So one substitution is enough, where rotations found one after the other
// and a solution for the next row would take three chains of numbers that wait for each other.
//
// Threads: a value without locks, for one thread. Shapes: columns, rows: as Factor; O(columns^2) a row; only the
// first start allocates. Numbers: for factors whose columns are independent (is_regular) and rows that are not too far
// from all before (can_fold); others are for Factor::fold_row and solve.hpp. Errors: none. Source: Gill, Golub, Murray
// and Saunders, "Methods for modifying matrix factorizations", Math. Comp. 28 (1974).
#pragma once

#include <cstddef>
#include <vector>

#include "models/factor.hpp"

namespace accrue::models {

template <class Real>
class RowSteps {
 public:
  /// First, and whenever anything but fold has changed the factor.
  void start(const BasicFactor<Real>& factor);
  /// Whether its columns are as independent of each other as solve_basic asks.
  bool is_regular() const { return is_regular_; }

  struct Foretold {
    Real prediction;
    Real leverage;  // [1 x] inverse(R'R) [1 x]'; the prediction is good if it is below kMaxLeverage
  };
  /// Of a row whose features are `stride` apart.
  Foretold foretell(const BasicFactor<Real>& factor, const double* x, std::size_t stride, bool intercept);
  /// Whether the row last foretold, times the root of the weight, can be folded in.
  bool can_fold(double weight) const { return leverage_ < kMaxLeverage && weight * leverage_ < kMaxLeverage; }
  /// Folds that row in.
  void fold(BasicFactor<Real>& factor, double target, double weight);

  static constexpr double kMaxLeverage = 1e100;

 private:
  void check(const BasicFactor<Real>& factor);

  bool is_regular_ = false;
  Real leverage_ = 0;
  std::vector<Real> inverse_diagonal_;
  std::vector<Real> squares_;  // of the columns' norms
  std::vector<Real> parts_;
  std::vector<Real> row_;  // [1 x y]
};

}  // namespace accrue::models
