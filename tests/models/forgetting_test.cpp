#include "models/forgetting.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/learners.hpp"
#include "models/least_squares.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

using Way = Forgetting::Way;

constexpr std::size_t kFeatures = 3;

// Weighted rows with an event time, some of them late, spread over parts of a stream with their indices.
struct Part {
  std::vector<double> numbers;
  std::vector<std::uint64_t> indices;

  RowsView view() const {
    RowsView rows{numbers.data(), indices.size(), kFeatures + 3, kFeatures, true};
    rows.indices = indices.data();
    rows.time_column = kFeatures + 2;
    return rows;
  }
};

std::vector<Part> any_parts(std::uint64_t seed, std::size_t count, std::size_t parts) {
  datasets::Random random(seed);
  const TestRows rows = random_rows(seed, count, kFeatures, true);
  std::vector<Part> result(parts);
  for (std::size_t i = 0; i < count; ++i) {
    Part& part = result[random.below(parts)];
    const double* row = rows.view().row(i);
    part.numbers.insert(part.numbers.end(), row, row + kFeatures + 2);
    part.numbers.push_back(0.5 * static_cast<double>(i) - (random.below(10) == 0 ? 40 * random.uniform() : 0));
    part.indices.push_back(1000 + i);
  }
  return result;
}

// Where a row stands, and how much is left of it when the newest stands at `newest`, by definition.
double place(const RowsView& rows, std::size_t i, bool by_time) {
  return by_time ? rows.time(i) : static_cast<double>(rows.index(i));
}

double kept(const Forgetting& forgetting, double at, double newest) {
  if (forgetting.way == Way::kHalfLife) {
    return std::exp2((at - newest) / forgetting.length);
  }
  const double width = forgetting.by_time ? forgetting.length / 16 : std::ceil(forgetting.length / 16);
  const double panes = forgetting.by_time ? 16 : std::ceil(forgetting.length / width);
  return std::floor(newest / width) - std::floor(at / width) < panes ? 1 : 0;
}

struct Batch {
  Eigen::VectorXd coefficients;
  double weights = 0;
  double residual_std = 0;
};

Batch batch(const std::vector<Part>& parts, const Forgetting& forgetting) {
  double newest = -1e9;
  for (const Part& part : parts) {
    for (std::size_t i = 0; i < part.view().count; ++i) {
      newest = std::max(newest, place(part.view(), i, forgetting.by_time));
    }
  }
  TestRows all{kFeatures, true, {}};
  Batch result;
  double positive = 0;
  for (const Part& part : parts) {
    for (std::size_t i = 0; i < part.view().count; ++i) {
      const double* row = part.view().row(i);
      const double share = kept(forgetting, place(part.view(), i, forgetting.by_time), newest);
      const double weight = row[kFeatures + 1] * share;
      all.add({row, row + kFeatures}, row[kFeatures], weight);
      result.weights += weight;
      positive += weight > 0 ? share : 0;
    }
  }
  result.coefficients = batch_fit(all.view());
  const Eigen::VectorXd residuals = targets(all.view()) - design_matrix(all.view(), true) * result.coefficients;
  result.residual_std =
      std::sqrt(weights(all.view()).dot(residuals.cwiseAbs2()) / (positive - static_cast<double>(kFeatures) - 1));
  return result;
}

const std::vector<Forgetting> kAllWays = {
    {Way::kHalfLife, false, 30}, {Way::kHalfLife, false, 1000}, {Way::kHalfLife, true, 25},
    {Way::kHalfLife, true, 700}, {Way::kWindow, false, 12},     {Way::kWindow, false, 100},
    {Way::kWindow, false, 2000}, {Way::kWindow, true, 60},      {Way::kWindow, true, 1000.5},
};

template <class Real>
void expect_the_batch_fit(const Forgetting& forgetting, std::size_t count) {
  for (const std::size_t partitions : {1u, 4u}) {
    const std::vector<Part> parts = any_parts(count, count, partitions);
    const LeastSquaresOptions options{.features = kFeatures, .forgetting = forgetting};
    BasicLeastSquares<Real> merged(options);
    for (const Part& part : parts) {
      BasicLeastSquares<Real> learner(options);
      learn(learner, part.view());
      merged.merge(learner);
    }
    const Batch expected = batch(parts, forgetting);
    EXPECT_LT(relative_error(coefficients(merged.fit()), expected.coefficients), 1e-10) << partitions;
    EXPECT_NEAR(merged.sum_weights() / expected.weights, 1, 1e-10);
    EXPECT_NEAR(*merged.describe().residual_std / expected.residual_std, 1, 1e-10);
    EXPECT_EQ(merged.rows(), count);
  }
}

