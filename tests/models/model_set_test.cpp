#include "models/model_set.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/learners.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

TEST(ModelSet, ScoresEachRowBeforeLearningIt) {
  const TestRows rows = random_rows(1, 3000, 3, true);
  ModelSet model = least_squares_set({.features = 3});
  model.learn(rows.view());

  LeastSquares learner({.features = 3});
  const std::vector<double> predictions = learn(learner, rows.view());
  ProgressiveError error;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    error.pool(error.score(predictions[i], rows.view().target(i), rows.view().weight(i)));
  }
  EXPECT_EQ(model.champion().error().n(), 3000);
  EXPECT_NEAR(model.champion().error().mse(), error.mse(), 1e-13);
  EXPECT_NEAR(model.champion().error().mse_clipped(), error.mse_clipped(), 1e-13);
  EXPECT_EQ(learner_of(model).fit().coefficients, learner.fit().coefficients);
}

TEST(ModelSet, ReadsRowsInPlaceWhateverTheirStride) {
  const TestRows rows = random_rows(2, 700, 2);
  std::vector<double> spread(700 * 5, 1e9);
  for (std::size_t i = 0; i < 700; ++i) {
    std::copy_n(rows.view().row(i), 3, spread.data() + 5 * i);
  }
  ModelSet dense = least_squares_set({.features = 2});
  ModelSet sparse = least_squares_set({.features = 2});
  dense.learn(rows.view());
  sparse.learn({spread.data(), 700, 5, 2, false});
  EXPECT_EQ(sparse.encode(), dense.encode());
}

TEST(ModelSet, MergesLearnersAndErrors) {
  const TestRows rows = random_rows(3, 1000, 2);
  ModelSet a = least_squares_set({.features = 2});
  ModelSet b = least_squares_set({.features = 2});
  a.learn(rows.view().slice(0, 400));
  b.learn(rows.view().slice(400, 600));
  const double pooled = (400 * a.champion().error().mse() + 600 * b.champion().error().mse()) / 1000;
  a.merge(b);
  EXPECT_EQ(a.champion().error().n(), 1000);
  EXPECT_EQ(a.champion().learner().rows(), 1000);
  EXPECT_NEAR(a.champion().error().mse(), pooled, 1e-12 * pooled);
  EXPECT_LT(relative_error(coefficients(learner_of(a).fit()), batch_fit(rows.view())), 1e-10);
}

TEST(ModelSet, MergesPartitionsThatSeeEachOtherAsIfTheyDidNot) {
  const TestRows rows = random_rows(5, 3000, 3, true);
  ModelSet seeing[] = {least_squares_set({.features = 3}), least_squares_set({.features = 3})};
  ModelSet alone[] = {least_squares_set({.features = 3}), least_squares_set({.features = 3})};
  for (std::size_t first = 0; first < 3000; first += 100) {
    const std::size_t turn = first / 100 % 2;
    seeing[turn].learn(rows.view().slice(first, 100));
    alone[turn].learn(rows.view().slice(first, 100));
    ASSERT_TRUE(see(seeing[1 - turn], {seeing[turn].share()}));
  }
  seeing[0].merge(seeing[1]);
  alone[0].merge(alone[1]);
  EXPECT_EQ(seeing[0].champion().learner().rows(), 3000);
  EXPECT_EQ(coefficients(learner_of(seeing[0]).fit()), coefficients(learner_of(alone[0]).fit()));
  EXPECT_LT(seeing[0].champion().error().mse(), alone[0].champion().error().mse());
  EXPECT_EQ(seeing[0].champion().error().n(), 3000);
}

