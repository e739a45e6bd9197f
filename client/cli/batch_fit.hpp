// Batch least squares with an intercept over a whole table in memory: what `accrue replay` compares the daemon with.
// Independent of models/ on purpose: it is Eigen's Householder QR of all rows at once, so that a mistake in the
// streamed factor cannot hide by being in its own reference too. Thread-safe: a plain function. Takes rows x (features
// + 1) doubles of memory besides the table.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace accrue::cli {

struct BatchFit {
  double intercept = 0;
  std::vector<double> coefficients;  // one a feature
  double in_sample_mse = 0;          // mean squared residual over the rows fitted
};

// rows: row-major, features + 1 values each, the target last; all finite. Throws std::invalid_argument when they are
// not whole rows or fewer than features + 1, std::runtime_error when collinear columns leave no single answer.
BatchFit fit_batch(std::span<const double> rows, std::size_t features);

}  // namespace accrue::cli
