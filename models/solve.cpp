#include "models/solve.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <Eigen/Dense>

#include "models/require.hpp"
#include "models/state_codec.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kMaxCoefficient = 1e300;
constexpr std::size_t kMaxColumns = kMaxFeatures + 1;

template <class Real>
std::vector<Real> column_norms(const BasicFactor<Real>& factor) {
  std::vector<Real> norms(factor.columns());
  factor.column_norms(norms);
  return norms;
}

template <class Real>
bool has_full_rank(const BasicFactor<Real>& factor, std::type_identity_t<std::span<const Real>> norms) {
  for (std::size_t j = 0; j + 1 < factor.columns(); ++j) {
    if (!(factor.diagonal(j) > kRankTolerance<Real> * norms[j])) {
      return false;
    }
  }
  return true;
}

// Columns whose diagonal is zero have been left out: their coefficient is 0. Each waits for the one after it, and so
// the products with the last few are subtracted one by one, that one's at the end: the others' are ready by then.
template <class Real>
void back_substitute(const BasicFactor<Real>& factor, std::type_identity_t<std::span<Real>> coefficients) {
  constexpr std::size_t kNear = 16;
  const std::size_t count = factor.columns() - 1;
  require(coefficients.size() == count, "a coefficient for every column but the target's");
  for (std::size_t j = 0; j < count; ++j) {
    coefficients[j] = 1 / factor.diagonal(j);
  }
  for (std::size_t j = count; j-- > 0;) {
    const Real* r = factor.row(j);
    const std::size_t far = std::min(j + 1 + kNear, count);
    Real rest = r[count] - dot(r + far, coefficients.data() + far, count - far);
    for (std::size_t k = far; k-- > j + 1;) {
      rest -= r[k] * coefficients[k];
    }
    coefficients[j] = r[j] > 0 ? bounded(rest * coefficients[j], kMaxCoefficient) : Real{0};
  }
}

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
template <class Real>
using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

// R without the target, its columns scaled to norm 1; a column of zeros stays.
template <class Real>
Matrix<Real> equilibrated(const BasicFactor<Real>& factor, std::type_identity_t<std::span<const Real>> norms) {
  const auto count = static_cast<Eigen::Index>(factor.columns() - 1);
  Matrix<Real> scaled = Matrix<Real>::Zero(count, count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const Real* r = factor.row(static_cast<std::size_t>(i));
    for (Eigen::Index k = i; k < count; ++k) {
      const Real norm = norms[static_cast<std::size_t>(k)];
      scaled(i, k) = norm > 0 ? r[k] / norm : Real{0};
    }
  }
  return scaled;
}

template <class Real>
Eigen::CompleteOrthogonalDecomposition<Matrix<Real>> decomposition(const BasicFactor<Real>& factor,
                                                                   std::type_identity_t<std::span<const Real>> norms) {
  Eigen::CompleteOrthogonalDecomposition<Matrix<Real>> result;
  result.setThreshold(kRankTolerance<Real>);
  result.compute(equilibrated(factor, norms));
  return result;
}

// Higham's algorithm 4.1: a few steps up the gradient of |inverse(R) x| over the unit ball, and one vector that catches
// the matrices made to fool them.
template <class Real>
Real estimate_inverse_norm(const Matrix<Real>& r) {
  constexpr int kMaxSteps = 5;
  const Eigen::Index n = r.rows();
  const auto upper = r.template triangularView<Eigen::Upper>();
  Vector<Real> x = Vector<Real>::Constant(n, 1 / static_cast<Real>(n));
  Real estimate = 0;
  for (int step = 0; step < kMaxSteps; ++step) {
    const Vector<Real> y = upper.solve(x);
    const Real norm = y.template lpNorm<1>();
    if (step > 0 && norm <= estimate) {
      break;
    }
    estimate = norm;
    const Vector<Real> signs = y.unaryExpr([](Real v) { return v < 0 ? Real{-1} : Real{1}; });
    const Vector<Real> gradient = upper.transpose().solve(signs);
    Eigen::Index steepest = 0;
    if (gradient.cwiseAbs().maxCoeff(&steepest) <= gradient.dot(x)) {
      break;
    }
    x = Vector<Real>::Unit(n, steepest);
  }
  Vector<Real> alternating(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Real size = n > 1 ? 1 + static_cast<Real>(i) / static_cast<Real>(n - 1) : Real{1};
    alternating[i] = i % 2 == 0 ? size : -size;
  }
  const Real alternative = 2 * upper.solve(alternating).template lpNorm<1>() / (3 * static_cast<Real>(n));
  return std::max(estimate, alternative);
}

}  // namespace

template <class Real>
void add_ridge(BasicFactor<Real>& factor, const Ridge& ridge, std::type_identity_t<std::span<Real>> norms) {
  if (ridge.alpha == 0 || ridge.sum_weights == 0) {
    return;
  }
  factor.column_norms(norms);
  const Real scale = std::sqrt(Real{ridge.alpha}) / std::sqrt(Real{ridge.sum_weights});
  for (std::size_t j = ridge.intercept ? 1 : 0; j + 1 < factor.columns(); ++j) {
    factor.fold_unit_row(j, scale * norms[j]);
  }
}

template <class Real>
void add_prior(BasicFactor<Real>& factor, double precision, bool intercept) {
  for (std::size_t j = intercept ? 1 : 0; j + 1 < factor.columns(); ++j) {
    factor.fold_unit_row(j, std::sqrt(Real{precision}));
  }
}

template <class Real>
void solve_basic(BasicFactor<Real>& factor, std::type_identity_t<std::span<Real>> norms,
                 std::type_identity_t<std::span<Real>> coefficients) {
  factor.column_norms(norms);
  factor.drop_dependent_columns(norms, kRankTolerance<Real>);
  back_substitute(factor, coefficients);
}

