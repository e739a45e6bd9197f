// The learner bayesian, and the variances of least squares and its relatives.
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "models/learners.hpp"
#include "models/least_squares.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

std::unique_ptr<Learner> make(const char* name, std::size_t features, const std::vector<Setting>& chosen) {
  Settings settings(chosen);
  std::unique_ptr<Learner> learner = learner_kind(name).make(features, settings);
  settings.finish(name);
  return learner;
}

// Of what it would predict next for these features.
double variance_of(Learner& learner, const double* x) { return learner.forecast({x, 1, 0, 0, false}, 0).variance; }

struct Posterior {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  double noise;
};

// Of the conjugate prior, by the textbook's formulas.
Posterior posterior(const RowsView& rows, double precision, double noise) {
  const Eigen::MatrixXd x = design_matrix(rows, true);
  const Eigen::VectorXd w = weights(rows);
  const Eigen::VectorXd y = targets(rows);
  Eigen::VectorXd prior = Eigen::VectorXd::Constant(x.cols(), precision);
  prior[0] = 0;
  const Eigen::MatrixXd inverse = (x.transpose() * w.asDiagonal() * x + Eigen::MatrixXd(prior.asDiagonal())).inverse();
  const Eigen::VectorXd mean = inverse * x.transpose() * w.cwiseProduct(y);
  const double squares = w.dot((y - x * mean).cwiseAbs2()) + mean.dot(prior.cwiseProduct(mean));
  const double estimated = squares / static_cast<double>((w.array() > 0).count() - 1);
  const double variance = noise > 0 ? noise : estimated;
  return {mean, variance * inverse, variance};
}

TEST(Bayesian, MeanAndVarianceAreThePosteriors) {
  for (const char* precision : {"double", "extended"}) {
    for (const double noise : {0.0, 2.5}) {
      for (const std::size_t count : {2u, 4u, 600u}) {
        const TestRows rows = random_rows(count, count, 3, true);
        std::vector<Setting> settings{{"prior_precision", "0.5"}, {"precision", precision}};
        if (noise > 0) {
          settings.push_back({"noise_variance", "2.5"});
        }
        const std::unique_ptr<Learner> learner = make("bayesian", 3, settings);
        learn(*learner, rows.view());
        const Posterior expected = posterior(rows.view(), 0.5, noise);
        const double x[] = {0.01, -0.4, 3};
        const Eigen::Vector4d at(1, x[0], x[1], x[2]);
        const std::unique_ptr<const Predictor> predictor = learner->predictor();
        EXPECT_NEAR(predictor->predict(x), at.dot(expected.mean), 1e-9 * std::abs(at.dot(expected.mean)));
        const double variance = expected.noise + at.dot(expected.covariance * at);
        EXPECT_NEAR(predictor->variance(x) / variance, 1, 1e-8);
        EXPECT_NEAR(variance_of(*learner, x) / variance, 1, 1e-8);
        const Summary summary = learner->describe();
        EXPECT_NEAR(*summary.residual_std / std::sqrt(expected.noise), 1, 1e-8);
        for (std::size_t k = 0; k < 3; ++k) {
          const auto j = static_cast<Eigen::Index>(k) + 1;
          EXPECT_NEAR(*summary.coefficients[k].std_error / std::sqrt(expected.covariance(j, j)), 1, 1e-8);
        }
      }
    }
  }
}

TEST(Bayesian, PredictsFromTheSecondRowOn) {
  const TestRows rows = random_rows(3, 6, 4);
  const std::unique_ptr<Learner> learner = make("bayesian", 4, {});
  const std::vector<double> predictions = learn(*learner, rows.view());
  EXPECT_EQ(predictions[0], 0);
  for (const std::size_t row : {2u, 5u}) {
    const Posterior before = posterior(rows.view().slice(0, row), 1, 0);
    Eigen::VectorXd at(5);
    at << 1, Eigen::Map<const Eigen::VectorXd>(rows.view().row(row), 4);
    EXPECT_NEAR(predictions[row], at.dot(before.mean), 1e-9) << row;
  }
}

