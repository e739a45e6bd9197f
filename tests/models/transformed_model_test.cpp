// Models whose rows pass transforms: they learn, predict, merge and are stored as models of the transformed rows.
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "models/least_squares.hpp"
#include "models/model_set.hpp"
#include "models/transforms.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

using ::testing::ElementsAre;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const char* const kLearning = "impute(mean) | standard_scaler";

const datasets::Table& california() {
  static const datasets::Table table = datasets::read_california(*datasets::find_california());
  return table;
}

RowsView california_rows() { return {california().values.data(), california().rows, 9, 8, false}; }

// A tenth of the features missing.
std::vector<double> california_with_gaps() {
  std::vector<double> numbers = california().values;
  datasets::Random random(1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = i % 9 < 8 && random.below(10) == 0 ? kNaN : numbers[i];
  }
  return numbers;
}

ModelSpec spec(const std::string& transforms) { return {.name = "m", .settings = {{"transforms", transforms}}}; }

Model california_model(const std::string& transforms) { return Model(spec(transforms), 8, california().feature_names); }

ModelSet california_set(const std::vector<ModelSpec>& specs) { return {8, specs, california().feature_names}; }

// The rows as a chain of its own makes them.
TestRows transformed(const std::string& text, const RowsView& rows) {
  Transforms transforms(text, california().feature_names);
  const RowsView out = transforms.learn(rows);
  TestRows result{out.features, false, {}};
  for (std::size_t i = 0; i < out.count; ++i) {
    result.add({out.row(i), out.row(i) + out.features}, out.target(i));
  }
  return result;
}

Eigen::VectorXd coefficients(const Model& model) {
  const Summary summary = model.describe();
  Eigen::VectorXd all(static_cast<Eigen::Index>(summary.coefficients.size()) + 1);
  all[0] = summary.intercept->value;
  for (std::size_t k = 0; k < summary.coefficients.size(); ++k) {
    all[static_cast<Eigen::Index>(k) + 1] = summary.coefficients[k].value;
  }
  return all;
}

double mean_squared_error(const Predictor& predictor, const RowsView& rows) {
  double sum = 0;
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double error = predictor.predict(rows.row(i)) - rows.target(i);
    sum += error * error;
  }
  return sum / static_cast<double>(rows.count);
}

TEST(TransformedModel, IsTheBatchFitOfTheRowsBehindTransformsThatLearnNothing) {
  for (const char* text :
       {"log1p(Population, AveOccup)", "clip(1, 40; HouseAge, AveRooms) | clip(-120, 4; Longitude, AveOccup)",
        "impute(0) | select(MedInc, HouseAge, Latitude)", "polynomial(MedInc, HouseAge)",
        "log1p | polynomial(MedInc, HouseAge, AveRooms)", "hash(2; AveRooms, AveBedrms, AveOccup)"}) {
    const TestRows rows = transformed(text, california_rows());
    Model whole = california_model(text);
    whole.learn(california_rows());
    Model merged = california_model(text);
    for (std::size_t first = 0; first < california().rows; first += 5160) {
      Model part = california_model(text);
      part.learn(california_rows().slice(first, 5160));
      merged.merge(part);
    }
    const Eigen::VectorXd expected = batch_fit(rows.view());
    EXPECT_LT(relative_error(coefficients(whole), expected), 1e-9) << text;
    EXPECT_LT(relative_error(coefficients(merged), expected), 1e-9) << text;
  }
}

TEST(TransformedModel, LearnsTheRowsAsTheyWereTransformedAtTheTime) {
  const std::vector<double> numbers = california_with_gaps();
  const RowsView rows{numbers.data(), 3000, 9, 8, false};
  const TestRows as_they_were = transformed(kLearning, rows);
  Model model = california_model(kLearning);
  model.learn(rows);
  Model behind({.name = "m"}, 8);
  behind.learn(as_they_were.view());
  EXPECT_EQ(coefficients(model), coefficients(behind));
  EXPECT_EQ(model.error().mse(), behind.error().mse()) << "that is what it was scored by, too";
}

TEST(TransformedModel, PredictsRowsAsTheyCome) {
  const std::vector<double> numbers = california_with_gaps();
  const RowsView rows{numbers.data(), 3000, 9, 8, false};
  Model model = california_model(kLearning);
  Transforms transforms(kLearning, california().feature_names);
  model.learn(rows);
  transforms.learn(rows);
  const std::unique_ptr<const Predictor> predictor = model.predictor();
  const std::unique_ptr<const Predictor> behind = model.learner().predictor();
  model.learn(rows.slice(0, 500));  // what is predicted stays as it was
  std::vector<double> row(kMaxFeatures);
  for (std::size_t i = 0; i < rows.count; ++i) {
    transforms.transform(rows.row(i), row.data());
    ASSERT_EQ(predictor->predict(rows.row(i)), behind->predict(row.data()));
  }
}

TEST(TransformedModel, NamesTheFeaturesOfItsCoefficients) {
  Model model = california_model("select(MedInc, HouseAge) | polynomial");
  EXPECT_THAT(model.feature_names(), ElementsAre("MedInc", "HouseAge", "MedInc^2", "MedInc*HouseAge", "HouseAge^2"));
  EXPECT_EQ(model.describe().coefficients.size(), 5U);
  EXPECT_EQ(california_model("").feature_names(), california().feature_names);
  EXPECT_THAT(Model({.name = "m"}, 3).feature_names(), ElementsAre("0", "1", "2"));
}