TEST(ModelSet, SharesWhatIsItsOwn) {
  const TestRows rows = random_rows(6, 2500, 2);
  ModelSet alone = least_squares_set({.features = 2});
  ModelSet model = least_squares_set({.features = 2});
  ModelSet other = least_squares_set({.features = 2});
  alone.learn(rows.view());  // ends in an unfinished block
  model.learn(rows.view());
  other.learn(random_rows(7, 10, 2).view());
  ASSERT_TRUE(see(model, {other.share()}));
  EXPECT_NE(model.encode(), alone.encode());
  EXPECT_EQ(model.share(), alone.share());

  std::optional<ModelSet> share;
  ASSERT_EQ(ModelSet::decode(model.share(), share), DecodeError::kNone);
  EXPECT_EQ(share->champion().learner().rows(), 2500);
  EXPECT_EQ(coefficients(learner_of(*share).fit()), coefficients(learner_of(alone).fit()));
  EXPECT_EQ(share->champion().error().mse(), alone.champion().error().mse());
}

TEST(ModelSet, ASeenShareChangesPredictionsAtOnce) {
  // Blocks are of two rows, and the second is about to be predicted.
  const TestRows rows = random_rows(8, 1026, 2);
  ModelSet model = least_squares_set({.features = 2});
  ModelSet other = least_squares_set({.features = 2});
  model.learn(rows.view().slice(0, 1025));
  other.learn(random_rows(9, 500, 2).view());
  ASSERT_TRUE(see(model, {other.share()}));
  const double mse = model.champion().error().mse();
  ModelSet whole = model;
  whole.merge(other);
  const RowsView last = rows.view().slice(1025, 1);
  const double expected = learner_of(whole).fit().predict(last.row(0)) - last.target(0);
  model.learn(last);
  EXPECT_NEAR(model.champion().error().mse() * 1026 - mse * 1025, expected * expected, 1e-2 * expected * expected)
      << "to the one row of 1,525 that is pending";
}

TEST(ModelSet, AShareThatIsDamagedOrOfAnotherModelChangesNothing) {
  ModelSet model = least_squares_set({.features = 2});
  ModelSet other = least_squares_set({.features = 2});
  model.learn(random_rows(10, 1500, 2).view());
  other.learn(random_rows(11, 20, 2).view());
  ASSERT_TRUE(see(model, {other.share()}));
  const std::vector<std::byte> before = model.encode();
  other.learn(random_rows(12, 20, 2).view());
  std::vector<std::byte> damaged = other.share();
  damaged.back() ^= std::byte{1};
  for (const auto& wrong :
       {damaged, least_squares_set({.features = 3}).share(), least_squares_set({.features = 2, .ridge = 1}).share()}) {
    EXPECT_FALSE(see(model, {other.share(), wrong}));
    EXPECT_EQ(model.encode(), before);
  }
  EXPECT_TRUE(see(model, {}));
  EXPECT_EQ(model.encode(), before) << "no shares are nothing to see";
  EXPECT_TRUE(see(model, {other.share()}));
  EXPECT_NE(model.encode(), before);
}

TEST(ModelSet, ACopyIsIndependent) {
  const TestRows rows = random_rows(4, 500, 2);
  ModelSet model = least_squares_set({.features = 2});
  model.learn(rows.view());
  const ModelSet copy = model;
  const std::vector<std::byte> before = copy.encode();
  model.learn(rows.view());
  EXPECT_EQ(copy.encode(), before);
  EXPECT_NE(model.encode(), before);
}

TEST(ModelSet, LearningNoRowsChangesNothing) {
  ModelSet model = least_squares_set({.features = 2});
  const std::vector<std::byte> before = model.encode();
  model.learn({nullptr, 0, 3, 2, false});
  EXPECT_EQ(model.encode(), before);
}

const ModelSpec kFirst{.name = "first"};
const ModelSpec kSecond{.name = "second", .settings = {{"ridge", "10"}}};
const ModelSpec kThird{.name = "third", .settings = {{"intercept", "false"}}};

ModelSet set_of(const std::vector<ModelSpec>& specs) { return {2, specs}; }

// What adding to a set that has one model says; empty where it does not refuse.
std::string refusal(const ModelSpec& spec) {
  ModelSet set = set_of({kFirst});
  try {
    set.add(spec);
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(set.models().size(), 1);
    return error.what();
  }
  return {};
}

