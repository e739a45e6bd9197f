// PageHinkley: tells when the mean of a sequence has risen, by adding up by how much each value exceeds the mean of all
// so far.
//
// A value counts for what it is above the mean and kTolerance; the sum of that never falls below 0, which is the same
// as its distance from its lowest so far, and beyond kThreshold is the alarm. A mean that has risen by r > kTolerance
// alarms after about kThreshold / (r - kTolerance) values; one that has fallen never does. Independent steady values of
// variance v alarm about once in v / (2 kTolerance^2) * exp(2 kTolerance kThreshold / v) of them: at the largest v
// there is, 1/4, once in 10^8, at 1/10 once in 10^16.
//
// Threads: a value without locks. Shapes: values are within [0, 1], the caller sees to it; state and time of a value
// are constant. Errors: decode answers kInvalid; the detector is then only good for destruction. Sources: Page,
// "Continuous inspection schemes", Biometrika 41 (1954); Hinkley, "Inference about the change-point from cumulative sum
// tests", Biometrika 58 (1971).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "models/state_codec.hpp"

namespace accrue::models {

class PageHinkley {
 public:
  static constexpr double kTolerance = 0.05;
  static constexpr double kThreshold = 35;

  /// True when the mean has risen; it then starts afresh.
  [[nodiscard]] bool add(double error);
  /// Adds each of them up to the first that alarms; answers how many were added, and whether the last of them alarmed.
  struct Added {
    std::size_t values;
    bool alarmed;
  };
  [[nodiscard]] Added add(std::span<const double> errors);
  void reset() { *this = {}; }
  std::uint64_t rows() const { return rows_; }  // since it started afresh

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  // Of sum and rows the last error is a part; `zero` is 0.
  static double next_excess(double excess, double error, double sum, double rows, double zero = 0) {
    return std::max(zero, excess + (error - sum / rows - kTolerance));
  }

  std::uint64_t rows_ = 0;
  double sum_ = 0;
  double excess_ = 0;
};

inline bool PageHinkley::add(double error) {
  ++rows_;
  sum_ += error;
  excess_ = next_excess(excess_, error, sum_, static_cast<double>(rows_));
  if (excess_ <= kThreshold) [[likely]] {
    return false;
  }
  reset();
  return true;
}

}  // namespace accrue::models
