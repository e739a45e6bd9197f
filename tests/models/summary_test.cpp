#include <cmath>
#include <cstddef>

#include <gtest/gtest.h>

#include "models/least_squares.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

Summary summary_of(const TestRows& rows, const LeastSquaresOptions& options) {
  LeastSquares learner(options);
  learn(learner, rows.view());
  return learner.describe();
}

// The textbook's formulas, over the whole matrix.
struct Textbook {
  Eigen::VectorXd coefficients;
  Eigen::VectorXd std_errors;
  double residual_std;
  double r2;
};

Textbook textbook(const RowsView& rows, bool intercept) {
  const Eigen::MatrixXd x = design_matrix(rows, intercept);
  const Eigen::VectorXd w = weights(rows);
  const Eigen::VectorXd y = targets(rows);
  const Eigen::VectorXd coefficients = batch_fit(rows, intercept);
  const double residuals = w.dot((y - x * coefficients).cwiseAbs2());
  const double mean = intercept ? w.dot(y) / w.sum() : 0;
  const double total = w.dot((y.array() - mean).square().matrix());
  const double df = static_cast<double>((w.array() > 0).count() - x.cols());
  const double residual_std = std::sqrt(residuals / df);
  const Eigen::MatrixXd covariance = (x.transpose() * w.asDiagonal() * x).inverse();
  return {coefficients, residual_std * covariance.diagonal().cwiseSqrt(), residual_std, 1 - residuals / total};
}

TEST(Summary, AgreesWithTheTextbook) {
  for (const bool weighted : {true, false}) {
    for (const bool intercept : {true, false}) {
      const TestRows rows = random_rows(1, 1200, 4, weighted);
      const Summary summary = summary_of(rows, {.features = 4, .intercept = intercept});
      const Textbook expected = textbook(rows.view(), intercept);
      EXPECT_EQ(summary.rows, 1200);
      EXPECT_EQ(summary.intercept.has_value(), intercept);
      EXPECT_NEAR(*summary.residual_std, expected.residual_std, 1e-11);
      EXPECT_NEAR(*summary.r2, expected.r2, 1e-11);
      EXPECT_EQ(summary.rank, intercept ? 5 : 4);
      for (Eigen::Index j = 0; j < expected.coefficients.size(); ++j) {
        const Estimate& estimate =
            intercept && j == 0 ? *summary.intercept : summary.coefficients[static_cast<std::size_t>(j - intercept)];
        EXPECT_NEAR(estimate.value / expected.coefficients[j], 1, 1e-10);
        EXPECT_NEAR(*estimate.std_error / expected.std_errors[j], 1, 1e-10);
        EXPECT_NEAR(*estimate.t, estimate.value / *estimate.std_error, 1e-10 * std::abs(*estimate.t));
      }
    }
  }
}

TEST(Summary, HasTheCoefficientsOfTheFit) {
  const TestRows rows = random_rows(2, 1100, 3);
  LeastSquares learner({.features = 3, .ridge = 2});
  learn(learner, rows.view());
  EXPECT_EQ(learner.describe().intercept->value, learner.fit().intercept);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(learner.describe().coefficients[k].value, learner.fit().coefficients[k]);
  }
}

TEST(Summary, OfMergedLearnersIsThatOfAllRows) {
  const TestRows rows = random_rows(6, 200, 3, true);
  LeastSquares merged({.features = 3});
  LeastSquares other({.features = 3});
  learn(merged, rows.view().slice(0, 120));
  learn(other, rows.view().slice(120, 80));
  merged.merge(other);
  const Textbook expected = textbook(rows.view(), true);
  EXPECT_EQ(merged.describe().rows, 200);
  EXPECT_NEAR(*merged.describe().residual_std, expected.residual_std, 1e-11);
  EXPECT_NEAR(*merged.describe().intercept->std_error, expected.std_errors[0], 1e-11);
}

TEST(Summary, KnowsTheWeightedMeansOfTheFeatures) {
  const TestRows rows = random_rows(3, 1100, 3, true);
  const Summary summary = summary_of(rows, {.features = 3});
  const Eigen::VectorXd w = weights(rows.view());
  const Eigen::VectorXd expected = design_matrix(rows.view(), false).transpose() * w / w.sum();
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(summary.feature_means[k], expected[static_cast<Eigen::Index>(k)],
                1e-12 * std::abs(expected.maxCoeff()));
  }
  EXPECT_TRUE(summary_of(rows, {.features = 3, .intercept = false}).feature_means.empty());
}

TEST(Summary, ConditionDoesNotDependOnTheUnitsOfTheFeatures) {
  const TestRows rows = random_rows(4, 300, 2);
  TestRows rescaled = rows;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    rescaled.numbers[3 * i] *= 1e9;
  }
  const double condition = *summary_of(rows, {.features = 2}).condition;
  EXPECT_NEAR(*summary_of(rescaled, {.features = 2}).condition / condition, 1, 1e-9);
}

TEST(Summary, RidgeShrinksTheStandardErrorsAndLeavesRankAndConditionOfTheData) {
  const TestRows rows = random_rows(5, 100, 3);
  const Summary plain = summary_of(rows, {.features = 3});
  const Summary ridge = summary_of(rows, {.features = 3, .ridge = 50});
  EXPECT_EQ(ridge.rank, plain.rank);
  EXPECT_EQ(ridge.condition, plain.condition);
  EXPECT_GT(*ridge.residual_std, *plain.residual_std);
  EXPECT_LT(*ridge.r2, *plain.r2);
  EXPECT_LT(*ridge.coefficients[0].std_error / *ridge.residual_std,
            *plain.coefficients[0].std_error / *plain.residual_std);
}

TEST(Summary, RidgeMakesCollinearColumnsEstimable) {
  TestRows rows{2, false, {}};
  for (int i = 0; i < 30; ++i) {
    rows.add({1.0 * i, 2.0 * i}, i + i % 3);
  }
  EXPECT_FALSE(summary_of(rows, {.features = 2}).coefficients[0].std_error);
  const Summary ridge = summary_of(rows, {.features = 2, .ridge = 0.1});
  EXPECT_TRUE(ridge.coefficients[0].std_error);
  EXPECT_EQ(ridge.rank, 2) << "of the data: the intercept and one direction";
  EXPECT_NEAR(ridge.coefficients[0].value, 2 * ridge.coefficients[1].value, 1e-12);
}

TEST(Summary, SaysNothingWhereNothingCanBeEstimated) {
  const Summary none = LeastSquares({.features = 1}).describe();
  EXPECT_EQ(none.rank, 0);
  EXPECT_FALSE(none.r2 || none.residual_std || none.condition || none.intercept->std_error);
  EXPECT_TRUE(none.feature_means.empty());

  TestRows exact{1, false, {}};
  exact.add({1}, 1);
  exact.add({2}, 5);
  const Summary no_freedom = summary_of(exact, {.features = 1});
  EXPECT_FALSE(no_freedom.residual_std || no_freedom.intercept->std_error || no_freedom.intercept->t);
  EXPECT_NEAR(*no_freedom.r2, 1, 1e-12);
  EXPECT_TRUE(no_freedom.condition);

  TestRows constant{1, false, {}};
  for (int i = 0; i < 20; ++i) {
    constant.add({1.0 * i}, 0.1);
  }
  EXPECT_FALSE(summary_of(constant, {.features = 1}).r2) << "a target that does not vary has no R2";
  EXPECT_TRUE(summary_of(constant, {.features = 1, .intercept = false}).r2);
}

}  // namespace
}  // namespace accrue::models