template <class Real>
std::vector<Real> solve_least_norm(const BasicFactor<Real>& factor) {
  const std::size_t count = factor.columns() - 1;
  const std::vector<Real> norms = column_norms(factor);
  std::vector<Real> coefficients(count);
  if (has_full_rank(factor, norms)) {
    back_substitute(factor, coefficients);
    return coefficients;
  }
  Vector<Real> target(static_cast<Eigen::Index>(count));
  for (std::size_t i = 0; i < count; ++i) {
    target[static_cast<Eigen::Index>(i)] = factor.row(i)[count];
  }
  const Vector<Real> scaled = decomposition(factor, norms).solve(target);
  for (std::size_t j = 0; j < count; ++j) {
    coefficients[j] =
        norms[j] > 0 ? bounded(scaled[static_cast<Eigen::Index>(j)] / norms[j], kMaxCoefficient) : Real{0};
  }
  return coefficients;
}

template <class Real>
std::size_t numerical_rank(const BasicFactor<Real>& factor) {
  const std::vector<Real> norms = column_norms(factor);
  if (has_full_rank(factor, norms)) {
    return factor.columns() - 1;
  }
  return static_cast<std::size_t>(decomposition(factor, norms).rank());
}

template <class Real>
std::optional<double> estimate_condition(const BasicFactor<Real>& factor) {
  const std::vector<Real> norms = column_norms(factor);
  if (!has_full_rank(factor, norms)) {
    return std::nullopt;
  }
  const Matrix<Real> scaled = equilibrated(factor, norms);
  return static_cast<double>(scaled.cwiseAbs().colwise().sum().maxCoeff() * estimate_inverse_norm(scaled));
}

template <class Real>
std::optional<std::vector<Real>> inverse_row_norms(const BasicFactor<Real>& factor) {
  const std::vector<Real> norms = column_norms(factor);
  if (!has_full_rank(factor, norms)) {
    return std::nullopt;
  }
  const Matrix<Real> scaled = equilibrated(factor, norms);
  const Matrix<Real> inverse =
      scaled.template triangularView<Eigen::Upper>().solve(Matrix<Real>::Identity(scaled.rows(), scaled.cols()));
  std::vector<Real> result(factor.columns() - 1);
  for (std::size_t j = 0; j < result.size(); ++j) {
    result[j] = inverse.row(static_cast<Eigen::Index>(j)).stableNorm() / norms[j];
  }
  return result;
}

template <class Real>
Real residual_norm(const BasicFactor<Real>& factor, std::type_identity_t<std::span<const Real>> coefficients) {
  const std::size_t count = factor.columns() - 1;
  require(coefficients.size() == count, "a coefficient for every column but the target's");
  Real norm = factor.diagonal(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Real* r = factor.row(i);
    const Real residual = r[count] - dot(r + i, coefficients.data() + i, count - i);
    norm = hypotenuse(norm, &residual, 1);
  }
  return norm;
}

template <class Real>
double leverage(const BasicFactor<Real>& factor, std::type_identity_t<std::span<const Real>> rms, const double* x,
                bool intercept) {
  constexpr double kNoDeparture = 1e-8;
  const std::size_t count = factor.columns() - 1;
  require(count <= kMaxColumns && rms.size() >= count, "a root mean square for every column");
  const std::size_t first = intercept ? 1 : 0;
  std::array<Real, kMaxColumns> rest;
  rest[0] = 1;
  std::copy(x, x + (count - first), rest.begin() + static_cast<std::ptrdiff_t>(first));
  Real sum = 0;
  for (std::size_t j = 0; j < count; ++j) {
    const Real* r = factor.row(j);
    if (r[j] > 0) {
      const Real part = rest[j] * (1 / r[j]);  // as leverage_rows, to the last bit
      sum += part * part;
      subtract_multiple(rest.data() + j + 1, r + j + 1, part, count - j - 1);
      continue;
    }
    const double usual = std::max(static_cast<double>(rms[j]), j < first ? 1.0 : std::abs(x[j - first]));
    if (!(std::abs(rest[j]) <= kNoDeparture * usual)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
  }
  return static_cast<double>(sum);
}

template void add_ridge(BasicFactor<double>&, const Ridge&, std::span<double>);
template void add_prior(BasicFactor<double>&, double, bool);
template void solve_basic(BasicFactor<double>&, std::span<double>, std::span<double>);
template std::vector<double> solve_least_norm(const BasicFactor<double>&);
template std::size_t numerical_rank(const BasicFactor<double>&);
template std::optional<double> estimate_condition(const BasicFactor<double>&);
template std::optional<std::vector<double>> inverse_row_norms(const BasicFactor<double>&);
template double residual_norm(const BasicFactor<double>&, std::span<const double>);
template double leverage(const BasicFactor<double>&, std::span<const double>, const double*, bool);
template void add_ridge(BasicFactor<long double>&, const Ridge&, std::span<long double>);
template void add_prior(BasicFactor<long double>&, double, bool);
template void solve_basic(BasicFactor<long double>&, std::span<long double>, std::span<long double>);
template std::vector<long double> solve_least_norm(const BasicFactor<long double>&);
template std::size_t numerical_rank(const BasicFactor<long double>&);
template std::optional<double> estimate_condition(const BasicFactor<long double>&);
template std::optional<std::vector<long double>> inverse_row_norms(const BasicFactor<long double>&);
template long double residual_norm(const BasicFactor<long double>&, std::span<const long double>);
template double leverage(const BasicFactor<long double>&, std::span<const long double>, const double*, bool);

}  // namespace accrue::models
