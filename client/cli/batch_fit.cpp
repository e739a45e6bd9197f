#include "client/cli/batch_fit.hpp"

#include <stdexcept>

#include <Eigen/Dense>

namespace accrue::cli {
namespace {

constexpr double kCollinear = 1e-12;  // diagonal of R, where the columns have norm 1

}  // namespace

BatchFit fit_batch(std::span<const double> rows, std::size_t features) {
  const std::size_t columns = features + 1;
  if (rows.size() % columns != 0 || rows.size() / columns < columns) {
    throw std::invalid_argument("fit_batch: whole rows are needed, and at least one a coefficient");
  }
  const auto n = static_cast<Eigen::Index>(rows.size() / columns);
  const auto d = static_cast<Eigen::Index>(features);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> table(rows.data(), n, d + 1);
  const auto target = table.col(d);

  Eigen::MatrixXd design(n, d + 1);
  design.col(0).setOnes();
  design.rightCols(d) = table.leftCols(d);
  const Eigen::RowVectorXd norms = design.colwise().norm();
  if ((norms.array() == 0).any()) throw std::runtime_error("fit_batch: a column is all zeros");
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(design.array().rowwise() / norms.array());
  if ((qr.matrixQR().diagonal().array().abs() < kCollinear).any()) {
    throw std::runtime_error("fit_batch: the columns are collinear; least squares has no single answer");
  }
  const Eigen::VectorXd beta = qr.solve(target).cwiseQuotient(norms.transpose());
  return {.intercept = beta[0],
          .coefficients = {beta.data() + 1, beta.data() + d + 1},
          .in_sample_mse = (target - design * beta).squaredNorm() / static_cast<double>(n)};
}

}  // namespace accrue::cli
