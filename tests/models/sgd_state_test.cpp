// What the learners of sgd.hpp keep: the same of dense and of sparse rows, across cuts, codecs, merges and extremes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"
#include "tests/models/sgd_rows.hpp"

namespace accrue::models {
namespace {

struct Case {
  const char* name;
  const char* learner;
  std::vector<Setting> settings;

  std::unique_ptr<Learner> make(std::size_t features) const { return models::make(learner, features, settings); }
};

const Case kCases[] = {
    {"sgd", "sgd", {}},
    {"penalised", "sgd", {{"l1", "0.01"}, {"l2", "0.02"}, {"loss", "huber"}}},
    {"raw", "sgd", {{"standardise", "false"}}},
    {"no_intercept", "sgd", {{"intercept", "false"}, {"loss", "epsilon_insensitive"}}},
    {"quantile", "quantile", {{"quantile", "0.9"}}},
    {"passive_aggressive", "passive_aggressive", {}},
    {"passive_aggressive_2", "passive_aggressive", {{"variant", "PA-II"}, {"standardise", "false"}}},
};

class SgdState : public testing::TestWithParam<Case> {};

TEST_P(SgdState, SparseAndDenseRowsTeachTheSameBits) {
  const TestRows rows = patchy_rows(1, 2000, 40);
  const SparseRows sparse(rows.view());
  const std::unique_ptr<Learner> a = GetParam().make(40);
  const std::unique_ptr<Learner> b = GetParam().make(40);
  std::vector<double> predictions(rows.count());
  ASSERT_TRUE(b->takes_sparse());
  b->partial_fit_sparse(sparse.view(), predictions);
  EXPECT_EQ(predictions_of(*a, rows.view()), predictions);
  EXPECT_EQ(state_of(*a), state_of(*b));
  const auto predictor = a->predictor();
  for (std::size_t i = 0; i < 100; ++i) {
    const double dense = predictor->predict(rows.view().row(i));
    EXPECT_NEAR(predictor->predict_sparse(sparse.view().row_columns(i), sparse.view().row_values(i)), dense,
                1e-12 * (1 + std::abs(dense)));
  }
}

TEST_P(SgdState, IsTheSameHoweverRowsAreCutAndRestored) {
  const TestRows rows = patchy_rows(2, 3000, 12);
  const std::unique_ptr<Learner> whole = GetParam().make(12);
  const std::vector<double> expected = predictions_of(*whole, rows.view());
  std::unique_ptr<Learner> cut = GetParam().make(12);
  datasets::Random random(3);
  for (std::size_t first = 0; first < rows.count();) {
    const std::size_t count = std::min<std::size_t>(1 + random.below(60), rows.count() - first);
    const std::vector<double> predictions = predictions_of(*cut, rows.view().slice(first, count));
    ASSERT_TRUE(std::equal(predictions.begin(), predictions.end(), expected.data() + first));
    first += count;
    std::unique_ptr<Learner> restored = GetParam().make(12);
    ASSERT_EQ(decode_state(state_of(*cut), *restored), DecodeError::kNone);
    ASSERT_EQ(state_of(*restored), state_of(*cut));
    cut = std::move(restored);
    if (first > 1500 && first < 1600) {
      cut->forget(0.3);
      const std::unique_ptr<Learner> other = cut->clone();
      ASSERT_EQ(decode_state(state_of(*cut), *other), DecodeError::kNone);
      ASSERT_EQ(predictions_of(*other, rows.view()), predictions_of(*cut->clone(), rows.view()));
      return;
    }
  }
}

TEST_P(SgdState, ContinuesIdenticallyAfterAMerge) {
  const TestRows rows = patchy_rows(4, 3000, 12);
  const std::unique_ptr<Learner> a = GetParam().make(12);
  const std::unique_ptr<Learner> b = GetParam().make(12);
  predictions_of(*a, rows.view().slice(0, 800));
  predictions_of(*b, rows.view().slice(800, 700));
  a->merge(*b);
  EXPECT_EQ(a->rows(), 1500);
  const std::unique_ptr<Learner> restored = GetParam().make(12);
  ASSERT_EQ(decode_state(state_of(*a), *restored), DecodeError::kNone);
  EXPECT_EQ(predictions_of(*restored, rows.view().slice(1500, 1500)),
            predictions_of(*a, rows.view().slice(1500, 1500)));
  EXPECT_EQ(state_of(*restored), state_of(*a));
}

TEST_P(SgdState, MergeWithAnEmptyLearnerChangesNothing) {
  const TestRows rows = patchy_rows(5, 1000, 12);
  const std::unique_ptr<Learner> a = GetParam().make(12);
  predictions_of(*a, rows.view());
  const std::unique_ptr<Learner> into_empty = GetParam().make(12);
  into_empty->merge(*a);
  const std::unique_ptr<Learner> with_empty = a->clone();
  with_empty->merge(*GetParam().make(12));
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const double expected = a->predictor()->predict(rows.view().row(i));
    ASSERT_NEAR(into_empty->predictor()->predict(rows.view().row(i)), expected, 1e-10 * (1 + std::abs(expected)));
    ASSERT_NEAR(with_empty->predictor()->predict(rows.view().row(i)), expected, 1e-10 * (1 + std::abs(expected)));
  }
}

TEST_P(SgdState, StaysFiniteForAMillionExtremeRows) {
  constexpr double kSizes[] = {kMaxMagnitude, -kMaxMagnitude, 1e-300, 0, 1, -1e-3, 1e75, 5e-324};
  constexpr double kWeights[] = {1, 0, 1e100, 1e-300, 1, kMaxMagnitude, 3};
  constexpr std::size_t kAtOnce = 10'000;
  datasets::Random random(6);
  const std::unique_ptr<Learner> learner = GetParam().make(3);
  for (std::size_t done = 0; done < 1'000'000; done += kAtOnce) {
    TestRows rows{3, true, {}};
    // Long stretches of ordinary rows between the extremes, so that there is something to upset.
    const bool tame = done / kAtOnce % 3 == 1;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const auto number = [&] { return tame ? random.normal() : kSizes[random.below(std::size(kSizes))]; };
      const double x[] = {number(), number(), number()};
      rows.add({x, x + 3}, number(), tame ? 1 : kWeights[random.below(std::size(kWeights))]);
    }
    for (const double prediction : predictions_of(*learner, rows.view())) {
      ASSERT_LE(std::abs(prediction), kMaxMagnitude);
    }
    const Summary summary = learner->describe();
    for (const Estimate& coefficient : summary.coefficients) {
      ASSERT_TRUE(std::isfinite(coefficient.value));
    }
    ASSERT_TRUE(std::isfinite(summary.intercept.value_or(Estimate{}).value));
    ASSERT_EQ(decode_state(state_of(*learner), *GetParam().make(3)), DecodeError::kNone);
    if (done / kAtOnce % 10 == 5) {
      learner->merge(*learner->clone());
      learner->forget(random.uniform());
    }
  }
}

