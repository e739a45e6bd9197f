// How a benchmark reports what one row costs.
#pragma once

#include <cstddef>

#include <benchmark/benchmark.h>

namespace accrue::models {

inline void report_time_per_row(benchmark::State& state, std::size_t rows_an_iteration) {
  using benchmark::Counter;
  state.counters["time_per_row"] =
      Counter(static_cast<double>(rows_an_iteration), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

}  // namespace accrue::models
