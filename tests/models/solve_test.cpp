#include "models/solve.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

// The factor of [x y].
Factor factor_of(const Eigen::MatrixXd& x, const Eigen::VectorXd& y) {
  Eigen::MatrixXd block(x.rows(), x.cols() + 1);
  block << x, y;
  Factor factor(static_cast<std::size_t>(block.cols()));
  factor.fold_block(block.data(), static_cast<std::size_t>(block.rows()), static_cast<std::size_t>(block.rows()));
  return factor;
}

Eigen::VectorXd as_eigen(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

Eigen::VectorXd basic_solution(Factor factor) {
  std::vector<double> norms(factor.columns());
  std::vector<double> solution(factor.columns() - 1);
  solve_basic(factor, norms, solution);
  return as_eigen(solution);
}

TEST(Solve, BothWaysGiveLeastSquaresWhenColumnsAreIndependent) {
  const TestRows rows = random_rows(1, 80, 6);
  const Factor factor = factor_of(design_matrix(rows.view(), true), targets(rows.view()));
  EXPECT_LT(relative_error(as_eigen(solve_least_norm(factor)), batch_fit(rows.view())), 1e-11);
  EXPECT_LT(relative_error(basic_solution(factor), batch_fit(rows.view())), 1e-11);
  EXPECT_EQ(numerical_rank(factor), 7);
}

TEST(Solve, DependentColumnsAreCountedAndShareTheirCoefficient) {
  const TestRows rows = random_rows(2, 500, 3);
  const Eigen::MatrixXd independent = design_matrix(rows.view(), true);
  Eigen::MatrixXd x(independent.rows(), 7);
  x << independent, 5 * independent.col(1), independent.col(2) - 2 * independent.col(3),
      Eigen::VectorXd::Zero(independent.rows());
  const Factor factor = factor_of(x, targets(rows.view()));
  EXPECT_EQ(numerical_rank(factor), 4);
  EXPECT_FALSE(estimate_condition(factor));
  EXPECT_FALSE(inverse_row_norms(factor));

  const Eigen::VectorXd fitted = independent * batch_fit(rows.view());
  const Eigen::VectorXd least_norm = as_eigen(solve_least_norm(factor));
  const Eigen::VectorXd basic = basic_solution(factor);
  EXPECT_LT((x * least_norm - fitted).lpNorm<Eigen::Infinity>(), 1e-11);
  EXPECT_LT((x * basic - fitted).lpNorm<Eigen::Infinity>(), 1e-11);
  EXPECT_NEAR(least_norm[1], 5 * least_norm[4], 1e-11) << "equal columns, once scaled, share equally";
  EXPECT_EQ(basic.tail(3), Eigen::VectorXd::Zero(3)) << "those that came later are left out";
  EXPECT_EQ(least_norm[6], 0);
}

TEST(Solve, DependentColumnsDoNotHideNearlyDependentOnes) {
  const TestRows rows = random_rows(7, 500, 3);
  const Eigen::MatrixXd independent = design_matrix(rows.view(), true);
  Eigen::MatrixXd x(independent.rows(), 6);
  x << independent, 2 * independent.col(1), independent.col(2) + 1e-9 * independent.col(3).cwiseAbs2();
  EXPECT_EQ(numerical_rank(factor_of(x, targets(rows.view()))), 5);
}

TEST(Solve, FewerRowsThanCoefficientsAreFittedExactly) {
  const TestRows rows = random_rows(3, 4, 9);
  const Eigen::MatrixXd x = design_matrix(rows.view(), true);
  const Factor factor = factor_of(x, targets(rows.view()));
  EXPECT_EQ(numerical_rank(factor), 4);
  EXPECT_LT((x * as_eigen(solve_least_norm(factor)) - targets(rows.view())).norm(), 1e-11);
  EXPECT_LT((x * basic_solution(factor) - targets(rows.view())).norm(), 1e-11);
}

TEST(Solve, AnIllConditionedPolynomialIsSolvedNotCalledSingular) {
  constexpr int kDegree = 9;
  Eigen::MatrixXd x(300, kDegree + 1);
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    for (Eigen::Index k = 0; k <= kDegree; ++k) {
      x(i, k) = std::pow(1 + static_cast<double>(i) / 300, k);
    }
  }
  const Eigen::VectorXd y = x * Eigen::VectorXd::Ones(kDegree + 1);
  const Factor factor = factor_of(x, y);
  EXPECT_EQ(numerical_rank(factor), kDegree + 1);
  EXPECT_GT(*estimate_condition(factor), 1e10);
  EXPECT_LT((as_eigen(solve_least_norm(factor)) - Eigen::VectorXd::Ones(kDegree + 1)).norm(), 1e-3);
  EXPECT_LT((x * as_eigen(solve_least_norm(factor)) - y).norm(), 1e-11 * y.norm());
}