TEST_P(SgdState, ForgettingEverythingLeavesTheCount) {
  const TestRows rows = patchy_rows(7, 1000, 12);
  const std::unique_ptr<Learner> learner = GetParam().make(12);
  predictions_of(*learner, rows.view());
  learner->forget(0);
  EXPECT_EQ(learner->rows(), 1000);
  EXPECT_EQ(predictions_of(*learner, rows.view()), predictions_of(*GetParam().make(12), rows.view()));
}

// The state with its number at `place` replaced.
std::vector<std::byte> with(const std::vector<std::byte>& state, std::size_t place, std::uint64_t number) {
  StateWriter writer;
  StateReader reader;
  EXPECT_EQ(reader.open(state), DecodeError::kNone);
  for (std::size_t at = 0; reader.remaining() > 0; ++at) {
    std::uint64_t value = 0;
    EXPECT_TRUE(reader.get_count(value));
    writer.put_count(at == place ? number : value);
  }
  return std::move(writer).finish();
}

TEST_P(SgdState, RefusesNumbersThatNoStateCanHold) {
  const std::unique_ptr<Learner> learner = GetParam().make(4);
  predictions_of(*learner, patchy_rows(8, 50, 4).view());
  const std::vector<std::byte> state = state_of(*learner);
  for (std::size_t place = 1; place < (state.size() - 28) / 8; ++place) {  // any number may be the count of rows
    for (const double number : {std::numeric_limits<double>::quiet_NaN(), 1e305, -1e305}) {
      EXPECT_EQ(decode_state(with(state, place, std::bit_cast<std::uint64_t>(number)), *GetParam().make(4)),
                DecodeError::kInvalid)
          << place;
    }
  }
  constexpr std::size_t kRecentRows = 2;
  constexpr std::size_t kFirstColumn = 9;
  constexpr std::size_t kRowsOfFirst = 14;
  const auto refused = [&](std::size_t place, std::uint64_t number) {
    return decode_state(with(state, place, number), *GetParam().make(4)) == DecodeError::kInvalid;
  };
  EXPECT_TRUE(refused(kFirstColumn, 3)) << "columns increase";
  EXPECT_TRUE(refused(kFirstColumn, 4)) << "a column beyond the last";
  EXPECT_TRUE(refused(kRowsOfFirst, std::bit_cast<std::uint64_t>(60.0))) << "more rows than there were";
  EXPECT_TRUE(refused(kRowsOfFirst, std::bit_cast<std::uint64_t>(-1.0)));
  EXPECT_TRUE(refused(kRecentRows, std::bit_cast<std::uint64_t>(1.0))) << "fewer rows than a feature has";
}

