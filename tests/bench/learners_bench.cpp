// What a row costs each learner there is, at d features: predicted, then learned, in calls of 256 rows, with the
// settings it has by default, and one for each of 1,000 keys. Behind the name of each benchmark stand the learner and
// d; time_per_row is what the README's table of learners shows, model/LEARNER the same with all that a model measures
// besides (model.hpp). Compare them as ratios in one run; as absolutes they say more about the machine.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "datasets/random.hpp"
#include "models/learners.hpp"
#include "models/model.hpp"
#include "tests/bench/time_per_row.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kRowsACall = 256;
constexpr std::size_t kRows = 64 * kRowsACall;
constexpr std::size_t kRowsBefore = 16 * kRows;   // by then blocks are as long as they get
constexpr std::size_t kRowsBeforeOfKeys = kRows;  // which have no blocks, and cost ten times as much and more

constexpr std::uint64_t kKeys = 1'000;
const Setting kByKey{"group_by", "key"};

// A target that depends on all the features, and noise; behind it a key.
std::vector<double> random_rows(std::size_t features) {
  datasets::Random random(1);
  std::vector<double> rows;
  rows.reserve(kRows * (features + 2));
  for (std::size_t i = 0; i < kRows; ++i) {
    double target = random.normal();
    for (std::size_t k = 0; k < features; ++k) {
      rows.push_back(random.normal());
      target += rows.back();
    }
    rows.push_back(target);
    rows.push_back(static_cast<double>(random.below(kKeys)));
  }
  return rows;
}

void measure(benchmark::State& state, std::size_t features, const ModelSpec& spec, const auto& learn) {
  const std::vector<double> numbers = random_rows(features);
  RowsView rows{numbers.data(), kRows, features + 2, features, false};
  rows.key_column = features + 1;
  const auto learn_all = [&] {
    for (std::size_t first = 0; first < kRows; first += kRowsACall) {
      learn(rows.slice(first, kRowsACall));
    }
    rows.first_index += kRows;
  };
  const bool of_keys = std::find(spec.settings.begin(), spec.settings.end(), kByKey) != spec.settings.end();
  while (rows.first_index < (of_keys ? kRowsBeforeOfKeys : kRowsBefore)) {
    learn_all();
  }
  for (auto _ : state) {
    learn_all();
  }
  report_time_per_row(state, kRows);
}

void learn_by(benchmark::State& state, const ModelSpec& spec) {
  const auto features = static_cast<std::size_t>(state.range(0));
  Settings settings(spec.settings);
  const std::unique_ptr<Learner> learner = learner_kind(spec.learner).make(features, settings);
  std::vector<double> predictions(kRowsACall);
  measure(state, features, spec, [&](const RowsView& rows) { learner->partial_fit(rows, {predictions}); });
}

void learn_by_model(benchmark::State& state, const ModelSpec& spec) {
  const auto features = static_cast<std::size_t>(state.range(0));
  Model model(spec, features);
  measure(state, features, spec, [&](const RowsView& rows) { model.learn(rows); });
}

void add_benchmarks(const ModelSpec& spec) {
  benchmark::RegisterBenchmark(("learner/" + spec.name).c_str(), learn_by, spec)->Arg(8)->Arg(32)->Arg(128);
  benchmark::RegisterBenchmark(("model/" + spec.name).c_str(), learn_by_model, spec)->Arg(8)->Arg(32)->Arg(128);
}

}  // namespace
}  // namespace accrue::models

int main(int argc, char** argv) {
  for (const accrue::models::LearnerKind& kind : accrue::models::learner_kinds()) {
    accrue::models::add_benchmarks({.name = std::string(kind.name), .learner = std::string(kind.name)});
  }
  accrue::models::add_benchmarks({.name = "per_key", .settings = {accrue::models::kByKey}});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
