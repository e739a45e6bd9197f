#include "models/solution.hpp"

#include <cmath>
#include <limits>

#include "models/vector_math.hpp"

namespace accrue::models {

template <class Real>
void Solution<Real>::solve(std::span<Real> into) {
  solve_basic(evidence.factor, rms, into);
  const Real root = std::sqrt(static_cast<Real>(evidence.amount.weights));
  for (Real& norm : rms) {
    norm = root > 0 ? norm / root : Real{0};
  }
}

template <class Real>
double Solution<Real>::predict(const double* x, bool intercept) const {
  const std::size_t first = intercept ? 1 : 0;
  const Real constant = intercept ? coefficients[0] : Real{0};
  const Real sum = constant + dot(coefficients.data() + first, x, coefficients.size() - first);
  return static_cast<double>(bounded(sum, kMaxMagnitude));
}

template <class Real>
double Solution<Real>::variance(const double* x, bool intercept) const {
  if (std::isnan(noise)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double variance = noise * noise * (1 + leverage(evidence.factor, rms, x, intercept));
  return std::isfinite(variance) ? variance : std::numeric_limits<double>::quiet_NaN();
}

template struct Solution<double>;
template struct Solution<long double>;

}  // namespace accrue::models