TEST(ModelSet, EachModelLearnsAsIfItWereAlone) {
  const TestRows rows = random_rows(20, 2000, 2, true);
  ModelSet all = set_of({kFirst, kSecond, kThird});
  all.learn(rows.view());
  for (const ModelSpec& spec : {kFirst, kSecond, kThird}) {
    ModelSet alone = set_of({spec});
    alone.learn(rows.view());
    EXPECT_EQ(all.find(spec.name)->error().mse(), alone.champion().error().mse());
    EXPECT_EQ(all.find(spec.name)->describe().r2, alone.champion().describe().r2);
  }
  EXPECT_EQ(all.find("fourth"), nullptr);
}

TEST(ModelSet, AnAddedModelStartsFromNow) {
  const TestRows rows = random_rows(21, 2000, 2);
  ModelSet set = set_of({kFirst});
  set.learn(rows.view().slice(0, 1500));
  set.add(kSecond);
  set.learn(rows.view().slice(1500, 500));
  ModelSet late = set_of({kSecond});
  late.learn(rows.view().slice(1500, 500));
  EXPECT_EQ(set.champion().learner().rows(), 2000);
  EXPECT_EQ(set.find("second")->learner().rows(), 500);
  EXPECT_EQ(set.find("second")->error().mse(), late.champion().error().mse());
}

TEST(ModelSet, TheChampionStaysWhoeverIsAddedOrDropped) {
  ModelSet set = set_of({kFirst, kSecond, kThird});
  EXPECT_EQ(set.champion().spec(), kFirst);
  set.promote("third");
  set.drop("first");
  EXPECT_EQ(set.champion().spec(), kThird);
  set.add(kFirst);
  set.drop("second");
  EXPECT_EQ(set.champion().spec(), kThird);
  set.promote("first");
  set.drop("third");
  EXPECT_EQ(set.champion().spec(), kFirst);
  EXPECT_EQ(set.models().size(), 1);
}

TEST(ModelSet, RefusesWhatNoModelCanBe) {
  EXPECT_EQ(refusal({.name = "first"}), "there is a model 'first' already");
  EXPECT_EQ(refusal({.name = "x", .learner = "guess"}),
            "there is no learner 'guess': it is one of " + std::string(learner_kinds().front().name) +
                std::accumulate(learner_kinds().begin() + 1, learner_kinds().end(), std::string(),
                                [](std::string all, const LearnerKind& kind) {
                                  return std::move(all) + ", " + std::string(kind.name);
                                }));
  EXPECT_NE(refusal({.name = "x", .settings = {{"rigde", "1"}}}), "");
  EXPECT_NE(refusal({.name = "x", .settings = {{"ridge", "-1"}}}), "");
  EXPECT_NE(refusal({.name = std::string(ModelSet::kMaxTextBytes + 1, 'x')}), "");
  EXPECT_EQ(refusal({.name = "x"}), "");
}

TEST(ModelSet, HasSoManyModelsAndNoMore) {
  ModelSet set = set_of({kFirst});
  for (std::size_t i = 1; i < ModelSet::kMaxModels; ++i) {
    set.add({.name = std::to_string(i)});
  }
  EXPECT_THROW(set.add({.name = "more"}), std::invalid_argument);
}

TEST(ModelSet, OnlySetsOfTheSameModelsMerge) {
  const ModelSet set = set_of({kFirst, kSecond});
  EXPECT_TRUE(set.has_the_models_of(set_of({kFirst, kSecond})));
  EXPECT_FALSE(set.has_the_models_of(set_of({kSecond, kFirst})));
  EXPECT_FALSE(set.has_the_models_of(set_of({kFirst})));
  ModelSet promoted = set;
  promoted.promote("second");
  EXPECT_FALSE(set.has_the_models_of(promoted));
  EXPECT_FALSE(set.has_the_models_of(ModelSet(3, std::vector{kFirst, kSecond})));
}

}  // namespace
}  // namespace accrue::models