TEST(Forgetting, OfAnySplitIsTheBatchFitOfTheRowsWeightedByWhatIsLeft) {
  for (const Forgetting& forgetting : kAllWays) {
    SCOPED_TRACE(testing::Message() << forgetting.length << " by time " << forgetting.by_time);
    for (const std::size_t count : {40u, 700u, 4000u}) {
      expect_the_batch_fit<double>(forgetting, count);
    }
    expect_the_batch_fit<long double>(forgetting, 700);
  }
}

TEST(Forgetting, PredictsWithWhatIsLeftOfTheRowsBefore) {
  for (const Forgetting& forgetting : kAllWays) {
    const std::vector<Part> parts = any_parts(5, 400, 1);
    const RowsView rows = parts[0].view();
    LeastSquares learner({.features = kFeatures, .forgetting = forgetting});
    const std::vector<double> predictions = learn(learner, rows);
    LeastSquares before({.features = kFeatures, .forgetting = forgetting});
    learn(before, rows.slice(0, 399));
    EXPECT_NEAR(predictions[399], before.fit().predict(rows.row(399)), 1e-9) << forgetting.length;
  }
}

TEST(Forgetting, WhatOthersHaveSeenIsForgottenInStepToo) {
  for (const Forgetting& forgetting : kAllWays) {
    const std::vector<Part> parts = any_parts(6, 900, 2);
    const LeastSquaresOptions options{.features = kFeatures, .forgetting = forgetting};
    LeastSquares one(options);
    LeastSquares other(options);
    learn(one, parts[0].view());
    learn(other, parts[1].view());
    LeastSquares both = one;
    both.merge(other);
    one.see(other);
    std::vector<double> row(parts[0].numbers.end() - static_cast<std::ptrdiff_t>(kFeatures) - 3,
                            parts[0].numbers.end());
    RowsView next{row.data(), 1, kFeatures + 3, kFeatures, true, 1900};
    next.time_column = kFeatures + 2;
    EXPECT_NEAR(learn(one, next)[0], learn(both, next)[0], 1e-9) << forgetting.length;
  }
}

// A feature that was excited and then is constant, one that always was zero, one constant that the intercept explains.
// The others must be as if these had never been there.
void expect_others_unharmed(const Forgetting& forgetting, std::uint64_t total, bool excited_at_first = true) {
  constexpr std::size_t kBlockRows = 4096;
  datasets::Random random(1);
  std::vector<double> with;
  std::vector<double> without;
  for (std::size_t i = 0; i < kBlockRows; ++i) {
    const double x = random.normal();
    const double y = 2 + 3 * x + random.normal();
    with.insert(with.end(), {0, x, 3.7, -12.3, y});
    without.insert(without.end(), {x, y});
  }
  LeastSquares learner({.features = 4, .forgetting = forgetting});
  LeastSquares expected({.features = 1, .forgetting = forgetting});
  std::vector<double> excited = with;
  for (std::size_t i = 0; excited_at_first && i < kBlockRows; ++i) {
    excited[5 * i] = random.normal();
    excited[5 * i + 3] = random.normal();
  }
  std::vector<double> predictions(kBlockRows);
  std::vector<double> expected_predictions(kBlockRows);
  learner.partial_fit({excited.data(), kBlockRows, 5, 4, false}, {predictions});
  expected.partial_fit({without.data(), kBlockRows, 2, 1, false}, {expected_predictions});
  for (std::uint64_t at = kBlockRows; at < total; at += kBlockRows) {
    RowsView rows{with.data(), kBlockRows, 5, 4, false, at};
    learner.partial_fit(rows, {predictions});
    expected.partial_fit({without.data(), kBlockRows, 2, 1, false, at}, {expected_predictions});
  }
  const Fit fit = learner.fit();
  EXPECT_TRUE(coefficients(fit).allFinite());
  EXPECT_NEAR(fit.coefficients[1] / expected.fit().coefficients[0], 1, 1e-9) << forgetting.length;
  const double features[] = {0, 0.5, 3.7, -12.3};
  const double x = 0.5;
  EXPECT_NEAR(fit.predict(features) / expected.fit().predict(&x), 1, 1e-9);
  EXPECT_NEAR(predictions.back() / expected_predictions.back(), 1, 1e-9);
}

