#include "models/factor.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

Eigen::MatrixXd random_matrix(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed = 1) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Eigen::MatrixXd result(rows, columns);
  for (double& value : result.reshaped()) {
    value = normal(generator);
  }
  return result;
}

Factor fold_rows(const Eigen::MatrixXd& rows) {
  Factor factor(static_cast<std::size_t>(rows.cols()));
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    Eigen::VectorXd row = rows.row(i);
    factor.fold_row(row.data());
  }
  return factor;
}

Factor fold_block(Eigen::MatrixXd rows) {
  Factor factor(static_cast<std::size_t>(rows.cols()));
  factor.fold_block(rows.data(), static_cast<std::size_t>(rows.rows()), static_cast<std::size_t>(rows.rows()));
  return factor;
}

Eigen::MatrixXd dense(const Factor& factor) {
  const auto n = static_cast<Eigen::Index>(factor.columns());
  Eigen::MatrixXd r = Eigen::MatrixXd::Zero(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index k = i; k < n; ++k) {
      r(i, k) = factor.row(static_cast<std::size_t>(i))[k];
    }
  }
  return r;
}

void expect_near(const Eigen::MatrixXd& actual, const Eigen::MatrixXd& expected, double tolerance) {
  EXPECT_LE((actual - expected).cwiseAbs().maxCoeff(), tolerance * expected.cwiseAbs().maxCoeff())
      << actual << "\n\nis not\n\n"
      << expected;
}

TEST(Factor, HoldsTheCrossProductOfTheRows) {
  const Eigen::MatrixXd rows = random_matrix(57, 6);
  const Eigen::MatrixXd r = dense(fold_rows(rows));
  expect_near(r.transpose() * r, rows.transpose() * rows, 1e-14);
}

TEST(Factor, FoldsABlockAsItFoldsItsRows) {
  for (const Eigen::Index rows : {1, 2, 7, 8, 9, 100, 264}) {
    const Eigen::MatrixXd matrix = random_matrix(rows, 9);
    const Factor by_block = fold_block(matrix);
    Eigen::MatrixXd r = dense(by_block);
    expect_near(r.transpose() * r, matrix.transpose() * matrix, 1e-13);
    if (rows >= 9) {  // with fewer R is not unique
      expect_near(r, dense(fold_rows(matrix)), 1e-13);
    }
  }
}

TEST(Factor, FoldsOneBlockOnTopOfAnother) {
  const Eigen::MatrixXd rows = random_matrix(90, 5);
  Factor factor = fold_block(rows.topRows(31));
  Eigen::MatrixXd rest = rows.bottomRows(59);
  factor.fold_block(rest.data(), 59, 59);
  expect_near(dense(factor), dense(fold_block(rows)), 1e-13);
}

TEST(Factor, KeepsItsDiagonalNonNegative) {
  const Eigen::MatrixXd rows = -random_matrix(40, 6).cwiseAbs();
  for (const Factor& factor : {fold_rows(rows), fold_block(rows)}) {
    EXPECT_GE(dense(factor).diagonal().minCoeff(), 0);
  }
}

TEST(Factor, MergesAsIfItHadFoldedAllRows) {
  const Eigen::MatrixXd rows = random_matrix(200, 7);
  Factor merged = fold_block(rows.topRows(150));
  merged.merge(fold_block(rows.bottomRows(50)));
  expect_near(dense(merged), dense(fold_block(rows)), 1e-13);
}

TEST(Factor, MergedWithAnEmptyOneIsUnchanged) {
  const Factor factor = fold_block(random_matrix(20, 4));
  Factor left = factor;
  left.merge(Factor(4));
  EXPECT_EQ(dense(left), dense(factor));
  Factor right(4);
  right.merge(factor);
  EXPECT_EQ(dense(right), dense(factor));
}

TEST(Factor, ScalesEveryRow) {
  const Eigen::MatrixXd rows = random_matrix(30, 5);
  Factor factor = fold_block(rows);
  factor.scale(0.25);
  expect_near(dense(factor), dense(fold_block(0.25 * rows)), 1e-14);
}

// Whose columns are as `like` says of each: which one before it that it is twice as long as, or which it is itself.
Eigen::MatrixXd with_copies(Eigen::Index rows, const std::vector<Eigen::Index>& like) {
  Eigen::MatrixXd matrix = random_matrix(rows, static_cast<Eigen::Index>(like.size()));
  for (Eigen::Index k = 0; k < matrix.cols(); ++k) {
    if (const Eigen::Index other = like[static_cast<std::size_t>(k)]; other != k) {
      matrix.col(k) = 2 * matrix.col(other);
    }
  }
  return matrix;
}