TEST(Bayesian, OfAnySplitIsOneOfAllRows) {
  const TestRows rows = random_rows(4, 900, 3, true);
  const std::unique_ptr<Learner> whole = make("bayesian", 3, {});
  const std::unique_ptr<Learner> merged = make("bayesian", 3, {});
  learn(*whole, rows.view());
  for (const std::size_t first : {0u, 300u, 600u}) {
    const std::unique_ptr<Learner> part = make("bayesian", 3, {});
    learn(*part, rows.view().slice(first, 300));
    merged->merge(*part);
  }
  const double x[] = {0.01, -0.4, 3};
  EXPECT_NEAR(merged->predictor()->predict(x), whole->predictor()->predict(x), 1e-10);
  EXPECT_NEAR(merged->predictor()->variance(x) / whole->predictor()->variance(x), 1, 1e-10);
}

TEST(LeastSquaresVariance, IsTheTextbooksInThePredictorAndTheScoring) {
  for (const double ridge : {0.0, 5.0}) {
    const TestRows rows = random_rows(5, 300, 3, true);
    LeastSquares learner({.features = 3, .ridge = ridge});
    learn(learner, rows.view());
    const Summary summary = learner.describe();
    const Eigen::MatrixXd x = design_matrix(rows.view(), true);
    const Eigen::VectorXd w = weights(rows.view());
    Eigen::MatrixXd normal = x.transpose() * w.asDiagonal() * x;
    for (Eigen::Index k = 1; k < 4; ++k) {
      normal(k, k) *= 1 + ridge / w.sum();
    }
    const double at[] = {0.01, -0.4, 3};
    const Eigen::Vector4d row(1, at[0], at[1], at[2]);
    const double expected = *summary.residual_std * *summary.residual_std * (1 + row.dot(normal.inverse() * row));
    EXPECT_NEAR(learner.predictor()->variance(at) / expected, 1, 1e-8);
    EXPECT_NEAR(variance_of(learner, at) / expected, 1, 1e-8);
  }
}

TEST(LeastSquaresVariance, IsUnknownWhileThereAreTooFewRows) {
  const TestRows rows = random_rows(6, 12, 3);
  LeastSquares learner({.features = 3});
  EXPECT_TRUE(std::isnan(variance_of(learner, rows.view().row(0))));
  EXPECT_TRUE(std::isnan(learner.predictor()->variance(rows.view().row(0))));
  learn(learner, rows.view().slice(0, 4));
  EXPECT_TRUE(std::isnan(variance_of(learner, rows.view().row(0))));
  EXPECT_TRUE(std::isnan(learner.predictor()->variance(rows.view().row(0))));
  learn(learner, rows.view().slice(4, 4));
  EXPECT_GT(variance_of(learner, rows.view().row(0)), 0);
}

TEST(LeastSquaresVariance, OfDependentColumnsIsKnownWhereTheRowDependsLikeAllOthers) {
  const TestRows rows = random_rows(7, 400, 2);
  TestRows collinear{4, false, {}};
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const double* x = rows.view().row(i);
    collinear.add({x[0], 42, x[1], x[0] - 3 * x[1]}, x[2]);
  }
  LeastSquares plain({.features = 2});
  LeastSquares learner({.features = 4});
  learn(plain, rows.view());
  learn(learner, collinear.view());
  const double alike[] = {0.02, 42, 0.3, 0.02 - 0.9};
  const double plainly[] = {0.02, 0.3};
  const double another[] = {0.02, 43, 0.3, 0.02 - 0.9};
  EXPECT_NEAR(learner.predictor()->variance(alike) / plain.predictor()->variance(plainly), 1, 1e-9);
  EXPECT_NEAR(variance_of(learner, alike) / variance_of(plain, plainly), 1, 1e-9);
  EXPECT_TRUE(std::isnan(learner.predictor()->variance(another)));
}

}  // namespace
}  // namespace accrue::models
