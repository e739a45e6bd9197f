// Rows and learners for the tests of sgd, passive_aggressive and quantile.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "datasets/random.hpp"
#include "models/learners.hpp"
#include "models/rows.hpp"
#include "models/sgd.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {

inline std::unique_ptr<Learner> make(std::string_view name, std::size_t features, std::vector<Setting> settings = {}) {
  Settings read(std::move(settings));
  std::unique_ptr<Learner> learner = learner_kind(name).make(features, read);
  read.finish(name);
  return learner;
}

inline std::vector<double> predictions_of(Learner& learner, const RowsView& rows) {
  std::vector<double> predictions(rows.count);
  learner.partial_fit(rows, {predictions});
  return predictions;
}

/// The same rows without their zeros.
struct SparseRows {
  explicit SparseRows(const RowsView& rows) : features(rows.features) {
    for (std::size_t i = 0; i < rows.count; ++i) {
      for (std::size_t k = 0; k < features; ++k) {
        if (rows.row(i)[k] != 0) {
          columns.push_back(static_cast<std::uint32_t>(k));
          values.push_back(rows.row(i)[k]);
        }
      }
      starts.push_back(columns.size());
      targets.push_back(rows.target(i));
      weights.push_back(rows.weight(i));
    }
  }
  SparseRowsView view() const {
    return {starts.data(), columns.data(), values.data(), targets.data(), weights.data(), targets.size(), features};
  }

  std::size_t features;
  std::vector<std::uint64_t> starts{0};
  std::vector<std::uint32_t> columns;
  std::vector<double> values;
  std::vector<double> targets;
  std::vector<double> weights;
};

/// A target that is linear in features of different sizes and means, with noise of deviation 1. Feature k is
/// 10^(k mod 7 - 3) * (normal + 3 * (k mod 3)), and its coefficient times that power is slope(k).
struct LinearStream {
  std::size_t features;
  datasets::Random random;

  static double size(std::size_t k) { return std::pow(10.0, static_cast<double>(k % 7) - 3); }
  static double slope(std::size_t k) { return static_cast<double>(k % 5) - 1.5; }
  static constexpr double kIntercept = 7;

  TestRows rows(std::size_t count) {
    TestRows rows{features, false, {}};
    std::vector<double> x(features);
    for (std::size_t i = 0; i < count; ++i) {
      double y = kIntercept + random.normal();
      for (std::size_t k = 0; k < features; ++k) {
        const double u = random.normal() + static_cast<double>(3 * (k % 3));
        x[k] = size(k) * u;
        y += slope(k) * u;
      }
      rows.add(x, y);
    }
    return rows;
  }
};

/// Some columns in every row, some in half of them, the rest rarely; all of them weighted, some with 0.
inline TestRows patchy_rows(std::uint64_t seed, std::size_t count, std::size_t features) {
  datasets::Random random(seed);
  TestRows rows{features, true, {}};
  std::vector<double> x(features);
  for (std::size_t i = 0; i < count; ++i) {
    double y = random.normal();
    for (std::size_t k = 0; k < features; ++k) {
      const double share = k % 3 == 0 ? 1 : k % 3 == 1 ? 0.5 : 0.05;
      x[k] = random.uniform() < share ? random.normal() + static_cast<double>(k % 4) : 0;
      y += x[k] * (k % 2 == 0 ? 1 : -0.5);
    }
    rows.add(x, y, i % 7 == 6 ? 0 : 0.5 + random.uniform());
  }
  return rows;
}

inline double mse(const Learner& learner, const RowsView& rows) {
  const std::unique_ptr<const Predictor> predictor = learner.predictor();
  double sum = 0;
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double error = predictor->predict(rows.row(i)) - rows.target(i);
    sum += error * error;
  }
  return sum / static_cast<double>(rows.count);
}

}  // namespace accrue::models
