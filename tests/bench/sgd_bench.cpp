// What a row costs to learn by sgd. Every benchmark reports the time of one row (time_per_row):
//   learn_dense       at d features, none of them zero
//   learn_penalised   the same with l1 and l2
//   learn_raw         the same without online standardisation
//   learn_sparse      at d non-zero features of 2^20, drawn evenly
// Compare them as ratios in one run; as absolutes they say more about the machine.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "models/sgd.hpp"
#include "tests/bench/time_per_row.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kRows = 16'384;

std::vector<double> random_numbers(std::size_t count) {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    number = normal(generator);
  }
  return numbers;
}

void learn(benchmark::State& state, SgdOptions options) {
  options.features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (options.features + 1));
  const RowsView rows{numbers.data(), kRows, options.features + 1, options.features, false};
  std::vector<double> predictions(kRows);
  Sgd learner(options);
  for (auto _ : state) {
    learner.partial_fit(rows, {predictions});
  }
  report_time_per_row(state, kRows);
}

void learn_dense(benchmark::State& state) { learn(state, {.features = 1}); }
BENCHMARK(learn_dense)->Arg(8)->Arg(32)->Arg(128);

void learn_penalised(benchmark::State& state) { learn(state, {.features = 1, .l1 = 1e-3, .l2 = 1e-3}); }
BENCHMARK(learn_penalised)->Arg(8)->Arg(32)->Arg(128);

void learn_raw(benchmark::State& state) { learn(state, {.features = 1, .standardise = false}); }
BENCHMARK(learn_raw)->Arg(8)->Arg(32)->Arg(128);

void learn_sparse(benchmark::State& state) {
  const auto non_zeros = static_cast<std::size_t>(state.range(0));
  std::mt19937_64 generator(1);
  std::vector<std::uint64_t> starts(kRows + 1);
  std::vector<std::uint32_t> columns(kRows * non_zeros);
  for (std::size_t i = 0; i < kRows; ++i) {
    starts[i + 1] = starts[i] + non_zeros;
    const auto first = columns.begin() + static_cast<std::ptrdiff_t>(starts[i]);
    const auto last = first + static_cast<std::ptrdiff_t>(non_zeros);
    // One in each of as many equal shares of the columns, so that none comes twice.
    const std::uint64_t share = kMaxWideFeatures / non_zeros;
    std::generate(first, last, [&, k = std::uint64_t{0}]() mutable {
      return static_cast<std::uint32_t>(share * k++ + generator() % share);
    });
  }
  const std::vector<double> values = random_numbers(columns.size());
  const std::vector<double> targets = random_numbers(kRows);
  const SparseRowsView rows{starts.data(), columns.data(), values.data(),   targets.data(),
                            nullptr,       kRows,          kMaxWideFeatures};
  std::vector<double> predictions(kRows);
  Sgd learner({.features = kMaxWideFeatures});
  for (auto _ : state) {
    learner.partial_fit_sparse(rows, predictions);
  }
  report_time_per_row(state, kRows);
}
BENCHMARK(learn_sparse)->Arg(8)->Arg(32)->Arg(128);

}  // namespace
}  // namespace accrue::models
