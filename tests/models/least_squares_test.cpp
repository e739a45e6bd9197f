#include "models/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

TEST(LeastSquares, EqualsTheBatchFit) {
  for (const bool intercept : {true, false}) {
    for (const bool weighted : {true, false}) {
      for (const std::size_t count : {30u, 1500u, 5000u}) {
        const TestRows rows = random_rows(count, count, 6, weighted);
        LeastSquares learner({.features = 6, .intercept = intercept});
        learn(learner, rows.view());
        const Fit fit = learner.fit();
        EXPECT_EQ(fit.rows, count);
        EXPECT_EQ(fit.has_intercept, intercept);
        EXPECT_LT(relative_error(coefficients(fit), batch_fit(rows.view(), intercept)), 1e-10);
      }
    }
  }
}

TEST(LeastSquares, EqualsTheBatchFitOnceBlocksAreFull) {
  const TestRows rows = random_rows(1, 300'000, 3);
  LeastSquares learner({.features = 3});
  learn(learner, rows.view());
  EXPECT_LT(relative_error(coefficients(learner.fit()), batch_fit(rows.view())), 1e-10);
}

TEST(LeastSquares, PredictsFromTheRowsBeforeTheBlock) {
  // 1,024 rows in blocks of one, then one block of two: its second row is predicted without the first.
  const TestRows rows = random_rows(2, 1026, 2);
  LeastSquares learner({.features = 2});
  const std::vector<double> predictions = learn(learner, rows.view());
  const auto batch_prediction = [&](std::size_t row, std::size_t rows_known) {
    Fit fit{rows_known, true, 0, std::vector<double>(2)};
    const Eigen::VectorXd solution = batch_fit(rows.view().slice(0, rows_known));
    fit.intercept = solution[0];
    fit.coefficients = {solution[1], solution[2]};
    return fit.predict(rows.view().row(row));
  };
  for (const std::size_t row : {6u, 7u, 100u, 1023u}) {
    EXPECT_NEAR(predictions[row], batch_prediction(row, row), 1e-10) << row;
  }
  EXPECT_NEAR(predictions[1024], batch_prediction(1024, 1024), 1e-10);
  EXPECT_NEAR(predictions[1025], batch_prediction(1025, 1024), 1e-10);
}

TEST(LeastSquares, PredictsTheMeanTargetWhileYoung) {
  TestRows rows{2, true, {}};
  rows.add({1, 2}, 10, 1);
  rows.add({2, 1}, 20, 3);
  rows.add({7, 7}, 99, 0);
  rows.add({3, 5}, 0, 1);
  LeastSquares learner({.features = 2});
  const std::vector<double> predictions = learn(learner, rows.view());
  EXPECT_EQ(predictions[0], 0);
  EXPECT_DOUBLE_EQ(predictions[1], 10);
  EXPECT_DOUBLE_EQ(predictions[2], 17.5);
  EXPECT_DOUBLE_EQ(predictions[3], 17.5);

  LeastSquares through_zero({.features = 2, .intercept = false});
  EXPECT_EQ(learn(through_zero, rows.view()), std::vector<double>(4));
}

TEST(LeastSquares, RidgeAppliesToPredictionsAndFitAlike) {
  const TestRows rows = random_rows(3, 200, 3, true);
  LeastSquares learner({.features = 3, .ridge = 20});
  learn(learner, rows.view());
  const Fit fit = learner.fit();
  TestRows next{3, true, {}};
  next.add({0.1, 0.2, 3}, 1);
  EXPECT_NEAR(learn(learner, next.view())[0], fit.predict(next.view().row(0)), 1e-12);

  LeastSquares plain({.features = 3});
  learn(plain, rows.view());
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_LT(std::abs(fit.coefficients[k]), std::abs(plain.fit().coefficients[k]));
  }
}

TEST(LeastSquares, RidgeDoesNotDependOnTheUnitsOfTheFeatures) {
  const TestRows rows = random_rows(4, 100, 2);
  TestRows rescaled = rows;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    rescaled.numbers[3 * i] *= 1000;
  }
  LeastSquares learner({.features = 2, .ridge = 5});
  LeastSquares other({.features = 2, .ridge = 5});
  learn(learner, rows.view());
  learn(other, rescaled.view());
  EXPECT_NEAR(other.fit().intercept, learner.fit().intercept, 1e-11);
  EXPECT_NEAR(1000 * other.fit().coefficients[0], learner.fit().coefficients[0], 1e-9);
  EXPECT_NEAR(other.fit().coefficients[1], learner.fit().coefficients[1], 1e-11);
}

