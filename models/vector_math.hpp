// The few vector loops that the learners are made of. Pure functions: any thread may call them.
//
// The order of every sum is written out, in kLanes interleaved partial sums, so that the same numbers give the same
// bits whatever the alignment of the memory and the width of the processor's vectors. (Eigen's sums depend on both.)
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace accrue::models {

inline constexpr std::size_t kLanes = 8;

inline double dot(const double* a, const double* b, std::size_t n) {
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  for (std::size_t lane = 0; i < n; ++i, ++lane) {
    sums[lane] += a[i] * b[i];
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// a -= factor * b
inline void subtract_multiple(double* __restrict a, const double* __restrict b, double factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    a[i] -= factor * b[i];
  }
}

/// True of a sum of squares in which nothing overflowed, and what underflowed is too small to matter.
inline bool is_safe_square(double sum_of_squares) { return sum_of_squares > 1e-270 && sum_of_squares < 1e300; }

/// sqrt(head^2 + x.x), without overflow or underflow of the squares.
inline double hypotenuse(double head, const double* x, std::size_t n) {
  const double squares = head * head + dot(x, x, n);
  if (is_safe_square(squares)) [[likely]] {
    return std::sqrt(squares);
  }
  double largest = std::abs(head);
  for (std::size_t i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(x[i]));
  }
  if (largest == 0) {
    return 0;
  }
  double scaled_squares = (head / largest) * (head / largest);
  for (std::size_t i = 0; i < n; ++i) {
    scaled_squares += (x[i] / largest) * (x[i] / largest);
  }
  return largest * std::sqrt(scaled_squares);
}

/// The nearest to the value within [lowest, highest]; NaN stays NaN.
inline double clipped(double value, double lowest, double highest) {
  return value < lowest ? lowest : highest < value ? highest : value;
}

/// Moves a mean towards a value (or the mean of other rows) that has this share of all the weight.
inline void blend(double& mean, double value, double share) { mean += share * (value - mean); }

/// The value, kept within [-limit, limit]; 0 for the NaN that infinities of both signs add up to.
inline double bounded(double value, double limit) { return std::isnan(value) ? 0.0 : std::clamp(value, -limit, limit); }

}  // namespace accrue::models