TEST(Factor, WithoutDependentColumnsIsTheFactorOfTheOthers) {
  // Dropped ones beside each other, before, between and after those that stay; all but the first; none.
  const std::vector<std::vector<Eigen::Index>> cases = {
      {0, 0, 2, 3}, {0, 1, 0, 1, 0, 5, 5, 7, 8}, {0, 0, 0, 0, 0, 5}, {0, 1, 2, 3, 4}, {0, 1, 2, 2, 2, 5, 6, 7}};
  for (const std::vector<Eigen::Index>& like : cases) {
    SCOPED_TRACE(testing::PrintToString(like));
    const Eigen::MatrixXd rows = with_copies(30, like);
    std::vector<Eigen::Index> kept;
    for (Eigen::Index k = 0; k < rows.cols(); ++k) {
      if (like[static_cast<std::size_t>(k)] == k) {
        kept.push_back(k);
      }
    }
    Factor factor = fold_block(rows);
    std::vector<double> norms(factor.columns());
    factor.column_norms(norms);
    factor.drop_dependent_columns(norms, 1e-14);
    const Eigen::MatrixXd r = dense(factor);
    expect_near(r(kept, kept), dense(fold_block(rows(Eigen::all, kept))), 1e-13);
    for (Eigen::Index k = 0; k < rows.cols(); ++k) {
      if (like[static_cast<std::size_t>(k)] != k) {
        EXPECT_EQ(r.row(k), Eigen::RowVectorXd::Zero(rows.cols())) << k;
      }
    }
  }
}

TEST(Factor, KeepsWhatTheRowsOfDroppedColumnsHold) {
  Factor factor(4, {1, 1, 0, 0,  //
                    0, 3, 5,     // of a column that is dropped
                    4, 0,        //
                    2});
  factor.drop_dependent_columns(std::vector<double>{1, 1, 5, 6}, 1e-14);
  Eigen::MatrixXd expected(4, 4);
  expected << 1, 1, 0, 0,  //
      0, 0, 0, 0,          //
      0, 0, 5, 3,          //
      0, 0, 0, std::hypot(4, 2);
  expect_near(dense(factor), expected, 1e-14);
}

TEST(Factor, FoldsAUnitRowAsARow) {
  Factor factor = fold_block(random_matrix(30, 5));
  Factor expected = factor;
  factor.fold_unit_row(2, 1.5);
  Eigen::VectorXd row = 1.5 * Eigen::VectorXd::Unit(5, 2);
  expected.fold_row(row.data());
  EXPECT_EQ(dense(factor), dense(expected));
}

TEST(Factor, KnowsTheNormsOfTheColumns) {
  Eigen::MatrixXd rows = random_matrix(64, 5);
  rows.col(1) *= 1e200;
  rows.col(2) *= 1e-200;
  rows.col(3).setZero();
  std::vector<double> norms(5);
  fold_block(rows).column_norms(norms);
  for (Eigen::Index k = 0; k < 5; ++k) {
    const double expected = rows.col(k).stableNorm();
    EXPECT_NEAR(norms[static_cast<std::size_t>(k)], expected, 1e-13 * expected);
  }
}

TEST(Factor, StaysFiniteAndExactForHugeAndTinyColumns) {
  const Eigen::MatrixXd rows = random_matrix(64, 5);
  Eigen::VectorXd scales(5);
  scales << 1e225, 1, 1e-200, 1e150, 1e-160;
  const Eigen::MatrixXd expected = dense(fold_block(rows));
  for (const Factor& factor : {fold_block(rows * scales.asDiagonal()), fold_rows(rows * scales.asDiagonal())}) {
    const Eigen::MatrixXd r = dense(factor);
    ASSERT_TRUE(r.allFinite());
    expect_near(r * scales.cwiseInverse().asDiagonal(), expected, 1e-13);
  }
}

TEST(Factor, TreatsColumnsBelowTheNormalNumbersAsZeros) {
  Eigen::MatrixXd rows = random_matrix(20, 3);
  rows.col(0).setConstant(std::numeric_limits<double>::denorm_min());
  for (const Factor& factor : {fold_block(rows), fold_rows(rows)}) {
    const Eigen::MatrixXd r = dense(factor);
    ASSERT_TRUE(r.allFinite());
    expect_near(r.bottomRightCorner(2, 2), dense(fold_block(rows.rightCols(2))), 1e-13);
  }
}

TEST(Factor, OfZerosAndDuplicatesIsFinite) {
  Eigen::MatrixXd rows = Eigen::MatrixXd::Zero(20, 4);
  rows.col(2).setOnes();
  rows.col(3).setOnes();
  for (const Factor& factor : {fold_block(rows), fold_rows(rows)}) {
    const Eigen::MatrixXd r = dense(factor);
    EXPECT_TRUE(r.allFinite());
    EXPECT_NEAR(r(2, 2), std::sqrt(20), 1e-14);
    EXPECT_NEAR(r(2, 3), std::sqrt(20), 1e-14);
    EXPECT_NEAR(r(3, 3), 0, 1e-14);
  }
}

TEST(VectorMath, SumsTheSameBitsAtAnyAlignment) {
  const Eigen::MatrixXd a = random_matrix(37, 1, 1);
  const Eigen::MatrixXd b = random_matrix(37, 1, 2);
  const double expected = dot(a.data(), b.data(), 37);
  for (std::size_t shift = 1; shift < 8; ++shift) {
    std::vector<double> moved(37 + shift);
    std::copy_n(b.data(), 37, moved.data() + shift);
    EXPECT_EQ(dot(a.data(), moved.data() + shift, 37), expected);
  }
  EXPECT_NEAR(expected, a.col(0).dot(b.col(0)), 1e-13);
}

TEST(VectorMath, BoundsInfinitiesAndNaN) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(bounded(3, 10), 3);
  EXPECT_EQ(bounded(kInfinity, 10), 10);
  EXPECT_EQ(bounded(-kInfinity, 10), -10);
  EXPECT_EQ(bounded(kInfinity - kInfinity, 10), 0);
}

}  // namespace
}  // namespace accrue::models