TEST(LeastSquares, AWeightCountsAsThatManyRows) {
  TestRows weighted{3, true, {}};
  TestRows repeated{3, false, {}};
  const TestRows rows = random_rows(5, 60, 3);
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const double* x = rows.view().row(i);
    const std::size_t times = i % 4;
    weighted.add({x[0], x[1], x[2]}, x[3], static_cast<double>(times));
    for (std::size_t copy = 0; copy < times; ++copy) {
      repeated.add({x[0], x[1], x[2]}, x[3]);
    }
  }
  LeastSquares a({.features = 3});
  LeastSquares b({.features = 3});
  learn(a, weighted.view());
  learn(b, repeated.view());
  EXPECT_LT(relative_error(coefficients(a.fit()), coefficients(b.fit())), 1e-11);
  EXPECT_EQ(a.sum_weights(), b.sum_weights());
  EXPECT_EQ(a.rows(), 60);
}

TEST(LeastSquares, FitsZerosBeforeTheFirstRow) {
  for (const double ridge : {0.0, 1.0}) {
    const Fit fit = LeastSquares({.features = 2, .ridge = ridge}).fit();
    EXPECT_EQ(fit.rows, 0);
    EXPECT_EQ(coefficients(fit), Eigen::VectorXd::Zero(3));
  }
}

TEST(LeastSquares, RowsOfWeightZeroTeachNothing) {
  TestRows rows{1, true, {}};
  rows.add({1}, 1, 0);
  rows.add({2}, 5, 0);
  LeastSquares learner({.features = 1});
  learn(learner, rows.view());
  EXPECT_EQ(learner.rows(), 2);
  EXPECT_EQ(coefficients(learner.fit()), Eigen::VectorXd::Zero(2));
  EXPECT_EQ(learner.describe().rank, 0);
  EXPECT_FALSE(learner.describe().residual_std);
}

TEST(LeastSquares, MergesUnfinishedBlocksToo) {
  const TestRows rows = random_rows(6, 4000, 4);
  LeastSquares a({.features = 4});
  LeastSquares b({.features = 4});
  learn(a, rows.view().slice(0, 1900));
  learn(b, rows.view().slice(1900, 2100));
  a.merge(b);
  EXPECT_EQ(a.rows(), 4000);
  EXPECT_EQ(a.sum_weights(), 4000);
  EXPECT_LT(relative_error(coefficients(a.fit()), batch_fit(rows.view())), 1e-10);
  const TestRows more = random_rows(7, 500, 4);
  learn(a, more.view());
  TestRows all = rows;
  all.numbers.insert(all.numbers.end(), more.numbers.begin(), more.numbers.end());
  EXPECT_LT(relative_error(coefficients(a.fit()), batch_fit(all.view())), 1e-10);
}

TEST(LeastSquares, MergedPredictsWithTheFitOfAllRowsFromTheNextRowOn) {
  const TestRows rows = random_rows(12, 4000, 2, true);
  LeastSquares a({.features = 2, .ridge = 50});
  LeastSquares b({.features = 2, .ridge = 50});
  learn(a, rows.view().slice(0, 1901));  // both end in an unfinished block
  learn(b, rows.view().slice(1901, 2098));
  a.merge(b);
  const RowsView next = rows.view().slice(3999, 1);
  const double expected = a.fit().predict(next.row(0));
  EXPECT_NEAR(learn(a, next)[0], expected, 1e-12 * std::abs(expected));
}

TEST(LeastSquares, PredictsWithWhatOthersHaveLearnedFromTheNextRowOn) {
  const TestRows rows = random_rows(13, 4000, 2, true);
  LeastSquares a({.features = 2, .ridge = 50});
  LeastSquares b({.features = 2, .ridge = 50});
  learn(a, rows.view().slice(0, 1800));     // ends with its block
  learn(b, rows.view().slice(1800, 2199));  // does not
  const LeastSquares own = a;
  LeastSquares both = a;
  both.merge(b);
  a.see(b);
  EXPECT_EQ(coefficients(a.fit()), coefficients(own.fit()));
  EXPECT_EQ(a.rows(), 1800);
  EXPECT_EQ(a.sum_weights(), own.sum_weights());
  const RowsView next = rows.view().slice(3999, 1);
  const double expected = both.fit().predict(next.row(0));
  EXPECT_NEAR(learn(a, next)[0], expected, 1e-12 * std::abs(expected));
}

