#include "models/adaptive.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "models/model_set.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kFeatures = 8;
const std::vector<ModelSpec> kAdaptive = {{.name = "adaptive", .learner = "adaptive"}};

// In file order (order 0), or shuffled.
TestRows california(std::uint64_t order) {
  const datasets::Table table = datasets::read_california(*datasets::find_california());
  TestRows rows{kFeatures, false, {}};
  if (order == 0) {
    rows.numbers = table.values;
    return rows;
  }
  for (const std::size_t i : datasets::permutation(table.rows, order)) {
    rows.numbers.insert(rows.numbers.end(), table.row(i).begin(), table.row(i).end());
  }
  return rows;
}

ProgressiveError error_on(const RowsView& rows) {
  ModelSet models(rows.features, kAdaptive);
  models.learn(rows);
  return models.champion().error();
}

std::vector<double> predictions(Adaptive& learner, const RowsView& rows) {
  std::vector<double> result(rows.count);
  learner.partial_fit(rows, {result});
  return result;
}

std::vector<std::byte> state_of(const Learner& learner) {
  StateWriter writer;
  learner.encode(writer);
  return std::move(writer).finish();
}

// The figures that were asked for, better than every peer's: in file order Vowpal Wabbit has 0.370, shuffled 0.674.
TEST(Adaptive, IsTheBestInFileOrder) {
  if (!datasets::find_california()) {
    GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
  }
  EXPECT_LE(error_on(california(0).view()).mse(), 0.26);
}

TEST(Adaptive, IsTheBestShuffled) {
  if (!datasets::find_california()) {
    GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
  }
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
    EXPECT_LE(error_on(california(seed).view()).mse(), 0.49) << "seed " << seed;
  }
}

TEST(Adaptive, FollowsCoefficientsThatJumpAndKeepsWhatStays) {
  datasets::Random random(7);
  TestRows rows{2, false, {}};
  constexpr std::size_t kJump = 20'000;
  for (std::size_t i = 0; i < 2 * kJump; ++i) {
    const double a = random.normal();
    const double b = random.normal();
    const double slope = i < kJump ? 3.0 : -3.0;
    rows.add({a, b}, 1 + slope * a + 2 * b + 0.1 * random.normal());
  }
  Adaptive learner({.features = 2});
  (void)predictions(learner, rows.view().slice(0, kJump));
  EXPECT_GT(learner.weights().front(), 0.1) << "on a steady stream the longest memory is among the best";
  const std::vector<double> after = predictions(learner, rows.view().slice(kJump, kJump));
  double squares = 0;
  for (std::size_t i = 300; i < kJump; ++i) {
    const double error = after[i] - rows.view().target(kJump + i);
    squares += error * error;
  }
  EXPECT_LT(squares / (kJump - 300), 0.0125) << "the noise alone makes 0.01";
  const Summary summary = learner.describe();
  EXPECT_NEAR(summary.coefficients[0].value, -3, 0.05);
  EXPECT_NEAR(summary.coefficients[1].value, 2, 0.05);
  EXPECT_NEAR(summary.intercept->value, 1, 0.05);
}

TEST(Adaptive, PredictionsStayWithinTheTargetsSeenUnlessToldOtherwise) {
  const TestRows rows = random_rows(3, 500, 3);
  Adaptive clipped({.features = 3});
  Adaptive free({.features = 3, .clip = false});
  (void)predictions(clipped, rows.view());
  (void)predictions(free, rows.view());
  double highest = rows.view().target(0);
  for (std::size_t i = 0; i < rows.count(); ++i) {
    highest = std::max(highest, rows.view().target(i));
  }
  const std::vector<double> far = {1e6, 1e6, 1e6};
  EXPECT_LE(clipped.predictor()->predict(far.data()), highest);
  EXPECT_GT(std::abs(free.predictor()->predict(far.data())), 10 * highest);
}

