// Rows for the tests of models/, and the batch least squares that they are compared with.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <Eigen/Dense>

#include "models/rows.hpp"
#include "tests/support/model_sets.hpp"

namespace accrue::models {

using tests::learner_of;
using tests::least_squares_set;

struct TestRows {
  std::size_t features;
  bool weighted;
  std::vector<double> numbers;

  std::size_t stride() const { return features + (weighted ? 2 : 1); }
  std::size_t count() const { return numbers.size() / stride(); }
  RowsView view() const { return {numbers.data(), count(), stride(), features, weighted}; }

  void add(const std::vector<double>& x, double y, double w = 1) {
    numbers.insert(numbers.end(), x.begin(), x.end());
    numbers.push_back(y);
    if (weighted) {
      numbers.push_back(w);
    }
  }
};

/// Features of different sizes and means, a target that depends on them and noise; every seventh weight is zero.
inline TestRows random_rows(std::uint64_t seed, std::size_t count, std::size_t features, bool weighted = false) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  TestRows rows{features, weighted, {}};
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> x(features);
    double y = 3 + normal(generator);
    for (std::size_t k = 0; k < features; ++k) {
      const double size = std::pow(10.0, static_cast<double>(k % 5) - 2);
      x[k] = size * (normal(generator) + static_cast<double>(k % 3));
      y += (static_cast<double>(k) - 1.5) * x[k] / size;
    }
    rows.add(x, y, i % 7 == 6 ? 0 : std::exp(normal(generator)));
  }
  return rows;
}

inline Eigen::MatrixXd design_matrix(const RowsView& rows, bool intercept) {
  const Eigen::Index first = intercept ? 1 : 0;
  Eigen::MatrixXd x(static_cast<Eigen::Index>(rows.count), static_cast<Eigen::Index>(rows.features) + first);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const auto at = static_cast<Eigen::Index>(i);
    if (intercept) {
      x(at, 0) = 1;
    }
    for (std::size_t k = 0; k < rows.features; ++k) {
      x(at, static_cast<Eigen::Index>(k) + first) = rows.row(i)[k];
    }
  }
  return x;
}

inline Eigen::VectorXd targets(const RowsView& rows) {
  Eigen::VectorXd y(static_cast<Eigen::Index>(rows.count));
  for (std::size_t i = 0; i < rows.count; ++i) {
    y[static_cast<Eigen::Index>(i)] = rows.target(i);
  }
  return y;
}

inline Eigen::VectorXd weights(const RowsView& rows) {
  Eigen::VectorXd w(static_cast<Eigen::Index>(rows.count));
  for (std::size_t i = 0; i < rows.count; ++i) {
    w[static_cast<Eigen::Index>(i)] = rows.weight(i);
  }
  return w;
}

/// Weighted least squares over the whole matrix at once; the intercept first.
inline Eigen::VectorXd batch_fit(const RowsView& rows, bool intercept = true) {
  const Eigen::VectorXd root = weights(rows).cwiseSqrt();
  const Eigen::MatrixXd x = root.asDiagonal() * design_matrix(rows, intercept);
  return Eigen::HouseholderQR<Eigen::MatrixXd>(x).solve(root.cwiseProduct(targets(rows)));
}

/// A fit's numbers in the order of batch_fit.
inline Eigen::VectorXd coefficients(const Fit& fit) {
  const Eigen::Index first = fit.has_intercept ? 1 : 0;
  Eigen::VectorXd all(static_cast<Eigen::Index>(fit.coefficients.size()) + first);
  if (fit.has_intercept) {
    all[0] = fit.intercept;
  }
  for (std::size_t k = 0; k < fit.coefficients.size(); ++k) {
    all[static_cast<Eigen::Index>(k) + first] = fit.coefficients[k];
  }
  return all;
}

inline std::vector<double> learn(Learner& learner, const RowsView& rows) {
  std::vector<double> predictions(rows.count);
  learner.partial_fit(rows, {predictions});
  return predictions;
}

/// Lets a partition see the shares of others; false when one is refused.
inline bool see(ModelSet& set, const std::vector<std::vector<std::byte>>& shares) {
  const std::vector<std::span<const std::byte>> views(shares.begin(), shares.end());
  return set.see(views) == DecodeError::kNone;
}

/// The largest difference of a number, relative to the expected one.
inline double relative_error(const Eigen::VectorXd& actual, const Eigen::VectorXd& expected) {
  return (actual - expected).cwiseQuotient(expected).cwiseAbs().maxCoeff();
}

}  // namespace accrue::models
