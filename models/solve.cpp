#include "models/solve.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <Eigen/Dense>

#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kMaxCoefficient = 1e300;

bool is_independent(const Factor& factor, std::size_t column, double norm) {
  return factor.diagonal(column) > kRankTolerance * norm;
}

std::vector<double> column_norms(const Factor& factor) {
  std::vector<double> norms(factor.columns());
  factor.column_norms(norms);
  return norms;
}

bool has_full_rank(const Factor& factor, std::span<const double> norms) {
  for (std::size_t j = 0; j + 1 < factor.columns(); ++j) {
    if (!is_independent(factor, j, norms[j])) {
      return false;
    }
  }
  return true;
}

// Columns whose diagonal is zero have been left out: their coefficient is 0.
void back_substitute(const Factor& factor, std::span<double> coefficients) {
  const std::size_t count = factor.columns() - 1;
  require(coefficients.size() == count, "a coefficient for every column but the target's");
  for (std::size_t j = count; j-- > 0;) {
    const double* r = factor.row(j);
    const double rest = r[count] - dot(r + j + 1, coefficients.data() + j + 1, count - j - 1);
    coefficients[j] = r[j] > 0 ? bounded(rest / r[j], kMaxCoefficient) : 0.0;
  }
}

// R without the target, its columns scaled to norm 1; a column of zeros stays.
Eigen::MatrixXd equilibrated(const Factor& factor, std::span<const double> norms) {
  const auto count = static_cast<Eigen::Index>(factor.columns() - 1);
  Eigen::MatrixXd scaled = Eigen::MatrixXd::Zero(count, count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const double* r = factor.row(static_cast<std::size_t>(i));
    for (Eigen::Index k = i; k < count; ++k) {
      const double norm = norms[static_cast<std::size_t>(k)];
      scaled(i, k) = norm > 0 ? r[k] / norm : 0.0;
    }
  }
  return scaled;
}

Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> decomposition(const Factor& factor,
                                                                      std::span<const double> norms) {
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> result;
  result.setThreshold(kRankTolerance);
  result.compute(equilibrated(factor, norms));
  return result;
}

// Higham's algorithm 4.1: a few steps up the gradient of |inverse(R) x| over the unit ball, and one vector that catches
// the matrices made to fool them.
double estimate_inverse_norm(const Eigen::MatrixXd& r) {
  constexpr int kMaxSteps = 5;
  const Eigen::Index n = r.rows();
  const auto upper = r.triangularView<Eigen::Upper>();
  Eigen::VectorXd x = Eigen::VectorXd::Constant(n, 1 / static_cast<double>(n));
  double estimate = 0;
  for (int step = 0; step < kMaxSteps; ++step) {
    const Eigen::VectorXd y = upper.solve(x);
    const double norm = y.lpNorm<1>();
    if (step > 0 && norm <= estimate) {
      break;
    }
    estimate = norm;
    const Eigen::VectorXd signs = y.unaryExpr([](double v) { return v < 0 ? -1.0 : 1.0; });
    const Eigen::VectorXd gradient = upper.transpose().solve(signs);
    Eigen::Index steepest = 0;
    if (gradient.cwiseAbs().maxCoeff(&steepest) <= gradient.dot(x)) {
      break;
    }
    x = Eigen::VectorXd::Unit(n, steepest);
  }
  Eigen::VectorXd alternating(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const double size = n > 1 ? 1 + static_cast<double>(i) / static_cast<double>(n - 1) : 1.0;
    alternating[i] = i % 2 == 0 ? size : -size;
  }
  const double alternative = 2 * upper.solve(alternating).lpNorm<1>() / (3 * static_cast<double>(n));
  return std::max(estimate, alternative);
}

}  // namespace

void add_ridge(Factor& factor, const Ridge& ridge, std::span<double> norms) {
  if (ridge.alpha == 0 || ridge.sum_weights == 0) {
    return;
  }
  factor.column_norms(norms);
  const double scale = std::sqrt(ridge.alpha) / std::sqrt(ridge.sum_weights);
  for (std::size_t j = ridge.intercept ? 1 : 0; j + 1 < factor.columns(); ++j) {
    factor.fold_unit_row(j, scale * norms[j]);
  }
}

void solve_basic(Factor& factor, std::span<double> norms, std::span<double> coefficients) {
  factor.column_norms(norms);
  for (std::size_t j = 0; j + 1 < factor.columns(); ++j) {
    if (!is_independent(factor, j, norms[j])) {
      factor.drop_column(j);
    }
  }
  back_substitute(factor, coefficients);
}

std::vector<double> solve_least_norm(const Factor& factor) {
  const std::size_t count = factor.columns() - 1;
  const std::vector<double> norms = column_norms(factor);
  std::vector<double> coefficients(count);
  if (has_full_rank(factor, norms)) {
    back_substitute(factor, coefficients);
    return coefficients;
  }
  Eigen::VectorXd target(static_cast<Eigen::Index>(count));
  for (std::size_t i = 0; i < count; ++i) {
    target[static_cast<Eigen::Index>(i)] = factor.row(i)[count];
  }
  const Eigen::VectorXd scaled = decomposition(factor, norms).solve(target);
  for (std::size_t j = 0; j < count; ++j) {
    coefficients[j] = norms[j] > 0 ? bounded(scaled[static_cast<Eigen::Index>(j)] / norms[j], kMaxCoefficient) : 0.0;
  }
  return coefficients;
}

std::size_t numerical_rank(const Factor& factor) {
  const std::vector<double> norms = column_norms(factor);
  if (has_full_rank(factor, norms)) {
    return factor.columns() - 1;
  }
  return static_cast<std::size_t>(decomposition(factor, norms).rank());
}

std::optional<double> estimate_condition(const Factor& factor) {
  const std::vector<double> norms = column_norms(factor);
  if (!has_full_rank(factor, norms)) {
    return std::nullopt;
  }
  const Eigen::MatrixXd scaled = equilibrated(factor, norms);
  return scaled.cwiseAbs().colwise().sum().maxCoeff() * estimate_inverse_norm(scaled);
}

std::optional<std::vector<double>> inverse_row_norms(const Factor& factor) {
  const std::vector<double> norms = column_norms(factor);
  if (!has_full_rank(factor, norms)) {
    return std::nullopt;
  }
  const Eigen::MatrixXd scaled = equilibrated(factor, norms);
  const Eigen::MatrixXd inverse =
      scaled.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(scaled.rows(), scaled.cols()));
  std::vector<double> result(factor.columns() - 1);
  for (std::size_t j = 0; j < result.size(); ++j) {
    result[j] = inverse.row(static_cast<Eigen::Index>(j)).stableNorm() / norms[j];
  }
  return result;
}

double residual_norm(const Factor& factor, std::span<const double> coefficients) {
  const std::size_t count = factor.columns() - 1;
  require(coefficients.size() == count, "a coefficient for every column but the target's");
  double norm = factor.diagonal(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double* r = factor.row(i);
    const double residual = r[count] - dot(r + i, coefficients.data() + i, count - i);
    norm = hypotenuse(norm, &residual, 1);
  }
  return norm;
}

}  // namespace accrue::models
