#include "models/metrics.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "models/least_squares.hpp"
#include "models/model_set.hpp"
#include "models/normal_quantile.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Scored row_of(std::uint64_t index) {
  datasets::Random random(index);
  const double prediction = random.normal();
  return {prediction, index % 4 == 0 ? kNaN : 4.0, prediction + 2 * random.normal(), index % 5 == 0 ? 0.0 : 1.5, index};
}

Metrics metrics_of(std::uint64_t first, std::uint64_t last) {
  Metrics metrics;
  for (std::uint64_t i = first; i < last; ++i) {
    metrics.add(row_of(i));
  }
  return metrics;
}

TEST(Metrics, MeasuresAllOfOneRow) {
  Metrics metrics;
  metrics.add({3, 1, 1, 2, 7});
  EXPECT_EQ(metrics.lifetime().mse(), 4);
  for (const std::uint64_t window : RollingError::kWindows) {
    EXPECT_EQ(metrics.last(window).error.mse(), 4);
  }
  EXPECT_NEAR(*metrics.conformal().half_width(0.4), 2, 0.02);
  EXPECT_EQ(metrics.coverage().conformal.rows(), 0) << "there was no interval yet";
  EXPECT_EQ(metrics.coverage().variance.rows(), 1);
  EXPECT_EQ(metrics.coverage().variance.covered(), 0);
  EXPECT_NEAR(metrics.coverage().variance.mean_width(), 2 * 1.9599639845, 1e-6);
  metrics.add({3, 1.1, 1, 2, 8});
  EXPECT_EQ(metrics.coverage().variance.covered(), 1);
}

// Targets beyond all before, zeros, variances that are not known, rows of a partition, and any number at once.
TEST(Metrics, RowsAtOnceAreMeasuredAsOneByOneToTheBit) {
  constexpr std::size_t kRows = 30'000;
  datasets::Random random(3);
  std::vector<double> predictions(kRows);
  std::vector<double> variances(kRows);
  std::vector<double> targets(kRows);
  std::vector<std::uint64_t> indices(kRows);
  Metrics one_by_one;
  for (std::size_t i = 0; i < kRows; ++i) {
    predictions[i] = random.normal();
    variances[i] = i / 1'000 % 3 == 1 || i % 997 == 0 ? kNaN : 1 + random.uniform();
    targets[i] = i % 11 == 0 ? 0 : i % 5'003 == 0 ? static_cast<double>(i) : predictions[i] + random.normal();
    indices[i] = i < kRows / 2 ? 40 + i : indices[i - 1] + 1 + random.below(5);
    one_by_one.add({predictions[i], variances[i], targets[i], 1, indices[i]});
  }
  Metrics at_once;
  for (std::size_t i = 0, count = 0; i < kRows; i += count) {
    count = std::min<std::size_t>(kRows - i, i % 257 + 1);
    at_once.add({&predictions[i], &variances[i], &targets[i], &indices[i], count});
  }
  ASSERT_GT(one_by_one.coverage().variance.rows(), kRows / 2);
  EXPECT_EQ(state_of(at_once), state_of(one_by_one));
}

