#include "models/delayed_labels.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/model_set.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kFeatures = 2;
constexpr std::size_t kColumns = 4;  // a, b, y, id

struct Row {
  double a, b, y, id;
};

Row features_of(const Row& row) { return {row.a, row.b, kNaN, row.id}; }
Row label_of(const Row& row) { return {kNaN, kNaN, row.y, row.id}; }

std::vector<double> numbers_of(const std::vector<Row>& rows) {
  std::vector<double> numbers;
  for (const Row& row : rows) {
    numbers.insert(numbers.end(), {row.a, row.b, row.y, row.id});
  }
  return numbers;
}

RowsView view_of(const std::vector<double>& numbers, std::uint64_t first_index = 0) {
  RowsView view{numbers.data(), numbers.size() / kColumns, kColumns, kFeatures, false};
  view.first_index = first_index;
  view.id_column = 3;
  return view;
}

std::vector<Row> random_rows(std::size_t count, std::uint64_t seed) {
  datasets::Random random(seed);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double a = random.normal();
    const double b = random.normal();
    rows.push_back({a, b, 3 + 2 * a - b + 0.1 * random.normal(), static_cast<double>(i)});
  }
  return rows;
}

const std::vector<ModelSpec> kModels = {
    {.name = "exact"},
    {.name = "adaptive", .learner = "adaptive"},
    {.name = "sgd", .learner = "sgd", .settings = {{"transforms", "standard_scaler"}, {"clip", "observed"}}},
    {.name = "bayesian", .learner = "bayesian", .settings = {{"on_drift", "forget"}}}};

