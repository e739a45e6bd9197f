#include "models/model_set.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

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
    error.add(predictions[i], rows.view().target(i), rows.view().weight(i));
  }
  EXPECT_EQ(model.champion().error().n(), 3000);
  EXPECT_EQ(model.champion().error().mse(), error.mse());
  EXPECT_EQ(model.champion().error().mse_clipped(), error.mse_clipped());
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

}  // namespace
}  // namespace accrue::models
