#include "models/row_steps.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "models/solve.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

std::vector<double> laid_out(const RowsView& rows, std::size_t i, bool intercept) {
  std::vector<double> row(rows.row(i), rows.row(i) + rows.features + 1);
  if (intercept) {
    row.insert(row.begin(), 1.0);
  }
  return row;
}

void fold_by_rotations(Factor& factor, const RowsView& rows, std::size_t i, bool intercept) {
  std::vector<double> row = laid_out(rows, i, intercept);
  for (double& value : row) {
    value *= std::sqrt(rows.weight(i));
  }
  factor.fold_row(row.data());
}

// What a factor says of a row by its solution.
struct Solved {
  Solved(Factor of, const double* x, bool intercept) {
    std::vector<double> norms(of.columns());
    std::vector<double> coefficients(of.columns() - 1);
    solve_basic(of, norms, coefficients);
    leverage = models::leverage(of, norms, x, intercept);
    for (std::size_t j = 0; j < coefficients.size(); ++j) {
      prediction += coefficients[j] * (intercept ? (j == 0 ? 1 : x[j - 1]) : x[j]);
    }
  }
  double prediction = 0;
  double leverage = 0;
};

class RowStepsOf : public testing::TestWithParam<std::size_t> {};

TEST_P(RowStepsOf, FeaturesForetellAsTheSolutionAndFoldAsRotationsDo) {
  const std::size_t features = GetParam();
  for (const bool intercept : {true, false}) {
    const TestRows rows = random_rows(features, 1'000, features, true);
    const RowsView view = rows.view();
    Factor stepped(features + (intercept ? 2 : 1));
    std::size_t i = 0;
    for (; i < 2 * features + 10; ++i) {
      fold_by_rotations(stepped, view, i, intercept);
    }
    Factor rotated = stepped;
    RowSteps<double> steps;
    steps.start(stepped);
    for (; i < view.count; ++i) {
      ASSERT_TRUE(steps.is_regular());
      const auto foretold = steps.foretell(stepped, view.row(i), 1, intercept);
      const Solved expected(stepped, view.row(i), intercept);
      ASSERT_NEAR(foretold.prediction, expected.prediction, 1e-10 * std::max(1.0, std::abs(expected.prediction))) << i;
      ASSERT_NEAR(foretold.leverage / expected.leverage, 1, 1e-10) << i;
      ASSERT_TRUE(steps.can_fold(view.weight(i)));
      steps.fold(stepped, view.target(i), view.weight(i));
      fold_by_rotations(rotated, view, i, intercept);
    }
    std::vector<double> norms(rotated.columns());
    rotated.column_norms(norms);
    for (std::size_t j = 0; j < rotated.columns(); ++j) {
      for (std::size_t k = j; k < rotated.columns(); ++k) {
        ASSERT_NEAR(stepped.row(j)[k], rotated.row(j)[k], 1e-13 * norms[k]) << j << ' ' << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Features, RowStepsOf, testing::Values(1, 2, 7, 8, 9, 40));

Factor some_factor(std::size_t features, const TestRows& rows) {
  Factor factor(features + 2);
  for (std::size_t i = 0; i < rows.count(); ++i) {
    fold_by_rotations(factor, rows.view(), i, true);
  }
  return factor;
}

RowSteps<double> started(const Factor& factor) {
  RowSteps<double> steps;
  steps.start(factor);
  return steps;
}

TEST(RowSteps, ARowOfNoWeightChangesNothing) {
  Factor factor = some_factor(3, random_rows(1, 50, 3));
  const Factor before = factor;
  RowSteps<double> steps = started(factor);
  const double x[] = {1e9, -1e-9, 3};
  steps.foretell(factor, x, 1, true);
  steps.fold(factor, 1e9, 0);
  EXPECT_TRUE(std::equal(factor.packed().begin(), factor.packed().end(), before.packed().begin()));
}

TEST(RowSteps, ColumnsThatDependOnOthersAreNotForThem) {
  TestRows rows{2, false, {}};
  const TestRows some = random_rows(1, 50, 2);
  for (std::size_t i = 0; i < some.count(); ++i) {
    const double x = some.view().row(i)[0];
    rows.add({x, 3 * x}, some.view().target(i));
  }
  Factor factor = some_factor(2, rows);
  RowSteps<double> steps = started(factor);
  EXPECT_FALSE(steps.is_regular());
  steps.start(Factor(factor.columns()));
  EXPECT_FALSE(steps.is_regular());
  rows.add({1, 2}, 3);
  fold_by_rotations(factor, rows.view(), rows.count() - 1, true);
  steps.start(factor);
  EXPECT_TRUE(steps.is_regular());
}

// A row after which the others' share of a column is down to rounding leaves what a solution would leave out.
TEST(RowSteps, TellWhenAColumnComesToDependOnOthers) {
  Factor factor = some_factor(2, random_rows(1, 50, 2));
  RowSteps<double> steps = started(factor);
  const double x[] = {1e20, 1e20};
  steps.foretell(factor, x, 1, true);
  ASSERT_TRUE(steps.can_fold(1));
  steps.fold(factor, 1, 1);
  EXPECT_FALSE(steps.is_regular());
}

TEST(RowSteps, RefuseRowsThatAreTooFarFromAllBefore) {
  const Factor factor = some_factor(2, random_rows(1, 50, 2));
  RowSteps<double> steps = started(factor);
  const double x[] = {1, 1e60};
  const auto foretold = steps.foretell(factor, x, 1, true);
  EXPECT_FALSE(foretold.leverage < RowSteps<double>::kMaxLeverage);
  EXPECT_FALSE(steps.can_fold(1));
  const double near[] = {1, 1};
  steps.foretell(factor, near, 1, true);
  EXPECT_TRUE(steps.can_fold(1));
  EXPECT_FALSE(steps.can_fold(1e150));
}

}  // namespace
}  // namespace accrue::models
