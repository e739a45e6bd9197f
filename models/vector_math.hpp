// The few vector loops that the learners are made of. Pure functions: any thread may call them.
//
// Real is double or long double. The order of every sum is written out, in interleaved partial sums, so that the same
// numbers give the same bits whatever the alignment of the memory and the width of the processor's vectors. (Eigen's
// sums depend on both.)
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace accrue::models {

/// As many as keep the processor busy: vectors of doubles, or the eight registers that all long doubles share.
template <class Real>
inline constexpr std::size_t kLanes = std::is_same_v<Real, double> ? 8 : 2;

template <class A, class B>
std::common_type_t<A, B> dot(const A* a, const B* b, std::size_t n) {
  using Real = std::common_type_t<A, B>;
  constexpr std::size_t kWidth = kLanes<Real>;
  std::array<Real, kWidth> sums{};
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  for (std::size_t lane = 0; i < n; ++i, ++lane) {
    sums[lane] += a[i] * b[i];
  }
  for (std::size_t half = kWidth / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) {
      sums[lane] += sums[lane + half];
    }
  }
  return sums[0];
}

/// For i from first to last. Two at a time, and the same two whatever the first: what is written as two halves and read
/// as one is not at hand before it has reached the cache.
void for_all_from(std::size_t first, std::size_t last, const auto& use) {
  if ((last - first) % 2 != 0) {
    use(first++);
  }
  for (std::size_t i = first; i < last; ++i) {
    use(i);
  }
}

/// a -= factor * b
template <class Real>
void subtract_multiple(Real* __restrict a, const Real* __restrict b, Real factor, std::size_t n) {
  for_all_from(0, n, [=](std::size_t i) { a[i] -= factor * b[i]; });
}

/// True of a sum of squares in which nothing overflowed, and what underflowed is too small to matter.
template <class Real>
bool is_safe_square(Real sum_of_squares) {
  return sum_of_squares > 1e-270 && sum_of_squares < 1e300;
}

/// sqrt(head^2 + x.x), without overflow or underflow of the squares.
template <class Real>
Real hypotenuse(Real head, const Real* x, std::size_t n) {
  const Real squares = head * head + dot(x, x, n);
  if (is_safe_square(squares)) [[likely]] {
    return std::sqrt(squares);
  }
  Real largest = std::abs(head);
  for (std::size_t i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(x[i]));
  }
  if (largest == 0) {
    return 0;
  }
  Real scaled_squares = (head / largest) * (head / largest);
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
template <class Real>
Real bounded(Real value, std::type_identity_t<Real> limit) {
  return std::isnan(value) ? Real{0} : std::clamp(value, -limit, limit);
}

}  // namespace accrue::models