TEST(Solve, RidgeIsThatOfTheNormalEquations) {
  const TestRows rows = random_rows(4, 60, 5);
  for (const bool intercept : {true, false}) {
    const Eigen::MatrixXd x = design_matrix(rows.view(), intercept);
    const Eigen::VectorXd y = targets(rows.view());
    Eigen::VectorXd penalty = 7.5 * x.colwise().squaredNorm() / static_cast<double>(x.rows());
    if (intercept) {
      penalty[0] = 0;
    }
    const Eigen::MatrixXd normal = x.transpose() * x + Eigen::MatrixXd(penalty.asDiagonal());
    Factor factor = factor_of(x, y);
    std::vector<double> norms(factor.columns());
    add_ridge(factor, {7.5, intercept, static_cast<double>(x.rows())}, norms);
    EXPECT_LT(relative_error(as_eigen(solve_least_norm(factor)), normal.ldlt().solve(x.transpose() * y)), 1e-10);
  }
}

TEST(Solve, ConditionIsCloseToTheTrueOne) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const TestRows rows = random_rows(seed, 40, 1 + seed % 8);
    Eigen::MatrixXd x = design_matrix(rows.view(), seed % 2 == 0);
    const double estimate = *estimate_condition(factor_of(x, targets(rows.view())));
    x.colwise().normalize();
    const Eigen::MatrixXd r =
        Eigen::HouseholderQR<Eigen::MatrixXd>(x).matrixQR().topRows(x.cols()).triangularView<Eigen::Upper>();
    const double exact = r.cwiseAbs().colwise().sum().maxCoeff() * r.inverse().cwiseAbs().colwise().sum().maxCoeff();
    EXPECT_LE(estimate, exact * (1 + 1e-12));
    EXPECT_GE(estimate, exact / 3);
  }
}

TEST(Solve, InverseRowNormsAreTheDiagonalOfTheInverseCrossProduct) {
  const TestRows rows = random_rows(5, 80, 4);
  const Eigen::MatrixXd x = design_matrix(rows.view(), true);
  const Eigen::VectorXd expected = (x.transpose() * x).inverse().diagonal().cwiseSqrt();
  EXPECT_LT(relative_error(as_eigen(*inverse_row_norms(factor_of(x, targets(rows.view())))), expected), 1e-8);
}

TEST(Solve, ResidualNormIsThatOfTheRows) {
  const TestRows rows = random_rows(6, 80, 4);
  const Eigen::MatrixXd x = design_matrix(rows.view(), true);
  const std::vector<double> any{1, -2, 3, 0.5, 4};
  const double expected = (targets(rows.view()) - x * as_eigen(any)).norm();
  EXPECT_NEAR(residual_norm(factor_of(x, targets(rows.view())), any), expected, 1e-11 * expected);
}

TEST(Solve, NoRowsGiveZeros) {
  const Factor factor(4);
  EXPECT_EQ(solve_least_norm(factor), std::vector<double>(3));
  EXPECT_EQ(basic_solution(factor), Eigen::VectorXd::Zero(3));
  EXPECT_EQ(numerical_rank(factor), 0);
}

TEST(Solve, CoefficientsOutOfRangeAreBounded) {
  Eigen::MatrixXd x(2, 1);
  x << 1e-200, 2e-200;
  const Eigen::VectorXd y = Eigen::VectorXd::Constant(2, 1e150);
  EXPECT_EQ(solve_least_norm(factor_of(x, y)), std::vector<double>{1e300});
}

}  // namespace
}  // namespace accrue::models
