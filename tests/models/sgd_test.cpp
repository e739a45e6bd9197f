#include "models/sgd.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "models/model.hpp"
#include "tests/models/sgd_rows.hpp"

namespace accrue::models {
namespace {

// The rows in file order (0) or shuffled.
std::vector<double> california_in_order(std::uint64_t order) {
  const datasets::Table table = datasets::read_california(*datasets::find_california());
  if (order == 0) {
    return table.values;
  }
  std::vector<double> values;
  for (const std::size_t i : datasets::permutation(table.rows, order)) {
    values.insert(values.end(), table.row(i).begin(), table.row(i).end());
  }
  return values;
}

class SgdOfCalifornia : public testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override {
    if (!datasets::find_california()) {
      GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
    }
    values_ = california_in_order(GetParam());
  }
  ProgressiveError error_of(const ModelSpec& spec) const {
    Model model(spec, 8);
    model.learn({values_.data(), values_.size() / 9, 9, 8, false});
    return model.error();
  }

  std::vector<double> values_;
};

TEST_P(SgdOfCalifornia, NeedsNeitherScalingNorTuning) {
  const ProgressiveError error = error_of({"m", "sgd"});
  EXPECT_LT(error.mse_clipped(), GetParam() == 0 ? 0.35 : 0.515);
  EXPECT_LT(error.mse(), 5) << "a few rows lie a hundred deviations out";
}

TEST_P(SgdOfCalifornia, DoesNotDivergeWhateverTheLossAndTheRate) {
  for (const char* loss : {"squared", "huber", "epsilon_insensitive", "quantile"}) {
    for (const char* rate : {"0.1", "1", "100"}) {
      const ModelSpec spec{"m", "sgd", {{"loss", loss}, {"learning_rate", rate}}};
      EXPECT_LT(error_of(spec).mse_clipped(), 1.0) << loss << " at " << rate;
    }
  }
}

TEST_P(SgdOfCalifornia, PassiveAggressiveStepsStayBelowTheMeansError) {
  for (const char* variant : {"PA", "PA-I", "PA-II"}) {
    const ModelSpec spec{"m", "passive_aggressive", {{"variant", variant}}};
    EXPECT_LT(error_of(spec).mse_clipped(), variant == std::string("PA") ? 0.95 : 0.6) << variant;
  }
}

INSTANTIATE_TEST_SUITE_P(California, SgdOfCalifornia, testing::Range<std::uint64_t>(0, 6), [](const auto& info) {
  return info.param == 0 ? std::string("file") : "shuffle" + std::to_string(info.param);
});

TEST(Sgd, FindsTheCoefficientsInTheUnitsOfTheFeatures) {
  LinearStream stream{8, datasets::Random(1)};
  const std::unique_ptr<Learner> learner = make("sgd", 8);
  predictions_of(*learner, stream.rows(100'000).view());
  const Summary summary = learner->describe();
  ASSERT_EQ(summary.coefficients.size(), 8);
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_NEAR(summary.coefficients[k].value * stream.size(k), stream.slope(k), 0.15) << k;
    EXPECT_FALSE(summary.coefficients[k].std_error);
  }
  EXPECT_NEAR(summary.intercept->value, stream.kIntercept, 1);
  EXPECT_LT(mse(*learner, stream.rows(10'000).view()), 1.05);
}

TEST(Sgd, PredictsTheNextRowAsItIsScored) {
  const TestRows rows = patchy_rows(2, 500, 9);
  for (const char* name : {"sgd", "passive_aggressive", "quantile"}) {
    const std::unique_ptr<Learner> learner = make(name, 9);
    for (std::size_t i = 0; i < rows.count(); ++i) {
      const RowsView row = rows.view().slice(i, 1);
      const double served = learner->predictor()->predict(row.row(0));
      ASSERT_NEAR(predictions_of(*learner, row)[0], served, 1e-12 * (1 + std::abs(served))) << i;
    }
  }
}

TEST(Sgd, DoesNotDependOnTheUnits) {
  const TestRows rows = patchy_rows(3, 2000, 6);
  TestRows rescaled = rows;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    double* row = rescaled.numbers.data() + i * rows.stride();
    row[0] *= 0x1p40;
    row[1] *= 0x1p-60;
    row[4] *= -0x1p3;
    row[6] *= 0x1p20;  // the target
  }
  const std::vector<double> expected = predictions_of(*make("sgd", 6), rows.view());
  const std::vector<double> actual = predictions_of(*make("sgd", 6), rescaled.view());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    ASSERT_EQ(actual[i], expected[i] * 0x1p20) << i;
  }
}

TEST(Sgd, StartsAtTheFirstTarget) {
  TestRows rows{1, false, {}};
  rows.add({5}, 1e6);
  rows.add({7}, 1e6 + 1);
  EXPECT_EQ(predictions_of(*make("sgd", 1), rows.view()), (std::vector<double>{0, 1e6}));
}

TEST(Sgd, GoesThroughZeroWithoutAnIntercept) {
  LinearStream stream{3, datasets::Random(4)};
  const std::unique_ptr<Learner> learner = make("sgd", 3, {{"intercept", "false"}});
  predictions_of(*learner, stream.rows(1000).view());
  const std::vector<double> zeros(3);
  EXPECT_EQ(learner->predictor()->predict(zeros.data()), 0);
  EXPECT_FALSE(learner->describe().intercept);
}

TEST(Sgd, RowsOfWeightZeroChangeNothingButTheCount) {
  const TestRows rows = patchy_rows(5, 3000, 6);
  TestRows kept{6, true, {}};
  std::vector<double> kept_predictions;
  const std::unique_ptr<Learner> all = make("sgd", 6, {{"l1", "0.01"}, {"l2", "0.01"}});
  const std::vector<double> predictions = predictions_of(*all, rows.view());
  for (std::size_t i = 0; i < rows.count(); ++i) {
    if (const double* x = rows.view().row(i); rows.view().weight(i) > 0) {
      kept.add({x, x + 6}, x[6], x[7]);
      kept_predictions.push_back(predictions[i]);
    }
  }
  const std::unique_ptr<Learner> some = make("sgd", 6, {{"l1", "0.01"}, {"l2", "0.01"}});
  EXPECT_EQ(predictions_of(*some, kept.view()), kept_predictions);
  EXPECT_EQ(all->rows(), 3000);
  EXPECT_EQ(some->rows(), kept.count());
}

TEST(Sgd, AHugeWeightReachesTheTargetAndNotBeyond) {
  LinearStream stream{4, datasets::Random(6)};
  for (const char* loss : {"squared", "huber", "epsilon_insensitive", "quantile"}) {
    const std::unique_ptr<Learner> learner = make("sgd", 4, {{"loss", loss}});
    predictions_of(*learner, stream.rows(1000).view());
    TestRows row{4, true, {}};
    row.add({0.002, 0.05, 0.3, -2}, 50, 1e100);
    predictions_of(*learner, row.view());
    EXPECT_NEAR(learner->predictor()->predict(row.view().row(0)), 50, 1e-9) << loss;
  }
}

TEST(Sgd, RobustLossesAreNotDrawnByOutliers) {
  LinearStream stream{4, datasets::Random(7)};
  TestRows rows = stream.rows(50'000);
  for (std::size_t i = 0; i < rows.count(); i += 10) {
    rows.numbers[i * rows.stride() + 4] += 100;
  }
  const TestRows clean = stream.rows(5000);
  const auto error = [&](const char* loss) {
    const std::unique_ptr<Learner> learner = make("sgd", 4, {{"loss", loss}});
    predictions_of(*learner, rows.view());
    return mse(*learner, clean.view());
  };
  EXPECT_GT(error("squared"), 50) << "drawn to the mean of the targets";
  EXPECT_LT(error("huber"), 1.4);
  EXPECT_LT(error("epsilon_insensitive"), 1.4);
  EXPECT_LT(error("quantile"), 1.4);
}

TEST(Sgd, PenaltiesShrinkAsRidgeAndLassoDo) {
  LinearStream stream{8, datasets::Random(8)};
  const TestRows rows = stream.rows(100'000);
  const auto coefficients = [&](std::vector<Setting> settings) {
    settings.push_back({"learning_rate", "0.2"});
    const std::unique_ptr<Learner> learner = make("sgd", 8, std::move(settings));
    predictions_of(*learner, rows.view());
    std::vector<double> sizes;
    for (std::size_t k = 0; k < 8; ++k) {
      sizes.push_back(learner->describe().coefficients[k].value * stream.size(k));
    }
    return sizes;
  };
  const std::vector<double> ridge = coefficients({{"l2", "1"}});
  const std::vector<double> lasso = coefficients({{"l1", "0.8"}});
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_NEAR(ridge[k], stream.slope(k) / 2, 0.1) << k;
    const double shrunk = std::copysign(std::max(0.0, std::abs(stream.slope(k)) - 0.8), stream.slope(k));
    EXPECT_NEAR(lasso[k], shrunk, 0.1) << k;
  }
}

// Targets about 1 + 2x whose spread grows with x: every conditional quantile is a line.
TEST(Quantile, CoversItsShareOfTheTargetsNearAndFar) {
  datasets::Random random(9);
  TestRows rows{1, false, {}};
  for (int i = 0; i < 100'000; ++i) {
    const double x = 1000 * random.uniform();
    rows.add({x}, 1 + 2 * x + (50 + x) * random.normal());
  }
  for (const double quantile : {0.1, 0.5, 0.9}) {
    const std::unique_ptr<Learner> learner = make("quantile", 1, {{"quantile", std::to_string(quantile)}});
    const std::vector<double> predictions = predictions_of(*learner, rows.view());
    double covered[2] = {0, 0};
    double count[2] = {0, 0};
    for (std::size_t i = 20'000; i < rows.count(); ++i) {
      const std::size_t far = rows.view().row(i)[0] > 500 ? 1 : 0;
      covered[far] += rows.view().target(i) <= predictions[i] ? 1 : 0;
      count[far] += 1;
    }
    EXPECT_NEAR(covered[0] / count[0], quantile, 0.02);
    EXPECT_NEAR(covered[1] / count[1], quantile, 0.02);
  }
}

TEST(PassiveAggressive, TakesTheStepsOfThePaper) {
  // One feature as it is, no intercept: the prediction is c * x, and a step adds tau * x to c.
  TestRows rows{1, false, {}};
  rows.add({4}, -1);
  rows.add({2}, 3);
  const double spread[] = {1, std::sqrt(5.0)};  // the root of the mean square of the targets so far
  const auto coefficient = [&](std::vector<Setting> settings) {
    settings.insert(settings.end(), {{"standardise", "false"}, {"intercept", "false"}, {"epsilon", "0.5"}});
    const std::unique_ptr<Learner> learner = make("passive_aggressive", 1, settings);
    predictions_of(*learner, rows.view());
    return learner->describe().coefficients[0].value;
  };
  const auto by_hand = [&](auto tau) {
    double c = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const double x = rows.view().row(i)[0];
      const double error = rows.view().target(i) - c * x;
      c += std::copysign(tau(std::max(0.0, std::abs(error) - 0.5), x * x, spread[i]), error) * x;
    }
    return c;
  };
  EXPECT_NEAR(coefficient({{"variant", "PA"}}), by_hand([](double loss, double xx, double) { return loss / xx; }),
              1e-15);
  EXPECT_NEAR(coefficient({{"C", "0.1"}}),
              by_hand([](double loss, double xx, double unit) { return std::min(0.1 * unit, loss / xx); }), 1e-15);
  EXPECT_NEAR(coefficient({{"variant", "PA-II"}, {"C", "0.1"}}),
              by_hand([](double loss, double xx, double) { return loss / (xx + 1 / (2 * 0.1)); }), 1e-15);
}

TEST(Sgd, RefusesWhatItCannotBe) {
  EXPECT_THROW(Sgd({.features = 0}), std::invalid_argument);
  EXPECT_THROW(Sgd({.features = kMaxWideFeatures + 1}), std::invalid_argument);
  EXPECT_THROW(make("sgd", 1, {{"loss", "cubic"}}), std::invalid_argument);
  EXPECT_THROW(make("sgd", 1, {{"huber_delta", "1"}}), std::invalid_argument) << "of another loss";
  EXPECT_THROW(make("sgd", 1, {{"l1", "-1"}}), std::invalid_argument);
  EXPECT_THROW(make("quantile", 1, {{"quantile", "1"}}), std::invalid_argument);
  EXPECT_THROW(make("passive_aggressive", 1, {{"variant", "PA-III"}}), std::invalid_argument);
  EXPECT_THROW(make("passive_aggressive", 1, {{"l2", "1"}}), std::invalid_argument);
}

}  // namespace
}  // namespace accrue::models