TEST(LeastSquares, TrustsLeastSquaresOnceAllTogetherHaveTheRows) {
  const TestRows rows = random_rows(14, 12, 2);
  LeastSquares a({.features = 2});
  LeastSquares b({.features = 2});
  learn(b, rows.view().slice(0, 4));
  a.see(b);
  const double mean =
      (rows.view().target(0) + rows.view().target(1) + rows.view().target(2) + rows.view().target(3)) / 4;
  EXPECT_NEAR(learn(a, rows.view().slice(4, 1))[0], mean, 1e-12);
  LeastSquares both = a;
  both.merge(b);
  EXPECT_NEAR(learn(a, rows.view().slice(5, 1))[0], learn(both, rows.view().slice(5, 1))[0], 1e-10) << "five rows";
  LeastSquares all = a;
  all.merge(b);
  const double expected = all.fit().predict(rows.view().row(6));
  EXPECT_NEAR(learn(a, rows.view().slice(6, 1))[0], expected, 1e-9) << "two rows of its own, six of all";
}

TEST(LeastSquares, SeesOthersAsTheyWereLast) {
  const TestRows rows = random_rows(15, 600, 2);
  LeastSquares a({.features = 2});
  LeastSquares b({.features = 2});
  learn(a, rows.view().slice(0, 100));
  learn(b, rows.view().slice(100, 200));
  LeastSquares fresh = a;
  a.see(b);
  learn(b, rows.view().slice(300, 200));
  a.see(b);
  fresh.see(b);
  EXPECT_EQ(learn(a, rows.view().slice(500, 100)), learn(fresh, rows.view().slice(500, 100)));
}

TEST(LeastSquares, MergeForgetsWhatEitherSawOfOthers) {
  const TestRows rows = random_rows(16, 700, 2);
  LeastSquares a({.features = 2});
  LeastSquares b({.features = 2});
  LeastSquares others({.features = 2});
  learn(a, rows.view().slice(0, 200));
  learn(b, rows.view().slice(200, 200));
  learn(others, rows.view().slice(400, 200));
  LeastSquares expected = a;
  expected.merge(b);
  a.see(others);
  b.see(others);
  a.merge(b);
  EXPECT_FALSE(a.sees_others());
  EXPECT_EQ(learn(a, rows.view().slice(600, 100)), learn(expected, rows.view().slice(600, 100)));
}

TEST(LeastSquares, OfManyFeaturesPredictsWithOthersAndItsLastRowAlike) {
  constexpr std::size_t kFeatures = 46;
  const TestRows rows = random_rows(17, 1000, kFeatures);
  LeastSquares a({.features = kFeatures});
  LeastSquares b({.features = kFeatures});
  learn(a, rows.view().slice(0, 400));
  learn(b, rows.view().slice(400, 400));
  a.see(b);
  learn(a, rows.view().slice(800, 3));
  LeastSquares both = a;
  both.merge(b);
  const RowsView next = rows.view().slice(803, 1);
  EXPECT_NEAR(learn(a, next)[0], both.fit().predict(next.row(0)), 1e-8);
  learn(b, rows.view().slice(804, 196));
  a.merge(b);
  EXPECT_LT(relative_error(coefficients(a.fit()), batch_fit(rows.view())), 1e-9);
}

TEST(LeastSquares, FittingDoesNotChangeTheLearner) {
  const TestRows rows = random_rows(8, 3000, 2);
  LeastSquares watched({.features = 2});
  LeastSquares alone({.features = 2});
  const std::vector<double> expected = learn(alone, rows.view());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    double prediction = 0;
    watched.partial_fit(rows.view().slice(i, 1), {{&prediction, 1}});
    ASSERT_EQ(prediction, expected[i]);
    if (i % 100 == 99) {
      (void)watched.fit();
      (void)watched.describe();
    }
  }
}

