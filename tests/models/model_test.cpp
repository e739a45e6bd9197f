#include "models/model.hpp"

#include <algorithm>
#include <cstddef>
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
