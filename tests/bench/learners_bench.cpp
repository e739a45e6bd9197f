// What a row costs each learner there is, at d features: predicted, then learned, in calls of 256 rows, with the
// settings it has by default. Behind the name of each benchmark stand the learner and d; time_per_row is what the
// README's table of learners shows, model/LEARNER the same with all that a model measures besides (model.hpp).
// Compare them as ratios in one run; as absolutes they say more about the machine.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "datasets/random.hpp"
#include "models/learners.hpp"
#include "models/model.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kRowsACall = 256;
constexpr std::size_t kRows = 64 * kRowsACall;
constexpr std::size_t kRowsBefore = 16 * kRows;  // by then blocks are as long as they get

// A target that depends on all the features, and noise.
std::vector<double> random_rows(std::size_t features) {
  datasets::Random random(1);
  std::vector<double> rows;
  rows.reserve(kRows * (features + 1));
  for (std::size_t i = 0; i < kRows; ++i) {
    double target = random.normal();
    for (std::size_t k = 0; k < features; ++k) {
      rows.push_back(random.normal());
      target += rows.back();
    }
    rows.push_back(target);
  }
  return rows;
}

void measure(benchmark::State& state, std::size_t features, const auto& learn) {
  const std::vector<double> numbers = random_rows(features);
  RowsView rows{numbers.data(), kRows, features + 1, features, false};
  const auto learn_all = [&] {
    for (std::size_t first = 0; first < kRows; first += kRowsACall) {
      learn(rows.slice(first, kRowsACall));
    }
    rows.first_index += kRows;
  };
  while (rows.first_index < kRowsBefore) {
    learn_all();
  }
  for (auto _ : state) {
    learn_all();
  }
  using benchmark::Counter;
  state.counters["time_per_row"] =
      Counter(static_cast<double>(kRows), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

void learn_by(benchmark::State& state, const LearnerKind& kind) {
  const auto features = static_cast<std::size_t>(state.range(0));
  Settings settings({});
  const std::unique_ptr<Learner> learner = kind.make(features, settings);
  std::vector<double> predictions(kRowsACall);
  measure(state, features, [&](const RowsView& rows) { learner->partial_fit(rows, predictions); });
}

void learn_by_model(benchmark::State& state, const LearnerKind& kind) {
  const auto features = static_cast<std::size_t>(state.range(0));
  Model model({.name = "model", .learner = std::string(kind.name)}, features);
  measure(state, features, [&](const RowsView& rows) { model.learn(rows); });
}

void add_benchmarks() {
  for (const LearnerKind& kind : learner_kinds()) {
    const std::string name(kind.name);
    benchmark::RegisterBenchmark(("learner/" + name).c_str(), learn_by, kind)->Arg(8)->Arg(32)->Arg(128);
    benchmark::RegisterBenchmark(("model/" + name).c_str(), learn_by_model, kind)->Arg(8)->Arg(32)->Arg(128);
  }
}

}  // namespace
}  // namespace accrue::models

int main(int argc, char** argv) {
  accrue::models::add_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
