// California housing for the end-to-end tests, and what its batch fit and exact recursive least squares say about it,
// computed here and not by the code under test.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <accrue/client.hpp>

#include "datasets/california.hpp"

// Skips a test, saying why, where the data is not to be had.
#define ACCRUE_REQUIRE_CALIFORNIA()                                                                            \
  if (!accrue::datasets::find_california()) {                                                                  \
    GTEST_SKIP() << "cal_housing.data is not here and could not be fetched (scripts/fetch-datasets says why)"; \
  }

namespace accrue::tests {

inline constexpr double kInSampleMse = 0.5243209861846073;  // of batch least squares, known from outside

const datasets::Table& california();  // in file order

// Rows of the table in the order `shuffle` replays them; no seed is file order.
std::vector<double> california_rows(std::optional<std::uint64_t> seed);

StreamSpec california_spec();

struct BatchFit {
  double intercept;
  std::vector<double> coefficients;
};
BatchFit batch_fit(const std::vector<double>& rows);  // Householder QR over all rows at once

double in_sample_mse(const std::vector<double>& predictions, const std::vector<double>& rows);
std::vector<double> features_of(const std::vector<double>& rows);

// Progressive mean squared error of exact recursive least squares with ridge 1e-3, one row at a time.
double recursive_least_squares_mse(const std::vector<double>& rows);

}  // namespace accrue::tests
