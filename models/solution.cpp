#include "models/solution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "models/block_math.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What the processor writes beyond the rows that it was asked for stays in here.
using BlockNumbers = std::array<double, WaitingRows::kStride>;

// Each row of a block laid out as a row.
void for_each_row(const double* block, std::size_t rows, std::size_t features, const auto& use) {
  std::array<double, kMaxFeatures> x;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < features; ++k) {
      x[k] = block[k * WaitingRows::kStride + i];
    }
    use(i, x.data());
  }
}

}  // namespace

template <class Real>
void Solution<Real>::solve(std::span<Real> into) {
  solve_basic(evidence.factor, rms, into);
  const Real root = std::sqrt(static_cast<Real>(evidence.amount.weights));
  for (Real& norm : rms) {
    norm = root > 0 ? norm / root : Real{0};
  }
  for (std::size_t j = 0; j < inverse_diagonal.size(); ++j) {
    const Real diagonal = evidence.factor.diagonal(j);
    inverse_diagonal[j] = diagonal > 0 ? 1 / diagonal : Real{0};
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
void Solution<Real>::predict_rows(const double* block, std::size_t rows, bool intercept,
                                  std::span<double> predictions) const {
  const std::size_t first = intercept ? 1 : 0;
  if constexpr (std::is_same_v<Real, double>) {
    BlockNumbers sums;
    block_kernels().predict_rows(block, WaitingRows::kStride, coefficients.data() + first, coefficients.size() - first,
                                 intercept ? coefficients[0] : 0.0, rows, sums.data());
    std::transform(sums.data(), sums.data() + rows, predictions.begin(),
                   [](double sum) { return bounded(sum, kMaxMagnitude); });
  } else {
    for_each_row(block, rows, coefficients.size() - first,
                 [&](std::size_t i, const double* x) { predictions[i] = predict(x, intercept); });
  }
}

template <class Real>
double Solution<Real>::variance(const double* x, bool intercept) const {
  return std::isnan(noise) ? kNaN : variance_of(leverage(evidence.factor, rms, x, intercept));
}

template <class Real>
void Solution<Real>::variance_rows(const double* block, std::size_t rows, bool intercept,
                                   std::span<double> variances) const {
  if (std::isnan(noise)) {
    std::fill(variances.begin(), variances.end(), kNaN);
    return;
  }
  if constexpr (std::is_same_v<Real, double>) {
    const bool independent =
        std::all_of(inverse_diagonal.begin(), inverse_diagonal.end(), [](double inverse) { return inverse > 0; });
    if (independent) {
      BlockNumbers leverages;
      block_kernels().leverage_rows(block, WaitingRows::kStride, evidence.factor.packed().data(),
                                    inverse_diagonal.data(), coefficients.size(), intercept, rows, leverages.data());
      std::transform(leverages.data(), leverages.data() + rows, variances.begin(),
                     [this](double leverage) { return variance_of(leverage); });
      return;
    }
  }
  for_each_row(block, rows, coefficients.size() - (intercept ? 1 : 0),
               [&](std::size_t i, const double* x) { variances[i] = variance(x, intercept); });
}

template <class Real>
double Solution<Real>::variance_of(double leverage) const {
  const double variance = noise * noise * (1 + leverage);
  return std::isfinite(variance) ? variance : kNaN;
}

template struct Solution<double>;
template struct Solution<long double>;

}  // namespace accrue::models
