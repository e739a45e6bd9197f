#include "ingest/wire/usable.hpp"

#include <cstring>
#include <limits>

#include "ingest/wire/limits.hpp"

namespace accrue::wire {

// By vectors and without comparing, as it is done to every number that comes: what multiplied is beyond all numbers, or
// is none, leaves no 0 when multiplied by 0.
template <class Real>
bool all_surely_usable(const Real* values, std::size_t count) {
  constexpr std::size_t kBytes = 16;  // the vectors that every x86-64 has
  constexpr std::size_t kValues = kBytes / sizeof(Real);
  constexpr std::size_t kSums = 4;  // that need not wait for each other
  using Vector [[gnu::vector_size(kBytes)]] = Real;
  constexpr bool kAllAreInReach = std::numeric_limits<Real>::max() < kMaxMagnitude;
  constexpr Real kScale =
      kAllAreInReach ? Real{1} : static_cast<Real>(2 * (std::numeric_limits<Real>::max() / kMaxMagnitude));
  Vector sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums * kValues <= count; i += kSums * kValues) {
#pragma GCC unroll 4
    for (std::size_t k = 0; k < kSums; ++k) {
      Vector vector;
      std::memcpy(&vector, values + i + k * kValues, sizeof vector);
      sums[k] += vector * kScale * Real{0};
    }
  }
  const Vector sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  Real all = 0;
  for (std::size_t k = 0; k < kValues; ++k) all += sum[k];
  for (; i < count; ++i) all += values[i] * kScale * Real{0};
  return all == 0;
}

template bool all_surely_usable(const double*, std::size_t);
template bool all_surely_usable(const float*, std::size_t);

}  // namespace accrue::wire