ModelSet new_set(const LabelOptions& labels = {.ttl_rows = 1'000}) { return {kFeatures, kModels, {}, labels}; }

void learn(ModelSet& set, const std::vector<Row>& rows, std::uint64_t first_index = 0) {
  const std::vector<double> numbers = numbers_of(rows);
  set.learn(view_of(numbers, first_index));
}

// Each row's label comes `delay` rows of features later.
std::vector<Row> delayed(const std::vector<Row>& rows, std::size_t delay) {
  std::vector<Row> parts;
  for (std::size_t i = 0; i < rows.size() + delay; ++i) {
    if (i < rows.size()) {
      parts.push_back(features_of(rows[i]));
    }
    if (i >= delay) {
      parts.push_back(label_of(rows[i - delay]));
    }
  }
  return parts;
}

TEST(DelayedLabels, WithoutADelayAllIsAsIfTheRowsWereWhole) {
  const std::vector<Row> rows = random_rows(3'000, 1);
  const std::vector<double> numbers = numbers_of(rows);
  ModelSet parted = new_set();
  ModelSet whole = new_set();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    learn(parted, {features_of(rows[i]), label_of(rows[i])}, 2 * i);
    whole.learn(view_of(numbers, i + 1).slice(i, 1));  // where its label is
  }
  for (std::size_t k = 0; k < kModels.size(); ++k) {
    const Metrics& metrics = parted.models()[k].metrics();
    EXPECT_EQ(metrics.lifetime().n(), 3'000u);
    EXPECT_EQ(metrics.lifetime().mse(), whole.models()[k].metrics().lifetime().mse()) << k;
    EXPECT_EQ(metrics.coverage().conformal.rate(), whole.models()[k].metrics().coverage().conformal.rate()) << k;
    EXPECT_EQ(metrics.coverage().variance.rows(), whole.models()[k].metrics().coverage().variance.rows()) << k;
  }
  EXPECT_EQ(parted.labels()->waiting(), 0u);
  EXPECT_EQ(parted.labels()->expired(), 0u);
}

TEST(DelayedLabels, ThePredictionMadeThenIsTheOneScored) {
  const std::vector<Row> rows = random_rows(500, 2);
  ModelSet set = new_set();
  learn(set, {rows.begin(), rows.begin() + 200});
  const Row late{10, -10, 33, 1e6};
  std::vector<double> foretold;
  const std::vector<double> number = numbers_of({late});
  for (Model model : set.models()) {  // copies, so that the set itself is not asked
    foretold.push_back(model.forecast(view_of(number), 0).prediction);
  }
  learn(set, {features_of(late)}, 200);
  learn(set, {rows.begin() + 200, rows.end()}, 201);
  const ModelSet before = set;
  learn(set, {label_of(late)}, 501);
  for (std::size_t k = 0; k < kModels.size(); ++k) {
    const double error = foretold[k] - late.y;
    const ProgressiveError& then = before.models()[k].error();
    const ProgressiveError& now = set.models()[k].error();
    EXPECT_EQ(now.n(), 501u);
    EXPECT_NEAR(now.mse() * 501 - then.mse() * 500, error * error, 1e-9 * (1 + now.mse() * 501)) << kModels[k].name;
    EXPECT_EQ(set.models()[k].learner().rows(), 501u);
  }
}

TEST(DelayedLabels, AnExactLearnerEndsWhereItWouldWithoutDelay) {
  const std::vector<Row> rows = random_rows(2'000, 3);
  ModelSet late = new_set();
  ModelSet whole = new_set();
  learn(late, delayed(rows, 400));
  learn(whole, rows);
  const Summary a = late.champion().describe();
  const Summary b = whole.champion().describe();
  EXPECT_EQ(a.rows, 2'000u);
  for (std::size_t i = 0; i < kFeatures; ++i) {
    EXPECT_NEAR(a.coefficients[i].value, b.coefficients[i].value, 1e-12);
  }
  EXPECT_GT(late.champion().error().mse(), whole.champion().error().mse());  // it foretold from 400 rows before
}

TEST(DelayedLabels, TheSameRowsAreTheSameBitsHoweverCutAndRestored) {
  std::vector<Row> parts = delayed(random_rows(900, 4), 37);
  parts.insert(parts.begin() + 600, {1, 2, 3, 77});  // a whole row among them
  parts.insert(parts.begin() + 1'500, {1, 2, kNaN, 5'000});
  const std::vector<double> numbers = numbers_of(parts);
  ModelSet at_once = new_set();
  at_once.learn(view_of(numbers));
  ModelSet cut = new_set();
  for (std::size_t first = 0, step = 1; first < parts.size(); first += step, step = 1 + step * 7 % 60) {
    cut.learn(view_of(numbers).slice(first, std::min(step, parts.size() - first)));
    std::optional<ModelSet> restored;
    ASSERT_EQ(ModelSet::decode(cut.encode(), restored), DecodeError::kNone);
    cut = *std::move(restored);
  }
  EXPECT_EQ(cut.encode(), at_once.encode());
  EXPECT_EQ(cut.labels()->waiting(), 1u);
}

TEST(DelayedLabels, WhatComesToNothingIsCountedAndTeachesNothing) {
  ModelSet set = new_set({.ttl_rows = 3});
  const std::vector<Row> rows = random_rows(8, 5);
  learn(set, {rows[0], features_of(rows[1]), features_of(rows[2])});  // rows 0 to 2
  learn(set, {label_of(rows[1])}, 4);                                 // 3 rows after its features: in time
  EXPECT_EQ(set.labels()->unknown(), 0u);
  learn(set, {label_of(rows[2])}, 6);  // 4 after: late
  EXPECT_EQ(set.labels()->expired(), 1u);
  EXPECT_EQ(set.labels()->unknown(), 1u);
  learn(set, {label_of(rows[1]), label_of(rows[7])}, 7);  // had once already; never had features
  EXPECT_EQ(set.labels()->unknown(), 3u);
  learn(set, {features_of(rows[3]), {9, 9, kNaN, rows[3].id}, label_of(rows[3])}, 9);  // the first features count
  EXPECT_EQ(set.labels()->repeated(), 1u);
  EXPECT_EQ(set.labels()->waiting(), 0u);
  EXPECT_EQ(set.champion().learner().rows(), 3u);

  ModelSet plain = new_set();
  learn(plain, {rows[0]});
  learn(plain, {rows[1]}, 4);
  learn(plain, {rows[3]}, 11);
  EXPECT_EQ(set.champion().describe().coefficients[0].value, plain.champion().describe().coefficients[0].value);
}

TEST(DelayedLabels, SecondsOfEventTimeAreALimitToo) {
  DelayedLabels labels({.ttl_rows = 100, .ttl_seconds = 10});
  // a, y, time, id: the older event comes second
  const std::vector<double> numbers = {1, kNaN, 1'005, 1, 1, kNaN, 1'000, 2, kNaN, 7, 1'012, 2, kNaN, 7, 1'014, 1};
  RowsView rows{numbers.data(), 4, 4, 1, false};
  rows.time_column = 2;
  rows.id_column = 3;
  for (std::size_t i = 0; i < 2; ++i) {
    labels.pass(rows, i);
    labels.wait(rows, i, {});
  }
  labels.pass(rows, 2);
  EXPECT_FALSE(labels.take(rows, 2));
  labels.pass(rows, 3);
  EXPECT_TRUE(labels.take(rows, 3));
  EXPECT_EQ(labels.expired(), 1u);
  EXPECT_EQ(labels.unknown(), 1u);
}

TEST(DelayedLabels, AModelThatCameMeanwhilePredictsWhenTheTargetComes) {
  const std::vector<Row> rows = random_rows(100, 6);
  ModelSet set = new_set();
  learn(set, {rows.begin(), rows.begin() + 99});
  learn(set, {features_of(rows[99])}, 99);
  ModelSet untouched = set;
  set.add({.name = "new"});
  set.drop("sgd");
  std::optional<ModelSet> restored;
  ASSERT_EQ(ModelSet::decode(set.encode(), restored), DecodeError::kNone);
  learn(*restored, {label_of(rows[99])}, 100);
  EXPECT_EQ(restored->find("new")->error().n(), 1u);
  EXPECT_EQ(restored->find("new")->learner().rows(), 1u);
  EXPECT_EQ(restored->find("exact")->error().n(), 100u);
  learn(untouched, {label_of(rows[99])}, 100);
  EXPECT_EQ(restored->find("bayesian")->error().mse(), untouched.find("bayesian")->error().mse());
}

TEST(DelayedLabels, AMergeOfPartitionsByIdHasWhatWaitsInEither) {
  const std::vector<Row> parts = delayed(random_rows(1'000, 7), 50);
  ModelSet one = new_set();
  ModelSet even = new_set();
  ModelSet odd = new_set();
  for (std::size_t i = 0; i < 1'500; ++i) {
    learn(one, {parts[i]}, i);
    learn(std::fmod(parts[i].id, 2) == 0 ? even : odd, {parts[i]}, i);
  }
  const std::vector<Row> to_nothing = {{kNaN, kNaN, 1, 1e6}, {1, 1, kNaN, 77'777}, {1, 1, kNaN, 77'777}};
  learn(one, to_nothing, 1'500);
  learn(odd, to_nothing, 1'500);
  even.merge(odd);
  EXPECT_EQ(even.labels()->unknown(), 1u);
  EXPECT_EQ(even.labels()->repeated(), 1u);
  EXPECT_EQ(even.labels()->waiting(), one.labels()->waiting());
  EXPECT_GT(even.labels()->waiting(), 0u);
  EXPECT_NEAR(even.champion().describe().coefficients[0].value, one.champion().describe().coefficients[0].value, 1e-12);
  std::vector<Row> rest(parts.begin() + 1'500, parts.end());
  learn(even, rest, 1'503);
  EXPECT_EQ(even.labels()->waiting(), 1u);
  EXPECT_EQ(even.labels()->unknown(), 1u);
}

TEST(DelayedLabels, DamageIsRefused) {
  ModelSet set = new_set();
  learn(set, delayed(random_rows(20, 8), 5));
  learn(set, {{1, 2, kNaN, 100}, {kNaN, 3, kNaN, 101}}, 50);
  const std::vector<std::byte> state = set.encode();
  std::optional<ModelSet> restored;
  ASSERT_EQ(ModelSet::decode(state, restored), DecodeError::kNone);
  EXPECT_EQ(restored->labels()->waiting(), 2u);
  for (std::size_t size = 0; size < state.size(); size += 8) {
    EXPECT_NE(ModelSet::decode({state.data(), size}, restored), DecodeError::kNone);
  }
}

}  // namespace
}  // namespace accrue::models
