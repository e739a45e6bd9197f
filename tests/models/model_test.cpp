#include "models/model.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

TEST(Model, ScoresEachRowBeforeLearningIt) {
  const TestRows rows = random_rows(1, 3000, 3, true);
  Model model({.features = 3});
  model.learn(rows.view());

  LeastSquares learner({.features = 3});
  const std::vector<double> predictions = learn(learner, rows.view());
  ProgressiveError error;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    error.add(predictions[i], rows.view().target(i), rows.view().weight(i));
  }
  EXPECT_EQ(model.error().n(), 3000);
  EXPECT_EQ(model.error().mse(), error.mse());
  EXPECT_EQ(model.error().mse_clipped(), error.mse_clipped());
  EXPECT_EQ(model.learner().fit().coefficients, learner.fit().coefficients);
}

TEST(Model, ReadsRowsInPlaceWhateverTheirStride) {
  const TestRows rows = random_rows(2, 700, 2);
  std::vector<double> spread(700 * 5, 1e9);
  for (std::size_t i = 0; i < 700; ++i) {
    std::copy_n(rows.view().row(i), 3, spread.data() + 5 * i);
  }
  Model dense({.features = 2});
  Model sparse({.features = 2});
  dense.learn(rows.view());
  sparse.learn({spread.data(), 700, 5, 2, false});
  EXPECT_EQ(sparse.encode(), dense.encode());
}

TEST(Model, MergesLearnersAndErrors) {
  const TestRows rows = random_rows(3, 1000, 2);
  Model a({.features = 2});
  Model b({.features = 2});
  a.learn(rows.view().slice(0, 400));
  b.learn(rows.view().slice(400, 600));
  const double pooled = (400 * a.error().mse() + 600 * b.error().mse()) / 1000;
  a.merge(b);
  EXPECT_EQ(a.error().n(), 1000);
  EXPECT_EQ(a.learner().rows(), 1000);
  EXPECT_NEAR(a.error().mse(), pooled, 1e-12 * pooled);
  EXPECT_LT(relative_error(coefficients(a.learner().fit()), batch_fit(rows.view())), 1e-10);
}

TEST(Model, MergesPartitionsThatSeeEachOtherAsIfTheyDidNot) {
  const TestRows rows = random_rows(5, 3000, 3, true);
  Model seeing[] = {Model({.features = 3}), Model({.features = 3})};
  Model alone[] = {Model({.features = 3}), Model({.features = 3})};
  for (std::size_t first = 0; first < 3000; first += 100) {
    const std::size_t turn = first / 100 % 2;
    seeing[turn].learn(rows.view().slice(first, 100));
    alone[turn].learn(rows.view().slice(first, 100));
    ASSERT_TRUE(see(seeing[1 - turn], {seeing[turn].share()}));
  }
  seeing[0].merge(seeing[1]);
  alone[0].merge(alone[1]);
  EXPECT_EQ(seeing[0].learner().rows(), 3000);
  EXPECT_EQ(coefficients(seeing[0].learner().fit()), coefficients(alone[0].learner().fit()));
  EXPECT_LT(seeing[0].error().mse(), alone[0].error().mse());
  EXPECT_EQ(seeing[0].error().n(), 3000);
}

TEST(Model, SharesWhatIsItsOwn) {
  const TestRows rows = random_rows(6, 2500, 2);
  Model alone({.features = 2});
  Model model({.features = 2});
  Model other({.features = 2});
  alone.learn(rows.view());  // ends in an unfinished block
  model.learn(rows.view());
  other.learn(random_rows(7, 10, 2).view());
  ASSERT_TRUE(see(model, {other.share()}));
  EXPECT_NE(model.encode(), alone.encode());
  EXPECT_EQ(model.share(), alone.share());

  std::optional<Model> share;
  ASSERT_EQ(Model::decode(model.share(), share), DecodeError::kNone);
  EXPECT_EQ(share->learner().rows(), 2500);
  EXPECT_EQ(coefficients(share->learner().fit()), coefficients(alone.learner().fit()));
  EXPECT_EQ(share->error().mse(), alone.error().mse());
}

TEST(Model, ASeenShareChangesPredictionsAtOnce) {
  // Blocks are of two rows, and the second is about to be predicted.
  const TestRows rows = random_rows(8, 1026, 2);
  Model model({.features = 2});
  Model other({.features = 2});
  model.learn(rows.view().slice(0, 1025));
  other.learn(random_rows(9, 500, 2).view());
  ASSERT_TRUE(see(model, {other.share()}));
  const double mse = model.error().mse();
  Model whole = model;
  whole.merge(other);
  const RowsView last = rows.view().slice(1025, 1);
  const double expected = whole.learner().fit().predict(last.row(0)) - last.target(0);
  model.learn(last);
  EXPECT_NEAR(model.error().mse() * 1026 - mse * 1025, expected * expected, 1e-2 * expected * expected)
      << "to the one row of 1,525 that is pending";
}

TEST(Model, AShareThatIsDamagedOrOfAnotherModelChangesNothing) {
  Model model({.features = 2});
  Model other({.features = 2});
  model.learn(random_rows(10, 1500, 2).view());
  other.learn(random_rows(11, 20, 2).view());
  ASSERT_TRUE(see(model, {other.share()}));
  const std::vector<std::byte> before = model.encode();
  other.learn(random_rows(12, 20, 2).view());
  std::vector<std::byte> damaged = other.share();
  damaged.back() ^= std::byte{1};
  for (const auto& wrong : {damaged, Model({.features = 3}).share(), Model({.features = 2, .ridge = 1}).share()}) {
    EXPECT_FALSE(see(model, {other.share(), wrong}));
    EXPECT_EQ(model.encode(), before);
  }
  EXPECT_TRUE(see(model, {}));
  EXPECT_EQ(model.encode(), before) << "no shares are nothing to see";
  EXPECT_TRUE(see(model, {other.share()}));
  EXPECT_NE(model.encode(), before);
}

TEST(Model, ACopyIsIndependent) {
  const TestRows rows = random_rows(4, 500, 2);
  Model model({.features = 2});
  model.learn(rows.view());
  const Model copy = model;
  const std::vector<std::byte> before = copy.encode();
  model.learn(rows.view());
  EXPECT_EQ(copy.encode(), before);
  EXPECT_NE(model.encode(), before);
}

TEST(Model, LearningNoRowsChangesNothing) {
  Model model({.features = 2});
  const std::vector<std::byte> before = model.encode();
  model.learn({nullptr, 0, 3, 2, false});
  EXPECT_EQ(model.encode(), before);
}

}  // namespace
}  // namespace accrue::models