TEST(TransformedModel, SetTakesMissingValuesWhereEveryModelDoes) {
  ModelSet models = california_set({spec("impute(mean; MedInc, HouseAge)")});
  EXPECT_TRUE(models.takes_missing(0));
  EXPECT_TRUE(models.takes_missing(1));
  EXPECT_FALSE(models.takes_missing(2));
  ModelSpec other = spec("select(HouseAge, AveRooms)");
  other.name = "other";
  models.add(other);
  EXPECT_TRUE(models.takes_missing(0));
  EXPECT_FALSE(models.takes_missing(1));
  models.add({.name = "plain"});
  EXPECT_FALSE(models.takes_missing(0));
}

TEST(TransformedModel, SetContinuesIdenticallyOnceRestored) {
  const std::vector<double> numbers = california_with_gaps();
  const RowsView rows{numbers.data(), 2000, 9, 8, false};
  std::vector<ModelSpec> specs = {spec(kLearning), spec("impute(-1; MedInc) | impute(mean) | polynomial(MedInc)")};
  specs[1].name = "other";
  ModelSet set = california_set(specs);
  ModelSet others = california_set(specs);
  others.learn(rows.slice(1000, 500));
  set.learn(rows.slice(0, 777));
  const std::vector<std::byte> share = others.share();
  const std::vector<std::span<const std::byte>> shares = {share};
  ASSERT_EQ(set.see(shares), DecodeError::kNone);
  set.learn(rows.slice(777, 100));
  std::optional<ModelSet> restored;
  ASSERT_EQ(ModelSet::decode(set.encode(), restored, california().feature_names), DecodeError::kNone);
  EXPECT_EQ(restored->encode(), set.encode());
  set.learn(rows.slice(1500, 500));
  restored->learn(rows.slice(1500, 500));
  EXPECT_EQ(restored->encode(), set.encode());
  EXPECT_EQ(restored->share(), set.share());
}

TEST(TransformedModel, SetIsRestoredWithTheNamesThatItsColumnsWereFoundBy) {
  const std::vector<std::byte> named = california_set({spec("log1p(Population)")}).encode();
  std::optional<ModelSet> out;
  EXPECT_EQ(ModelSet::decode(named, out), DecodeError::kInvalid);
  EXPECT_FALSE(out);
  const std::vector<std::string> seven(california().feature_names.begin(), california().feature_names.end() - 1);
  EXPECT_EQ(ModelSet::decode(named, out, seven), DecodeError::kInvalid);
  EXPECT_FALSE(out);
  const std::vector<ModelSpec> by_number = {spec("log1p(4)")};
  EXPECT_EQ(ModelSet::decode(ModelSet(8, by_number).encode(), out), DecodeError::kNone);
}

// North and south, and the middle of each is where its Latitude is 0 once it is scaled by its own mean.
TEST(TransformedModel, PartitionsThatSeeEachOtherLearnOnOneScale) {
  const std::vector<ModelSpec> specs = {spec("standard_scaler")};
  TestRows halves[] = {{8, false, {}}, {8, false, {}}};
  for (const std::size_t i : datasets::permutation(california().rows, 42)) {
    const double* row = california_rows().row(i);
    halves[row[6] > 36 ? 1 : 0].add({row, row + 8}, row[8]);
  }
  const auto error_of_the_merged = [&](bool exchange) {
    ModelSet parts[] = {california_set(specs), california_set(specs)};
    for (std::size_t first = 0; first < 8000; first += 50) {
      for (std::size_t part = 0; part < 2; ++part) {
        parts[part].learn(halves[part].view().slice(first, 50));
      }
      if (exchange) {
        const std::vector<std::byte> shares[] = {parts[0].share(), parts[1].share()};
        const std::vector<std::span<const std::byte>> seen[] = {{shares[1]}, {shares[0]}};
        EXPECT_EQ(parts[0].see(seen[0]), DecodeError::kNone);
        EXPECT_EQ(parts[1].see(seen[1]), DecodeError::kNone);
      }
    }
    parts[0].merge(parts[1]);
    return mean_squared_error(*parts[0].champion().predictor(), california_rows());
  };
  EXPECT_LT(error_of_the_merged(true), 0.54);
  EXPECT_GT(error_of_the_merged(false), 0.58);
}

TEST(TransformedModel, KeepsItsFiguresWhenItsRowsArePoison) {
  Model model = california_model("standard_scaler | polynomial(MedInc, HouseAge)");
  std::vector<double> rows;
  datasets::Random random(3);
  for (int i = 0; i < 9 * 2000; ++i) {
    rows.push_back(random.below(2) == 0 ? kMaxMagnitude : -kMaxMagnitude);
  }
  model.learn({rows.data(), 2000, 9, 8, false});
  model.learn(california_rows().slice(0, 1000));
  for (const Estimate& estimate : model.describe().coefficients) {
    EXPECT_TRUE(std::isfinite(estimate.value));
  }
  EXPECT_LE(std::abs(model.predictor()->predict(rows.data())), kMaxMagnitude);
}

}  // namespace
}  // namespace accrue::models
