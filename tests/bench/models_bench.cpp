// What least squares costs, of d features, with all that a model measures (model_rows, learn_*) or by itself
// (learner_rows, which predicts each row before it learns it). learn_blocks takes calls of many rows; model_rows and
// learner_rows a row a call; learn_young all of the first 16,384 rows, while blocks are still small; learn_seeing the
// same of a partition that sees another. fold_blocks is the factor alone with blocks of 256 rows, where they lie as in
// Evidence, fold_rows the same a row at a time, and cross_product the reference: X'X of the same augmented rows by
// Eigen, blocks of 256 rows. exchange reports its own time: what one of four partitions does to hand out its share and
// see the others'. Compare them as ratios in one run; as absolutes they say more about the machine.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include <Eigen/Dense>
#include <benchmark/benchmark.h>

#include "models/learners.hpp"
#include "tests/bench/time_per_row.hpp"
#include "tests/support/model_sets.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kBlock = LeastSquares::kMaxBlock;
constexpr std::size_t kRows = 64 * kBlock;

std::vector<double> random_numbers(std::size_t count) {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    number = normal(generator);
  }
  return numbers;
}

void learn_blocks(benchmark::State& state, const Setting& setting) {
  const auto features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (features + 1));
  const RowsView rows{numbers.data(), kRows, features + 1, features, false};
  Model model({.name = "", .settings = {setting}}, features);
  while (model.learner().rows() < 1024 * kBlock) {  // until blocks are full
    model.learn(rows);
  }
  for (auto _ : state) {
    model.learn(rows);
  }
  report_time_per_row(state, kRows);
}
BENCHMARK_CAPTURE(learn_blocks, double, Setting{"precision", "double"})->Arg(8)->Arg(32)->Arg(128);
BENCHMARK_CAPTURE(learn_blocks, extended, Setting{"precision", "extended"})->Arg(8)->Arg(32)->Arg(128);
BENCHMARK_CAPTURE(learn_blocks, half_life, Setting{"half_life_rows", "1000000"})->Arg(8)->Arg(32)->Arg(128);

void model_rows(benchmark::State& state) {
  const auto features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (features + 1));
  const RowsView rows{numbers.data(), kRows, features + 1, features, false};
  Model model({.name = ""}, features);
  model.learn(rows);
  std::size_t next = 0;
  for (auto _ : state) {
    model.learn(rows.slice(next++ % kRows, 1));
  }
  report_time_per_row(state, 1);
}
BENCHMARK(model_rows)->Arg(8)->Arg(32)->Arg(128);

void learner_rows(benchmark::State& state) {
  const auto features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (features + 1));
  const RowsView rows{numbers.data(), kRows, features + 1, features, false};
  Settings settings({});
  const auto learner = learner_kind("least_squares").make(features, settings);
  std::vector<double> predictions(kRows);
  learner->partial_fit(rows, {predictions});
  std::size_t next = 0;
  for (auto _ : state) {
    learner->partial_fit(rows.slice(next++ % kRows, 1), {predictions});
  }
  report_time_per_row(state, 1);
}
BENCHMARK(learner_rows)->Arg(8)->Arg(32)->Arg(128);

void learn_young(benchmark::State& state) {
  const auto features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (features + 1));
  const RowsView rows{numbers.data(), kRows, features + 1, features, false};
  for (auto _ : state) {
    ModelSet model = tests::least_squares_set({.features = features});
    model.learn(rows);
    benchmark::DoNotOptimize(model);
  }
  report_time_per_row(state, kRows);
}
BENCHMARK(learn_young)->Arg(8)->Arg(32)->Arg(128);

void learn_seeing(benchmark::State& state) {
  const auto features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (features + 1));
  const RowsView rows{numbers.data(), kRows, features + 1, features, false};
  ModelSet other = tests::least_squares_set({.features = features});
  other.learn(rows);
  const std::vector<std::byte> share = other.share();
  const std::span<const std::byte> shares[] = {share};
  for (auto _ : state) {
    ModelSet model = tests::least_squares_set({.features = features});
    benchmark::DoNotOptimize(model.see(shares));
    model.learn(rows);
    benchmark::DoNotOptimize(model);
  }
  report_time_per_row(state, kRows);
}
BENCHMARK(learn_seeing)->Arg(8)->Arg(32)->Arg(128);

void exchange(benchmark::State& state) {
  const auto features = static_cast<std::size_t>(state.range(0));
  const std::vector<double> numbers = random_numbers(kRows * (features + 1));
  ModelSet model = tests::least_squares_set({.features = features});
  model.learn({numbers.data(), kRows, features + 1, features, false});
  const std::vector<std::byte> share = model.share();
  const std::span<const std::byte> shares[] = {share, share, share};
  for (auto _ : state) {
    benchmark::DoNotOptimize(model.share());
    benchmark::DoNotOptimize(model.see(shares));
  }
}
BENCHMARK(exchange)->Arg(8)->Arg(32)->Arg(128);

// Both destroy the rows they fold in, so each pays for a copy.
void fold_blocks(benchmark::State& state) {
  const auto columns = static_cast<std::size_t>(state.range(0)) + 2;
  constexpr std::size_t kStride = WaitingRows::kStride;
  constexpr std::size_t kLine = 64;  // of the cache
  const std::vector<double> block = random_numbers(kStride * columns);
  static_assert(kStride * sizeof(double) % kLine == 0);
  const std::unique_ptr<double, void (*)(void*)> scratch(
      static_cast<double*>(std::aligned_alloc(kLine, block.size() * sizeof(double))), std::free);
  Factor factor(columns);
  for (auto _ : state) {
    std::copy(block.begin(), block.end(), scratch.get());
    factor.fold_block(scratch.get(), kBlock, kStride);
  }
  report_time_per_row(state, kBlock);
}
BENCHMARK(fold_blocks)->Arg(8)->Arg(32)->Arg(128);

void fold_rows(benchmark::State& state) {
  const auto columns = static_cast<std::size_t>(state.range(0)) + 2;
  const std::vector<double> rows = random_numbers(kBlock * columns);
  std::vector<double> scratch(columns);
  Factor factor(columns);
  std::size_t next = 0;
  for (auto _ : state) {
    std::copy_n(rows.data() + next * columns, columns, scratch.data());
    factor.fold_row(scratch.data());
    next = (next + 1) % kBlock;
  }
  report_time_per_row(state, 1);
}
BENCHMARK(fold_rows)->Arg(8)->Arg(32)->Arg(128);

void cross_product(benchmark::State& state) {
  const auto columns = static_cast<Eigen::Index>(state.range(0)) + 2;
  const std::vector<double> numbers = random_numbers(kBlock * static_cast<std::size_t>(columns));
  const Eigen::Map<const Eigen::MatrixXd> block(numbers.data(), columns, kBlock);
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(columns, columns);
  for (auto _ : state) {
    sum.selfadjointView<Eigen::Lower>().rankUpdate(block);
    benchmark::DoNotOptimize(sum.data());
  }
  report_time_per_row(state, kBlock);
}
BENCHMARK(cross_product)->Arg(8)->Arg(32)->Arg(128);

}  // namespace
}  // namespace accrue::models
