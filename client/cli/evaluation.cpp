#include "client/cli/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <malloc.h>

#include "client/cli/progress.hpp"
#include "client/cli/svg_plot.hpp"

namespace accrue::cli {
namespace {

constexpr std::size_t kStepsOfWindow = 20;

std::size_t step_of(std::size_t rows) {
  const double least = static_cast<double>(rows) / static_cast<double>(kRollingSteps);
  return static_cast<std::size_t>(round_step(std::max(least, 1.0)));
}

std::size_t heap_bytes() {
  const struct mallinfo2 held = mallinfo2();
  return held.uordblks + held.hblkhd;  // small blocks, and those with pages of their own
}

// What the error of all rows was after some of them.
struct Mark {
  double weights = 0;
  double mse_clipped = 0;
};

double rmse_between(const Mark& before, const Mark& after) {
  const double weights = after.weights - before.weights;
  const double mse = after.mse_clipped * (after.weights / weights) - before.mse_clipped * (before.weights / weights);
  return std::sqrt(std::max(mse, 0.0));  // below 0 by rounding alone
}

}  // namespace

std::size_t rolling_window(std::size_t rows) { return kStepsOfWindow * step_of(rows); }

Evaluation evaluate(const models::Model& model, const models::RowsView& rows,
                    const std::function<void(std::uint64_t)>& learned) {
  const std::size_t step = step_of(rows.count);
  std::vector<Mark> marks(1);
  marks.reserve(kRollingSteps + 2);
  Evaluation result;
  result.rolling.reserve(kRollingSteps);
  const std::size_t held = heap_bytes();
  const auto learner = std::make_unique<models::Model>(model);
  for (std::size_t first = 0; first < rows.count; first += step) {
    const models::RowsView part = rows.slice(first, std::min(step, rows.count - first));
    const double started = steady_seconds();
    learner->learn(part);
    (void)learner->take_evicted();  // there is no store for them to go to
    result.seconds += steady_seconds() - started;
    learned(first + part.count);
    if (part.count < step) break;
    Mark mark = marks.back();
    for (std::size_t i = 0; i < part.count; ++i) mark.weights += part.weight(i);
    if (mark.weights > 0) mark.mse_clipped = learner->error().mse_clipped();
    marks.push_back(mark);
    const Mark& before = marks[marks.size() - 1 - std::min(kStepsOfWindow, marks.size() - 1)];
    result.rolling.push_back({first + step, rmse_between(before, mark)});
  }
  result.memory_bytes = heap_bytes() - std::min(held, heap_bytes());
  result.error = learner->error();
  return result;
}

}  // namespace accrue::cli
