// What a factor of the rows [X y] knows: least-squares coefficients, rank, condition and precision.
//
// Every function reads the factor's last column as the target y and those before it as X (a column of ones is the first
// of them when there is an intercept); "coefficients" are one for each column of X, in that order.
// Coefficients beyond 1e300 in magnitude are returned as 1e300, so that they are always finite.
// Real is double or long double.
// Threads: pure functions; any thread.
// Errors: none; a wrong shape is a broken invariant (require.hpp).
// Sources: rank-deficient problems: Golub and Van Loan, Matrix Computations, 4th ed., 5.5; condition: Higham, "FORTRAN
// codes for estimating the one-norm of a real or complex matrix", ACM Trans. Math. Softw. 14 (1988).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "models/factor.hpp"

namespace accrue::models {

/// A column is taken to depend on those before it when what is left of it is not above this share of its norm. That is
/// the level of rounding, of the sums in double precision and of the features themselves in a more precise one: an
/// ill-conditioned problem that can be solved is solved.
template <class Real>
inline constexpr Real kRankTolerance = std::is_same_v<Real, double> ? Real(1e-14) : Real(1e-15);

/// The penalty of ridge regression: the fit minimises
///   sum_i w_i (y_i - b - x_i.c)^2 + alpha * sum_j rms_j^2 c_j^2,   rms_j^2 = sum_i w_i x_ij^2 / sum_i w_i.
/// The intercept b is free. The scale rms_j makes the fit independent of the units of the columns. The penalty does not
/// grow with the rows: alpha weighs as much as alpha rows whose features are of the usual size and whose target is 0.
struct Ridge {
  double alpha;
  bool intercept;
  double sum_weights;  // of the rows in the factor
};

/// Folds the penalty's rows in. norms is scratch, one for each column of the factor. O(columns^3), does not allocate.
template <class Real>
void add_ridge(BasicFactor<Real>& factor, const Ridge& ridge, std::type_identity_t<std::span<Real>> norms);

/// Folds in what says that each coefficient but the intercept's is 0 give or take 1 / sqrt(precision) residual standard
/// deviations. O(columns^3), does not allocate.
template <class Real>
void add_prior(BasicFactor<Real>& factor, double precision, bool intercept);

/// Least squares in which a column that depends on those before it gets the coefficient 0. The factor is destroyed,
/// norms is scratch as above. O(columns^2), and that times the lesser of those left out and those that are not; does
/// not allocate.
template <class Real>
void solve_basic(BasicFactor<Real>& factor, std::type_identity_t<std::span<Real>> norms,
                 std::type_identity_t<std::span<Real>> coefficients);

/// Least squares; when columns depend on each other, the solution of least norm in the columns scaled to norm 1 (equal
/// columns share equally). O(columns^2), or O(columns^3) when dependent.
template <class Real>
std::vector<Real> solve_least_norm(const BasicFactor<Real>& factor);

/// The number of linearly independent columns of X.
template <class Real>
std::size_t numerical_rank(const BasicFactor<Real>& factor);

/// The 1-norm condition number of R, its columns scaled to norm 1, by Higham's estimator: a lower bound, seldom off by
/// more than a factor of 3. Nothing when columns depend on each other. O(columns^2).
template <class Real>
std::optional<double> estimate_condition(const BasicFactor<Real>& factor);

/// The norms of the rows of the inverse of R: times the residual standard deviation they are standard errors. Nothing
/// when columns depend on each other. O(columns^3).
template <class Real>
std::optional<std::vector<Real>> inverse_row_norms(const BasicFactor<Real>& factor);

/// The norm of the residuals y - X coefficients over all rows in the factor.
template <class Real>
Real residual_norm(const BasicFactor<Real>& factor, std::type_identity_t<std::span<const Real>> coefficients);

/// [1 x] inverse(R'R) [1 x]', the variance of a prediction in units of that of a target, from a factor that solve_basic
/// has left and the root mean squares of its columns. Nothing (NaN) where x, unlike every row learned, departs from how
/// a column that was left out depends on those before it. O(columns^2), does not allocate.
template <class Real>
double leverage(const BasicFactor<Real>& factor, std::type_identity_t<std::span<const Real>> rms, const double* x,
                bool intercept);

}  // namespace accrue::models
