#include "client/cli/batch_fit.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

namespace accrue::cli {
namespace {

TEST(BatchFit, FindsTheLineThroughPointsOnIt) {
  const std::vector<double> rows = {1, 2, 12, 2, 1, 9, 3, 5, 26, -1, 0, -1};  // y = 1 + 2 a + 4.5 b, but for the last
  const std::vector<double> exact = {1, 2, 12, 2, 1, 9.5, 3, 5, 29.5, -1, 0, -1};
  const BatchFit fit = fit_batch(exact, 2);
  EXPECT_NEAR(fit.intercept, 1, 1e-13);
  ASSERT_EQ(fit.coefficients.size(), 2U);
  EXPECT_NEAR(fit.coefficients[0], 2, 1e-13);
  EXPECT_NEAR(fit.coefficients[1], 4.5, 1e-13);
  EXPECT_NEAR(fit.in_sample_mse, 0, 1e-24);
  EXPECT_GT(fit_batch(rows, 2).in_sample_mse, 1e-3);
}

TEST(BatchFit, MinimisesTheMeanSquaredResidual) {
  const std::vector<double> rows = {0, 0, 1, 2, 2, 1, 3, 3};  // y on x: slope 0.8, intercept 0.3
  const BatchFit fit = fit_batch(rows, 1);
  EXPECT_NEAR(fit.intercept, 0.3, 1e-14);
  EXPECT_NEAR(fit.coefficients[0], 0.8, 1e-14);
  EXPECT_NEAR(fit.in_sample_mse, (0.09 + 0.81 + 0.81 + 0.09) / 4, 1e-14);
}

TEST(BatchFit, ScalesOfColumnsDoNotMatter) {
  const std::vector<double> rows = {0, 0, 1e140, 2, 2e140, 1, 3e140, 3};
  const BatchFit fit = fit_batch(rows, 1);
  EXPECT_NEAR(fit.intercept, 0.3, 1e-14);
  EXPECT_NEAR(fit.coefficients[0] * 1e140, 0.8, 1e-14);
}

TEST(BatchFit, RefusesTablesThatCannotBeFitted) {
  EXPECT_THROW(fit_batch(std::vector<double>{1, 2, 3, 4, 5}, 1), std::invalid_argument);  // half a row too many
  EXPECT_THROW(fit_batch(std::vector<double>{1, 2}, 1), std::invalid_argument);           // one row, two unknowns
  EXPECT_THROW(fit_batch(std::vector<double>{0, 1, 0, 2}, 1), std::runtime_error);        // nothing but zeros
  EXPECT_THROW(fit_batch(std::vector<double>{1, 2, 1, 2, 4, 1, 3, 6, 0}, 2), std::runtime_error);  // b = 2 a
}

}  // namespace
}  // namespace accrue::cli
