#include "tests/e2e/california_reference.hpp"

#include <Eigen/Dense>

#include "datasets/random.hpp"

namespace accrue::tests {
namespace {

constexpr Eigen::Index kFeatures = 8;
constexpr Eigen::Index kColumns = kFeatures + 1;
using Rows = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, kColumns, Eigen::RowMajor>>;

Rows as_matrix(const std::vector<double>& rows) {
  return {rows.data(), static_cast<Eigen::Index>(rows.size()) / kColumns, kColumns};
}

// [1 x] of every row.
Eigen::MatrixXd design(const std::vector<double>& rows) {
  const Rows matrix = as_matrix(rows);
  Eigen::MatrixXd x(matrix.rows(), kColumns);
  x.col(0).setOnes();
  x.rightCols(kFeatures) = matrix.leftCols(kFeatures);
  return x;
}

}  // namespace

const datasets::Table& california() {
  static const datasets::Table table = datasets::read_california(*datasets::find_california());
  return table;
}

std::vector<double> california_rows(std::optional<std::uint64_t> seed) {
  const datasets::Table& table = california();
  if (!seed) return table.values;
  std::vector<double> rows;
  rows.reserve(table.values.size());
  for (const std::size_t index : datasets::permutation(table.rows, *seed)) {
    const auto begin = table.values.begin() + static_cast<std::ptrdiff_t>(index * kColumns);
    rows.insert(rows.end(), begin, begin + kColumns);
  }
  return rows;
}

StreamSpec california_spec() { return {.features = california().feature_names, .target = california().target_name}; }

BatchFit batch_fit(const std::vector<double>& rows) {
  const Eigen::VectorXd solution = design(rows).householderQr().solve(as_matrix(rows).col(kFeatures));
  return {solution[0], {solution.data() + 1, solution.data() + kColumns}};
}

double in_sample_mse(const std::vector<double>& predictions, const std::vector<double>& rows) {
  const Eigen::Map<const Eigen::VectorXd> predicted(predictions.data(), static_cast<Eigen::Index>(predictions.size()));
  return (predicted - as_matrix(rows).col(kFeatures)).squaredNorm() / static_cast<double>(predictions.size());
}

std::vector<double> features_of(const std::vector<double>& rows) {
  std::vector<double> features;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % kColumns != kFeatures) features.push_back(rows[i]);
  }
  return features;
}

double recursive_least_squares_mse(const std::vector<double>& rows) {
  constexpr double kRidge = 1e-3;
  const Eigen::MatrixXd x = design(rows);
  const Rows matrix = as_matrix(rows);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Identity(kColumns, kColumns) / kRidge;
  Eigen::VectorXd coefficients = Eigen::VectorXd::Zero(kColumns);
  double sum = 0;
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Eigen::VectorXd row = x.row(i);
    const double error = matrix(i, kFeatures) - row.dot(coefficients);
    sum += error * error;
    const Eigen::VectorXd projected = covariance * row;
    const Eigen::VectorXd gain = projected / (1 + row.dot(projected));
    coefficients += gain * error;
    covariance -= gain * projected.transpose();
  }
  return sum / static_cast<double>(x.rows());
}

}  // namespace accrue::tests