TEST(Adaptive, CallsMayBeCutAnywhereAndStatesRestored) {
  const TestRows rows = random_rows(11, 3'000, 4, true);
  Adaptive whole({.features = 4});
  const std::vector<double> expected = predictions(whole, rows.view());
  for (const std::size_t step : {1u, 7u, 256u}) {
    auto learner = std::make_unique<Adaptive>(AdaptiveOptions{.features = 4});
    std::vector<double> got;
    for (std::size_t begin = 0; begin < rows.count(); begin += step) {
      const std::vector<double> part =
          predictions(*learner, rows.view().slice(begin, std::min(step, rows.count() - begin)));
      got.insert(got.end(), part.begin(), part.end());
      if (begin % 5 == 0) {
        const std::vector<std::byte> state = state_of(*learner);
        learner = std::make_unique<Adaptive>(AdaptiveOptions{.features = 4});
        StateReader reader;
        ASSERT_EQ(reader.open(state), DecodeError::kNone);
        ASSERT_EQ(learner->decode(reader), DecodeError::kNone);
        ASSERT_EQ(reader.remaining(), 0);
      }
    }
    EXPECT_EQ(got, expected) << "in steps of " << step;
    EXPECT_EQ(state_of(*learner), state_of(whole)) << "in steps of " << step;
  }
}

// Rows dealt to four banks, by turns of ten, are the rows of one when merged.
TEST(Adaptive, MergedBanksAreOneBankOfAllRows) {
  const TestRows rows = random_rows(5, 4'000, 4, true);
  Adaptive whole({.features = 4});
  (void)predictions(whole, rows.view());
  std::vector<Adaptive> parts(4, Adaptive({.features = 4}));
  for (std::size_t begin = 0; begin < rows.count(); begin += 10) {
    (void)predictions(parts[begin / 10 % parts.size()], rows.view().slice(begin, 10));
  }
  Adaptive merged({.features = 4});
  for (const Adaptive& part : parts) {
    merged.merge(part);
  }
  EXPECT_EQ(merged.rows(), whole.rows());
  for (std::size_t k = 0; k < Adaptive::kLearners; ++k) {
    const Fit one = whole.bank()[k].fit();
    const Fit other = merged.bank()[k].fit();
    for (std::size_t j = 0; j < one.coefficients.size(); ++j) {
      EXPECT_NEAR(other.coefficients[j], one.coefficients[j], 1e-10 * std::max(1.0, std::abs(one.coefficients[j])));
    }
  }
}

// The mixture's weights rest on each partition's own predictions: close to one partition's, and said to be no more.
TEST(Adaptive, PartitionsThatSeeEachOtherErrAsOneDoes) {
  if (!datasets::find_california()) {
    GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
  }
  for (const std::uint64_t order : {0u, 1u}) {
    const TestRows all = california(order);
    const RowsView rows = all.view().slice(0, 6'000);
    const double one = error_on(rows).mse();
    std::vector<ModelSet> parts(4, ModelSet(kFeatures, kAdaptive));
    constexpr std::size_t kRowsBetweenExchanges = 8;
    for (std::size_t begin = 0, turn = 0; begin < rows.count; begin += kRowsBetweenExchanges, ++turn) {
      parts[turn % parts.size()].learn(rows.slice(begin, std::min(kRowsBetweenExchanges, rows.count - begin)));
      std::vector<std::vector<std::byte>> shares;
      for (const ModelSet& part : parts) {
        shares.push_back(part.share());
      }
      for (std::size_t i = 0; i < parts.size(); ++i) {
        std::vector<std::span<const std::byte>> others(shares.begin(), shares.end());
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
        ASSERT_EQ(parts[i].see(others), DecodeError::kNone);
      }
    }
    ModelSet merged(kFeatures, kAdaptive);
    for (const ModelSet& part : parts) {
      merged.merge(part);
    }
    EXPECT_NEAR(merged.champion().error().mse(), one, 0.02 * one) << "order " << order;
  }
}

TEST(Adaptive, StaysFiniteWhateverTheRows) {
  datasets::Random random(1);
  const std::vector<double> magnitudes = {0, 1e-300, 1e-150, 1, 1e10, 1e150, -1e150, -1};
  TestRows rows{3, true, {}};
  const auto any = [&] { return magnitudes[random.below(magnitudes.size())]; };
  for (std::size_t i = 0; i < 20'000; ++i) {
    const double a = any();
    const double b = any();
    const double c = any();
    const double y = any();
    rows.add({a, b, c}, y, random.below(4) == 0 ? 0.0 : 1.0);
  }
  Adaptive learner({.features = 3});
  for (const double prediction : predictions(learner, rows.view())) {
    ASSERT_LE(std::abs(prediction), kMaxMagnitude);
  }
  const std::vector<double> x = {1, 1, 1};
  EXPECT_TRUE(std::isfinite(learner.predictor()->predict(x.data())));
  for (const double weight : learner.weights()) {
    EXPECT_TRUE(weight >= 0 && weight <= 1);
  }
}

}  // namespace
}  // namespace accrue::models
