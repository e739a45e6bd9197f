// ErrorScale: learns how large errors usually are, so that an error can be told as a number within [0, 1] that has no
// unit and that no outlier dominates: error / (error + scale).
//
// The scale is the one at which the mean of that is 1/2. It is learned by stochastic approximation: each error moves it
// by a factor between 1/2 and 3/2 at first, less and less later on. A thousand rows find it from 10^20 times too large
// or too small, whatever the tails. An error of 0 says nothing of the scale of the others and leaves it as it is.
//
// Threads: a value without locks. Units: errors are absolute, within [0, 2.1 * kMaxMagnitude]; the caller sees to it.
// Errors: decode answers kInvalid; the scale is then only good for destruction.
// Sources: Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 35 (1964), for scales by a bounded
// function; Robbins and Monro, "A stochastic approximation method", Ann. Math. Statist. 22 (1951).
#pragma once

#include <cstdint>

#include "models/state_codec.hpp"

namespace accrue::models {

class ErrorScale {
 public:
  void learn(double error);
  /// 1 for any error while the scale is 0.
  double relative(double error) const { return error == 0 ? 0 : error / (error + scale_); }
  /// Errors have become smaller.
  void divide(double factor) { scale_ /= factor; }
  std::uint64_t rows() const { return rows_; }  // learned

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  std::uint64_t rows_ = 0;
  double scale_ = 0;  // 0 until there was an error
};

}  // namespace accrue::models