INSTANTIATE_TEST_SUITE_P(Learners, SgdState, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SgdMerge, OfFourPartitionsPredictsAsTheWholeToOnePercent) {
  for (const std::size_t features : {4u, 8u, 32u}) {
    LinearStream stream{features, datasets::Random(9)};
    const TestRows rows = stream.rows(100'000);
    const TestRows fresh = stream.rows(20'000);
    const std::unique_ptr<Learner> whole = make("sgd", features);
    predictions_of(*whole, rows.view());
    const std::unique_ptr<Learner> merged = make("sgd", features);
    for (std::size_t part = 0; part < 4; ++part) {
      const std::unique_ptr<Learner> learner = make("sgd", features);
      predictions_of(*learner, rows.view().slice(part * 25'000, 25'000));
      merged->merge(*learner);
    }
    EXPECT_EQ(merged->rows(), 100'000);
    EXPECT_LT(mse(*merged, fresh.view()), 1.01 * mse(*whole, fresh.view())) << features;
  }
}

TEST(SgdMerge, KeepsWhatOnlyOnePartitionHasSeen) {
  TestRows left{2, false, {}};
  TestRows right{2, false, {}};
  datasets::Random random(10);
  for (int i = 0; i < 3000; ++i) {
    const double x = 5 + random.normal();
    left.add({x, 0}, 3 * x);
    right.add({0, x}, -2 * x);
  }
  const std::unique_ptr<Learner> a = make("sgd", 2);
  const std::unique_ptr<Learner> b = make("sgd", 2);
  predictions_of(*a, left.view());
  predictions_of(*b, right.view());
  const double one = a->describe().coefficients[0].value;
  const double other = b->describe().coefficients[1].value;
  a->merge(*b);
  EXPECT_NEAR(one, 3, 0.2);
  EXPECT_NEAR(a->describe().coefficients[0].value, one, 1e-12);
  EXPECT_NEAR(a->describe().coefficients[1].value, other, 1e-12);
}

// A feature that is dense in one partition, and so centred, and in the other is not.
TEST(SgdMerge, FitsPartitionsWhoseFeaturesHaveOtherCentres) {
  datasets::Random random(15);
  const auto about = [&](double centre, double share) {
    TestRows rows{1, false, {}};
    for (int i = 0; i < 5000; ++i) {
      const double x = random.uniform() < share ? centre + random.normal() : 0;
      rows.add({x}, 1 + 3 * x + random.normal() / 10);
    }
    return rows;
  };
  const TestRows low = about(-5, 0.3);
  const TestRows high = about(20, 1);
  const std::unique_ptr<Learner> a = make("sgd", 1);
  const std::unique_ptr<Learner> b = make("sgd", 1);
  predictions_of(*a, low.view());
  predictions_of(*b, high.view());
  a->merge(*b);
  EXPECT_LT(mse(*a, low.view()), 0.5);
  EXPECT_LT(mse(*a, high.view()), 0.5);
}

TEST(SgdForget, LengthensTheStepsAndLeavesTheCoefficients) {
  LinearStream stream{4, datasets::Random(11)};
  const TestRows before = stream.rows(50'000);
  const std::unique_ptr<Learner> stays = make("quantile", 4, {{"intercept", "false"}});
  predictions_of(*stays, before.view());
  const std::unique_ptr<Learner> forgets = stays->clone();
  forgets->forget(0.0001);
  EXPECT_NEAR(mse(*forgets, before.view()), mse(*stays, before.view()), 1e-9);
  const TestRows row = stream.rows(1);
  const auto change = [&](Learner& learner) {
    const double prediction = predictions_of(learner, row.view())[0];
    return std::abs(learner.predictor()->predict(row.view().row(0)) - prediction);
  };
  EXPECT_GT(change(*forgets), 20 * change(*stays));
}

// A row of a stream a million columns wide costs and keeps what its non-zeros do: if it were the width, these rows
// would be 10^11 steps, and their state 64 MB.
TEST(SgdWide, KeepsAndLearnsNoMoreThanTheNonZeros) {
  constexpr std::size_t kRows = 100'000;
  datasets::Random random(12);
  std::vector<std::uint64_t> starts{0};
  std::vector<std::uint32_t> columns;
  std::vector<double> targets;
  for (std::size_t i = 0; i < kRows; ++i) {
    double target = random.normal() / 2;
    for (std::uint64_t block = 0; block < 4; ++block) {  // a word of 250 in each of four places
      const std::uint64_t word = random.below(250);
      columns.push_back(static_cast<std::uint32_t>(block * 250'000 + 900 * word));
      target += static_cast<double>(word % 5) - 2;
    }
    starts.push_back(columns.size());
    targets.push_back(target);
  }
  const std::vector<double> ones(columns.size(), 1.0);
  const SparseRowsView rows{starts.data(), columns.data(), ones.data(), targets.data(), nullptr, kRows, 1'000'000};
  const std::unique_ptr<Learner> learner = make("sgd", 1'000'000);
  std::vector<double> predictions(kRows);
  learner->partial_fit_sparse(rows, predictions);
  double squares = 0;
  for (std::size_t i = kRows / 2; i < kRows; ++i) {
    squares += (predictions[i] - targets[i]) * (predictions[i] - targets[i]);
  }
  EXPECT_LT(squares / (kRows / 2), 0.35) << "of which 0.25 is noise; the targets' variance is 8.25";
  EXPECT_EQ(state_of(*learner).size(), 28 + 8 * (9 + 7 * 1000));
  const Summary summary = learner->describe();
  EXPECT_EQ(summary.coefficients.size(), 1'000u) << "of the million those that are not zero";
  ASSERT_EQ(summary.columns.size(), 1'000u);
  EXPECT_TRUE(std::is_sorted(summary.columns.begin(), summary.columns.end()));
}

TEST(SgdWide, PenaltiesReachFeaturesThatAreAbsent) {
  TestRows rows{2, false, {}};
  datasets::Random random(13);
  for (int i = 0; i < 1000; ++i) {
    const double rare = i % 3 == 0 ? random.normal() : 0;
    const double x = random.normal();
    rows.add({x, rare}, x + 2 * rare + 0.1 * random.normal());
  }
  TestRows without{2, false, {}};
  for (int i = 0; i < 20'000; ++i) {
    const double x = random.normal();
    without.add({x, 0}, x + 0.1 * random.normal());
  }
  for (const char* penalty : {"l1", "l2"}) {
    const std::unique_ptr<Learner> learner = make("sgd", 2, {{penalty, "0.05"}});
    predictions_of(*learner, rows.view());
    EXPECT_NEAR(learner->describe().coefficients[1].value, 2, 0.6);
    predictions_of(*learner, without.view());
    EXPECT_LT(std::abs(learner->describe().coefficients[1].value), 0.1) << penalty;
    TestRows next{2, false, {}};
    next.add({0, 10}, 0);
    const double served = learner->predictor()->predict(next.view().row(0));
    EXPECT_NEAR(predictions_of(*learner, next.view())[0], served, 1e-12);
  }
}

TEST(SgdDeathTest, RowsOrLearnersOfAnotherKindAreABrokenInvariant) {
  const std::unique_ptr<Learner> learner = make("sgd", 2);
  const TestRows rows = patchy_rows(14, 1, 3);
  EXPECT_DEATH(predictions_of(*learner, rows.view()), "features");
  EXPECT_DEATH(learner->merge(*make("sgd", 2, {{"l2", "1"}})), "options");
  EXPECT_DEATH(learner->merge(*make("least_squares", 2)), "kind");
  const SparseRows sparse(rows.view());
  std::vector<double> predictions(1);
  EXPECT_DEATH(make("least_squares", 3)->partial_fit_sparse(sparse.view(), predictions), "sparse");
  EXPECT_FALSE(make("least_squares", 3)->takes_sparse());
}

}  // namespace
}  // namespace accrue::models