TEST(LeastSquares, CollinearAndConstantColumnsGetTheRightFittedValues) {
  const TestRows rows = random_rows(9, 3000, 2);
  TestRows collinear{5, false, {}};
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const double* x = rows.view().row(i);
    collinear.add({x[0], x[1], x[0] - 3 * x[1], 42, 0}, x[2]);
  }
  LeastSquares plain({.features = 2});
  LeastSquares learner({.features = 5});
  const std::vector<double> expected = learn(plain, rows.view());
  const std::vector<double> actual = learn(learner, collinear.view());
  const Fit plain_fit = plain.fit();
  const Fit fit = learner.fit();
  for (std::size_t i = 50; i < rows.count(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-8) << i;
    ASSERT_NEAR(fit.predict(collinear.view().row(i)), plain_fit.predict(rows.view().row(i)), 1e-9) << i;
  }
  EXPECT_EQ(learner.describe().rank, 3);
  EXPECT_EQ(plain.describe().rank, 3);
  EXPECT_NEAR(*learner.describe().residual_std, *plain.describe().residual_std, 1e-10);
}

TEST(LeastSquares, FewerRowsThanCoefficientsAreFittedExactly) {
  const TestRows rows = random_rows(10, 3, 6);
  LeastSquares learner({.features = 6});
  learn(learner, rows.view());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(learner.fit().predict(rows.view().row(i)), rows.view().target(i), 1e-11);
  }
  EXPECT_EQ(learner.describe().rank, 3);
  EXPECT_FALSE(learner.describe().residual_std);
  EXPECT_FALSE(learner.describe().coefficients[0].std_error);
}

TEST(LeastSquares, StaysFiniteForTheLargestAndSmallestRows) {
  constexpr double kSizes[] = {kMaxMagnitude, -kMaxMagnitude, 1e-200, 0, 1, std::numeric_limits<double>::denorm_min()};
  for (const double ridge : {0.0, 1.0}) {
    LeastSquares learner({.features = 3, .ridge = ridge});
    TestRows rows{3, true, {}};
    for (std::size_t i = 0; i < 3000; ++i) {
      const auto size = [&](std::size_t step) { return kSizes[(i / step + i) % std::size(kSizes)]; };
      rows.add({size(2), size(3), size(5)}, size(7), std::abs(size(11)));
    }
    for (const double prediction : learn(learner, rows.view())) {
      ASSERT_LE(std::abs(prediction), kMaxMagnitude);
    }
    EXPECT_TRUE(coefficients(learner.fit()).allFinite());
    const std::vector<double> huge(3, kMaxMagnitude);
    EXPECT_LE(std::abs(learner.fit().predict(huge.data())), kMaxMagnitude);
    const Summary summary = learner.describe();
    EXPECT_TRUE(std::isfinite(summary.residual_std.value_or(0)) && std::isfinite(summary.r2.value_or(0)));
  }
}

TEST(LeastSquares, TinyFeaturesAreLearnedExactly) {
  TestRows rows{1, false, {}};
  for (int i = 0; i < 50; ++i) {
    rows.add({1e-200 * i}, 2 + 3 * i);
  }
  LeastSquares learner({.features = 1});
  learn(learner, rows.view());
  EXPECT_NEAR(learner.fit().intercept, 2, 1e-12);
  EXPECT_NEAR(learner.fit().coefficients[0] / 1e200, 3, 1e-12);
}

TEST(LeastSquares, RefusesOptionsThatNoModelCanHave) {
  EXPECT_THROW(LeastSquares({.features = 0}), std::invalid_argument);
  EXPECT_THROW(LeastSquares({.features = kMaxFeatures + 1}), std::invalid_argument);
  EXPECT_THROW(LeastSquares({.features = 1, .ridge = -1}), std::invalid_argument);
  EXPECT_THROW(LeastSquares({.features = 1, .ridge = std::numeric_limits<double>::quiet_NaN()}), std::invalid_argument);
}

TEST(LeastSquaresDeathTest, RowsOrLearnersOfAnotherShapeAreABrokenInvariant) {
  LeastSquares learner({.features = 2});
  const TestRows rows = random_rows(11, 1, 3);
  double prediction = 0;
  EXPECT_DEATH(learner.partial_fit(rows.view(), {{&prediction, 1}}), "features");
  EXPECT_DEATH(learner.merge(LeastSquares({.features = 2, .ridge = 1})), "same options");
  EXPECT_DEATH(learner.see(LeastSquares({.features = 2, .ridge = 1})), "same options");
}

}  // namespace
}  // namespace accrue::models
