// Progressive (test-then-train) evaluation of one learner over rows in memory: how it errs, what it takes.
//
// For one thread at a time in the process: memory is measured as what the heap has grown by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "models/model.hpp"
#include "models/progressive_error.hpp"
#include "models/rows.hpp"

namespace accrue::cli {

// The clipped RMSE of the last rolling_window() rows, or of all where there were fewer; NaN where all had weight 0.
struct RollingPoint {
  std::uint64_t rows;  // learned by then
  double rmse_clipped;
};

struct Evaluation {
  models::ProgressiveError error;
  std::vector<RollingPoint> rolling;  // at even steps, at most kRollingSteps
  double seconds = 0;                 // of predicting, scoring and learning the rows
  std::size_t memory_bytes = 0;       // of the heap, held by the model after the last row
};

inline constexpr std::size_t kRollingSteps = 500;

// So many of this many rows: 1,000 of California's.
std::size_t rolling_window(std::size_t rows);

// Of a copy of the model, which is to be one that has learned nothing. `learned` is told now and then how many rows
// are.
Evaluation evaluate(const models::Model& model, const models::RowsView& rows,
                    const std::function<void(std::uint64_t)>& learned);

}  // namespace accrue::cli