TEST(Forgetting, ColumnsThatAreNotExcitedForTenMillionRowsHarmNoOther) {
  expect_others_unharmed({Way::kHalfLife, false, 20'000}, 10'000'000);
  expect_others_unharmed({Way::kWindow, false, 50'000}, 1'000'000);
  expect_others_unharmed({Way::kHalfLife, false, 100}, 300'000);
}

TEST(Forgetting, ConstantColumnsStayRecognisedInALongMemory) {
  expect_others_unharmed({Way::kHalfLife, false, 1'000'000}, 6'000'000, false);
}

TEST(Forgetting, NumbersStayFiniteWhateverTheJump) {
  for (const Forgetting& forgetting : {Forgetting{Way::kHalfLife, false, 1}, Forgetting{Way::kHalfLife, true, 1e-6},
                                       Forgetting{Way::kWindow, false, 1}, Forgetting{Way::kWindow, true, 1e-6},
                                       Forgetting{Way::kHalfLife, false, 3}}) {
    LeastSquares learner({.features = 1, .forgetting = forgetting});
    datasets::Random random(1);
    std::uint64_t index = 0;
    for (int i = 0; i < 2000; ++i) {
      const double size = i % 7 == 0 ? kMaxMagnitude : random.normal();
      const double row[] = {random.normal() * size, size, i % 5 == 0 ? -kMaxMagnitude : static_cast<double>(index)};
      RowsView rows{row, 1, 3, 1, false, index};
      rows.time_column = 2;
      EXPECT_LE(std::abs(learn(learner, rows)[0]), kMaxMagnitude);
      index += i % 3 == 0 ? std::uint64_t{1} << 40 : 1;
    }
    EXPECT_TRUE(coefficients(learner.fit()).allFinite());
    const Summary summary = learner.describe();
    EXPECT_TRUE(std::isfinite(summary.residual_std.value_or(0)));
  }
}

TEST(Forgetting, TwoWaysAtOnceAreRefused) {
  try {
    Settings settings({{"half_life_rows", "100"}, {"window_seconds", "60"}});
    learner_kind("least_squares").make(2, settings);
    FAIL();
  } catch (const std::invalid_argument& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("at most one of half_life_rows"), std::string::npos) << refusal.what();
  }
}

TEST(Forgetting, RowsNeedATimeOnlyWhereTheyAreForgottenByIt) {
  const auto needs_time = [](const char* key) {
    Settings settings(std::vector<Setting>{{key, "100"}});
    return learner_kind("least_squares").make(2, settings)->needs_time();
  };
  EXPECT_TRUE(needs_time("half_life_seconds") && needs_time("window_seconds"));
  EXPECT_FALSE(needs_time("half_life_rows") || needs_time("window_rows"));
}

// Every setting: cut anywhere, encoded and decoded between, the same bits.
TEST(Forgetting, LearnersOfEverySettingContinueBitForBit) {
  std::vector<std::vector<Setting>> all;
  for (const char* precision : {"double", "extended"}) {
    for (const Setting& way : {Setting{"half_life_rows", "40"}, Setting{"half_life_seconds", "500"},
                               Setting{"window_rows", "50"}, Setting{"window_seconds", "333"}, Setting{"ridge", "1"}}) {
      all.push_back({{"precision", precision}, way});
    }
  }
  for (const std::vector<Setting>& chosen : all) {
    const auto make = [&] {
      Settings settings(chosen);
      return learner_kind("least_squares").make(kFeatures, settings);
    };
    const auto state = [](const Learner& learner) {
      StateWriter writer;
      learner.encode(writer);
      return std::move(writer).finish();
    };
    datasets::Random random(7);
    const std::vector<Part> parts = any_parts(8, 1500, 2);
    const RowsView rows = parts[0].view();
    const auto whole = make();
    const auto others = make();
    learn(*others, parts[1].view());
    std::unique_ptr<Learner> cut = make();
    std::vector<double> expected;
    for (std::size_t at = 0; at < rows.count;) {
      const RowsView next = rows.slice(at, std::min<std::size_t>(rows.count - at, 1 + random.below(90)));
      const std::size_t half = next.count / 2;
      const std::vector<double> predictions = learn(*whole, next);
      std::vector<double> pieces = learn(*cut, next.slice(0, half));
      const std::vector<std::byte> bytes = state(*cut);
      StateReader reader;
      ASSERT_EQ(reader.open(bytes), DecodeError::kNone);
      cut = make();
      ASSERT_EQ(cut->decode(reader), DecodeError::kNone);
      ASSERT_EQ(state(*cut), bytes);
      const double variance = cut->forecast(next, half).variance;
      const std::vector<double> rest = learn(*cut, next.slice(half, next.count - half));
      pieces.insert(pieces.end(), rest.begin(), rest.end());
      ASSERT_EQ(pieces, predictions) << chosen[1].key;
      if (at > 100 && chosen[1].key != "half_life_rows" && chosen[1].key != "window_rows") {
        EXPECT_GT(variance, 0) << chosen[1].key;
      }
      at += next.count;
      if (random.below(4) == 0) {
        whole->see(*others);
        cut->see(*others);
      }
    }
    EXPECT_EQ(state(*cut), state(*whole)) << chosen[1].key;
  }
}

}  // namespace
}  // namespace accrue::models