// An index that comes again and again, up to the greatest there is.
TEST(Metrics, TakeMoreRowsOfOnePaneThanItHas) {
  constexpr std::size_t kRows = 1'000;
  const std::vector<double> numbers(kRows, 2.0);
  const std::vector<std::uint64_t> indices(kRows, std::numeric_limits<std::uint64_t>::max());
  Metrics metrics;
  metrics.add({numbers.data(), numbers.data(), numbers.data(), indices.data(), kRows});
  EXPECT_EQ(metrics.lifetime().n(), kRows);
  EXPECT_EQ(metrics.last(1'000).error.n(), kRows);
}

TEST(Metrics, WindowsClipAsTheLifetimeDoes) {
  const Metrics metrics = metrics_of(0, 900);
  EXPECT_LT(metrics.lifetime().mse_clipped(), metrics.lifetime().mse());
  EXPECT_NEAR(metrics.last(1'000).error.mse_clipped(), metrics.lifetime().mse_clipped(), 1e-12);
}

TEST(Metrics, IntervalsOfNormalErrorsHoldTheirLevel) {
  const Metrics metrics = metrics_of(0, 40'000);
  EXPECT_EQ(metrics.lifetime().n(), 40'000);
  EXPECT_EQ(metrics.coverage().conformal.rows(), 32'000 - 19) << "of positive weight";
  EXPECT_EQ(metrics.coverage().variance.rows(), 24'000) << "of these, with a variance";
  EXPECT_NEAR(metrics.coverage().conformal.rate(), 0.95, 0.005);
  EXPECT_NEAR(metrics.coverage().variance.rate(), 0.95, 0.005);
  EXPECT_NEAR(metrics.coverage().conformal.mean_width(), metrics.coverage().variance.mean_width(), 0.15);
}

TEST(Metrics, ItsIntervalsReachAsFarAsANormalVariableNeeds) {
  EXPECT_EQ(ErrorSums::kDeviations, normal_half_width(Conformal::kLevel));
}

TEST(Metrics, AnIntervalIsThatFromBeforeTheRow) {
  Metrics metrics;
  for (std::uint64_t i = 0; i < 100; ++i) {
    metrics.add({0, kNaN, static_cast<double>(i), 1, i});  // always worse than ever
  }
  EXPECT_EQ(metrics.coverage().conformal.rows(), 81);
  EXPECT_EQ(metrics.coverage().conformal.covered(), 0);
}

TEST(Metrics, RowsOfWeightZeroHaveNoInterval) {
  Metrics metrics;
  for (std::uint64_t i = 0; i < 100; ++i) {
    metrics.add({0, 1, 1, 0, i});
  }
  EXPECT_EQ(metrics.lifetime().n(), 100);
  EXPECT_EQ(metrics.coverage().variance.rows(), 0);
  EXPECT_FALSE(metrics.conformal().half_width(0.5));
}

TEST(Metrics, MergingAnySplitIsMeasuringTheWhole) {
  constexpr std::uint64_t kRows = 30'000;
  const Metrics whole = metrics_of(0, kRows);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    datasets::Random random(seed);
    std::vector<Metrics> parts(4);
    for (std::uint64_t i = 0; i < kRows; ++i) {
      parts[random.below(parts.size())].add(row_of(i));
    }
    Metrics merged;
    for (const Metrics& part : parts) {
      merged.merge(part);
    }
    EXPECT_EQ(merged.lifetime().n(), kRows);
    EXPECT_NEAR(merged.lifetime().mse(), whole.lifetime().mse(), 1e-10);
    EXPECT_NEAR(merged.lifetime().bias(), whole.lifetime().bias(), 1e-10);
    EXPECT_NEAR(merged.last(1'000).error.mse(), whole.last(1'000).error.mse(), 1e-10);
    EXPECT_EQ(merged.last(10'000).error.n(), whole.last(10'000).error.n());
    EXPECT_EQ(merged.conformal().half_width(0.9), whole.conformal().half_width(0.9));
    EXPECT_EQ(merged.coverage().variance.covered(), whole.coverage().variance.covered());
    EXPECT_EQ(merged.coverage().conformal.rows(), whole.coverage().conformal.rows() - 3 * 19);
    EXPECT_NEAR(merged.coverage().conformal.rate(), whole.coverage().conformal.rate(), 0.005);
  }
}

TEST(Metrics, ClipsToTheTargetsThatOthersHaveSeen) {
  Metrics others;
  others.add({0, kNaN, 4, 1, 0});
  Metrics metrics;
  metrics.see(others);
  metrics.add({9, kNaN, 3, 1, 1});
  EXPECT_EQ(metrics.lifetime().mae_clipped(), 1);
  EXPECT_EQ(metrics.last(1'000).error.mae_clipped(), 1);
  EXPECT_EQ(metrics.lifetime().n(), 1);
}

TEST(Metrics, RestoredTheyContinueIdentically) {
  Metrics metrics;
  Metrics copy;
  for (std::uint64_t i = 0; i < 12'000; ++i) {
    metrics.add(row_of(i));
    copy.add(row_of(i));
    copy = i % 100 == 99 || i < 30 ? restored(copy) : copy;
  }
  EXPECT_EQ(state_of(copy), state_of(metrics));
}

TEST(Metrics, StayFiniteForThePoisonThatRowsMayHold) {
  Metrics metrics;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const double sign = i % 2 == 0 ? 1 : -1;
    metrics.add({sign * kMaxMagnitude, i % 3 == 0 ? 1e299 : (i % 3 == 1 ? INFINITY : -1.0), -sign * kMaxMagnitude,
                 i % 7 == 0 ? kMaxMagnitude : 1e-300, i});
  }
  metrics.merge(restored(metrics));
  for (const double figure :
       {metrics.lifetime().mse(), metrics.lifetime().r2(), metrics.lifetime().bias(), metrics.lifetime().mape(),
        metrics.last(1'000).error.mse_clipped(), *metrics.conformal().half_width(0.5),
        metrics.coverage().variance.mean_width(), metrics.coverage().variance.rate()}) {
    EXPECT_TRUE(std::isfinite(figure)) << figure;
  }
}

TEST(Metrics, TakeLittleRoom) {
  EXPECT_LT(state_of(metrics_of(0, 300'000)).size(), 16u << 10);
  EXPECT_LT(sizeof(Metrics), 1'024);
}

std::vector<std::byte> golden(const std::string& name) {
  std::ifstream file(std::filesystem::path(ACCRUE_GOLDEN_DIR) / name, std::ios::binary);
  std::vector<std::byte> bytes;
  for (auto at = std::istreambuf_iterator<char>(file); at != std::istreambuf_iterator<char>(); ++at) {
    bytes.push_back(static_cast<std::byte>(*at));
  }
  return bytes;
}

TEST(Metrics, StatesOfOlderVersionsHoldTheLifetimeAlone) {
  for (const char* name : {"model_state_v1_small.bin", "model_state_v1_grown.bin", "model_state_v2_partition.bin"}) {
    std::optional<ModelSet> set;
    ASSERT_EQ(ModelSet::decode(golden(name), set), DecodeError::kNone) << name;
    Metrics metrics = set->champion().metrics();
    EXPECT_GT(metrics.lifetime().n(), 0);
    EXPECT_TRUE(std::isfinite(metrics.lifetime().mse()));
    EXPECT_TRUE(std::isnan(metrics.lifetime().bias()) && std::isnan(metrics.lifetime().mape()));
    EXPECT_EQ(metrics.last(1'000).error.n(), 0);
    EXPECT_FALSE(metrics.conformal().half_width(0.5));
    metrics.add({3, kNaN, 2, 1, 100});
    EXPECT_EQ(metrics.lifetime().bias(), 1) << "of the rows since";
    EXPECT_EQ(metrics.lifetime().mape(), 0.5);
    EXPECT_EQ(state_of(restored(metrics)), state_of(metrics));
  }
}

// The file's order (0), or that of a shuffle.
class MetricsOfCalifornia : public testing::TestWithParam<std::uint64_t> {};

TEST_P(MetricsOfCalifornia, TheConformalIntervalHoldsItsLevel) {
  if (!datasets::find_california()) {
    GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
  }
  const datasets::Table table = datasets::read_california(*datasets::find_california());
  std::vector<double> values = table.values;
  if (GetParam() > 0) {
    values.clear();
    for (const std::size_t i : datasets::permutation(table.rows, GetParam())) {
      values.insert(values.end(), table.row(i).begin(), table.row(i).end());
    }
  }
  const RowsView rows{values.data(), table.rows, table.columns(), table.columns() - 1, false};
  LeastSquares learner({.features = rows.features});
  std::vector<double> predictions(rows.count);
  learner.partial_fit(rows, {predictions});
  Metrics metrics;
  for (std::size_t i = 0; i < rows.count; ++i) {
    metrics.add({predictions[i], kNaN, rows.target(i), 1, rows.index(i)});
  }
  const Coverage& coverage = metrics.coverage().conformal;
  EXPECT_EQ(coverage.rows(), rows.count - 19);
  EXPECT_GT(coverage.rate(), 0.94);
  EXPECT_LT(coverage.rate(), 0.96);
  EXPECT_LT(coverage.mean_width(), 3.1);
}

INSTANTIATE_TEST_SUITE_P(California, MetricsOfCalifornia, testing::Range<std::uint64_t>(0, 6), [](const auto& info) {
  return info.param == 0 ? std::string("file") : "shuffle" + std::to_string(info.param);
});

}  // namespace
}  // namespace accrue::models
