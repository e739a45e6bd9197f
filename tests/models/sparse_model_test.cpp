// Models of sparse rows beside those of the dense rows that these stand for.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/model_set.hpp"
#include "tests/models/sgd_rows.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kFeatures = 9;

const std::vector<ModelSpec> kSpecs = {
    {.name = "plain", .learner = "sgd"},
    {.name = "clipped", .learner = "sgd", .settings = {{"clip", "observed"}, {"l1", "0.01"}}},
    {.name = "reset", .learner = "passive_aggressive", .settings = {{"on_drift", "reset"}}},
    {.name = "forgets", .learner = "quantile", .settings = {{"on_drift", "forget"}}}};

// With a jump of the target that is a drift.
TestRows drifting_rows() {
  TestRows rows = patchy_rows(31, 3'000, kFeatures);
  for (std::size_t i = 1'800; i < 3'000; ++i) rows.numbers[i * (kFeatures + 2) + kFeatures] += 80;
  return rows;
}

TEST(SparseModel, LearnsScoresAndDriftsAsFromDenseRows) {
  const TestRows rows = drifting_rows();
  const SparseRows sparse(rows.view());
  ModelSet from_dense(kFeatures, kSpecs);
  ModelSet from_sparse(kFeatures, kSpecs);
  from_dense.learn(rows.view());
  for (std::size_t first = 0; first < 3'000; first += 700) {  // wherever the calls are cut
    SparseRowsView part = sparse.view().slice(first, std::min<std::size_t>(700, 3'000 - first));
    from_sparse.learn(part);
  }
  EXPECT_GT(from_dense.find("reset")->drift().alarms(), 0u);
  EXPECT_GT(from_dense.find("forgets")->drift().alarms(), 0u);
  EXPECT_EQ(from_sparse.encode(), from_dense.encode());
}

TEST(SparseModel, PredictsWhatItWouldOfTheDenseRow) {
  const TestRows rows = drifting_rows();
  const SparseRows sparse(rows.view());
  ModelSet models(kFeatures, kSpecs);
  models.learn(sparse.view());
  for (const Model& model : models.models()) {
    const std::unique_ptr<const Predictor> predictor = model.predictor();
    double largest = 0;
    for (std::size_t i = 0; i < 50; ++i) {
      std::vector<double> row(rows.view().row(i), rows.view().row(i) + kFeatures);
      std::vector<double> far(sparse.view().row_values(i),
                              sparse.view().row_values(i) + sparse.view().row_columns(i).size());
      for (double& x : row) x *= 100;  // so that who clips has to
      for (double& x : far) x *= 100;
      const double dense = predictor->predict(row.data());
      EXPECT_NEAR(predictor->predict_sparse(sparse.view().row_columns(i), far.data()), dense,
                  1e-12 * (1 + std::abs(dense)));
      largest = std::max(largest, std::abs(dense));
    }
    if (model.spec().name == "clipped") {
      EXPECT_LT(largest, 120);
    }
  }
}

TEST(SparseModel, AMillionFeaturesHaveNoNamesNoTransformsAndASmallShare) {
  constexpr std::size_t kWide = 1'000'000;
  const ModelSet wide(kWide, std::vector<ModelSpec>{{.name = "sgd", .learner = "sgd"}});
  EXPECT_TRUE(wide.models()[0].feature_names().empty());
  EXPECT_TRUE(wide.models()[0].takes_sparse());
  EXPECT_THROW(Model({.name = "s", .learner = "sgd", .settings = {{"transforms", "standard_scaler"}}}, kWide),
               std::invalid_argument);
  const Model scaled({.name = "s", .learner = "sgd", .settings = {{"transforms", "standard_scaler"}}}, 3);
  EXPECT_FALSE(scaled.takes_sparse());
  EXPECT_FALSE(Model({.name = "l"}, 3).takes_sparse());
  EXPECT_EQ(wide.models()[0].describe().coefficients.size(), 0u);
}

// Others look away from what sgd has learned, so it is not handed out: but its targets are, which clip.
TEST(SparseModel, ASharesSizeDoesNotGrowWithWhatWasLearned) {
  const TestRows rows = patchy_rows(32, 500, kFeatures);
  const SparseRows sparse(rows.view());
  const std::vector<ModelSpec> specs = {{.name = "sgd", .learner = "sgd", .settings = {{"clip", "observed"}}}};
  ModelSet one(kFeatures, specs);
  ModelSet other(kFeatures, specs);
  const std::size_t before = one.share().size();
  one.learn(sparse.view());
  const std::vector<std::byte> share = one.share();
  EXPECT_LT(share.size(), before + 100 * kFeatures);
  std::optional<ModelSet> seen;
  ASSERT_EQ(ModelSet::decode(share, seen), DecodeError::kNone);
  EXPECT_EQ(seen->champion().learner().rows(), 0u);
  const std::vector<std::span<const std::byte>> shares = {share};
  ASSERT_EQ(other.see(shares), DecodeError::kNone);
  EXPECT_EQ(other.champion().learner().rows(), 0u);
}

}  // namespace
}  // namespace accrue::models
