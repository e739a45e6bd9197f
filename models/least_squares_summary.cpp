// What least squares tells of all its rows: fits, predictors and summaries; the part of least_squares.hpp that does not
// learn.
#include <cmath>
#include <utility>

#include "models/least_squares.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

std::optional<double> if_finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

Estimate estimate(double value, std::optional<double> std_error) {
  return {value, std_error, std_error ? if_finite(value / *std_error) : std::nullopt};
}

// 1 - residuals / total, of the norms. A target that does not vary beyond rounding has no R2.
template <class Real>
std::optional<double> r_squared(const BasicFactor<Real>& factor, bool intercept, Real residuals) {
  const std::size_t target = factor.columns() - 1;
  Real total = 0;
  for (std::size_t i = intercept ? 1 : 0; i <= target; ++i) {
    total = hypotenuse(total, factor.row(i) + target, 1);
  }
  const Real magnitude = intercept ? hypotenuse(total, factor.row(0) + target, 1) : total;
  if (!(total > kRankTolerance<Real> * magnitude)) {
    return std::nullopt;
  }
  const Real unexplained = residuals / total;
  return if_finite(static_cast<double>(1 - unexplained * unexplained));
}

}  // namespace

double Fit::predict(const double* x) const {
  return bounded(intercept + dot(coefficients.data(), x, coefficients.size()), kMaxMagnitude);
}

template <class Real>
std::unique_ptr<const Predictor> BasicLeastSquares<Real>::predictor() const {
  const Evidence<Real> data = evidence();
  Solution<Real> solution(columns());
  solution.evidence = data;
  penalise(solution.evidence, solution.rms);
  std::vector<Real> coefficients = solve_least_norm(solution.evidence.factor);
  const Real residual = options_.prior_precision > 0 ? solution.evidence.factor.diagonal(columns() - 1)
                                                     : residual_norm(data.factor, coefficients);
  solution.noise = noise(residual, data.amount, numerical_rank(data.factor));
  solution.solve(solution.coefficients);
  solution.coefficients = std::move(coefficients);
  return predictor_of(std::move(solution), options_.intercept);
}

template <class Real>
Fit BasicLeastSquares<Real>::fit() const {
  Evidence<Real> solved = evidence();
  std::vector<Real> norms(columns());
  penalise(solved, norms);
  const std::vector<Real> solution = solve_least_norm(solved.factor);
  Fit fit{rows_, options_.intercept, 0, {}};
  if (fit.has_intercept) {
    fit.intercept = static_cast<double>(solution.front());
  }
  for (std::size_t j = options_.intercept ? 1 : 0; j < solution.size(); ++j) {
    fit.coefficients.push_back(static_cast<double>(solution[j]));
  }
  return fit;
}

template <class Real>
Summary BasicLeastSquares<Real>::describe() const {
  const Evidence<Real> data = evidence();
  const BasicFactor<Real>& factor = data.factor;
  Evidence<Real> solved = data;
  std::vector<Real> norms(columns());
  penalise(solved, norms);
  const std::vector<Real> solution = solve_least_norm(solved.factor);
  const Real residuals = residual_norm(factor, solution);

  Summary summary;
  summary.rows = rows_;
  summary.rank = numerical_rank(factor);
  summary.condition = estimate_condition(factor);
  if (summary.condition) {
    summary.condition = if_finite(*summary.condition);
  }
  summary.r2 = r_squared(factor, options_.intercept, residuals);
  const Real together = options_.prior_precision > 0 ? solved.factor.diagonal(columns() - 1) : residuals;
  summary.residual_std = if_finite(noise(together, data.amount, summary.rank));

  const std::optional<std::vector<Real>> precision = inverse_row_norms(solved.factor);
  for (std::size_t j = 0; j < solution.size(); ++j) {
    std::optional<double> std_error;
    if (precision && summary.residual_std) {
      std_error = if_finite(static_cast<double>(*summary.residual_std * (*precision)[j]));
    }
    summary.coefficients.push_back(estimate(static_cast<double>(solution[j]), std_error));
  }
  if (options_.intercept) {
    summary.intercept = summary.coefficients.front();
    summary.coefficients.erase(summary.coefficients.begin());
    for (std::size_t j = 1; j <= options_.features && factor.diagonal(0) > 0; ++j) {
      summary.feature_means.push_back(static_cast<double>(factor.row(0)[j] / factor.diagonal(0)));
    }
  }
  return summary;
}

template std::unique_ptr<const Predictor> BasicLeastSquares<double>::predictor() const;
template std::unique_ptr<const Predictor> BasicLeastSquares<long double>::predictor() const;
template Fit BasicLeastSquares<double>::fit() const;
template Fit BasicLeastSquares<long double>::fit() const;
template Summary BasicLeastSquares<double>::describe() const;
template Summary BasicLeastSquares<long double>::describe() const;

}  // namespace accrue::models
