// What learner.hpp asks of every learner, held for each there is, and so for those to come.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/learners.hpp"
#include "models/model.hpp"
#include "tests/models/round_trip.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kFeatures = 4;

std::vector<std::string> names_of_learners() {
  std::vector<std::string> names;
  for (const LearnerKind& kind : learner_kinds()) {
    names.emplace_back(kind.name);
  }
  return names;
}

class EveryLearner : public testing::TestWithParam<std::string> {
 protected:
  static Model model() { return {{.name = "model", .learner = GetParam()}, kFeatures}; }
  static std::unique_ptr<Learner> learner() {
    Settings settings({});
    return learner_kind(GetParam()).make(kFeatures, settings);
  }
};

TEST_P(EveryLearner, LearnsTheSameBitsHoweverCallsAreCutAndStatesRestored) {
  const TestRows rows = random_rows(1, 20'000, kFeatures, true);  // until blocks are long
  Model whole = model();
  whole.learn(rows.view());
  Model cut = model();
  for (std::size_t first = 0, step = 1; first < rows.count(); first += step, step = 1 + step * 7 % 300) {
    cut.learn(rows.view().slice(first, std::min(step, rows.count() - first)));
    Model restored = model();
    ASSERT_EQ(decode_state(state_of(cut), restored), DecodeError::kNone);
    cut = restored;
  }
  EXPECT_EQ(state_of(cut), state_of(whole));
}

TEST_P(EveryLearner, PredictsTheSameWhenRestored) {
  const TestRows rows = random_rows(2, 777, kFeatures, true);
  Model learned = model();
  learned.learn(rows.view());
  Model restored = model();
  ASSERT_EQ(decode_state(state_of(learned), restored), DecodeError::kNone);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(restored.predictor()->predict(rows.view().row(i)), learned.predictor()->predict(rows.view().row(i)));
  }
}

TEST_P(EveryLearner, ForecastsWhatItPredictsNextAndLearnsNothingByIt) {
  const TestRows rows = random_rows(7, 600, kFeatures, true);
  const std::unique_ptr<Learner> asked = learner();
  const std::unique_ptr<Learner> plain = learner();
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const Forecast forecast = asked->forecast(rows.view(), i);
    (void)asked->forecast(rows.view(), rows.count() - 1 - i);
    double prediction = 0;
    asked->partial_fit(rows.view().slice(i, 1), {{&prediction, 1}});
    ASSERT_EQ(forecast.prediction, prediction) << i;
    ASSERT_TRUE(asked->knows_variance() || std::isnan(forecast.variance));
    plain->partial_fit(rows.view().slice(i, 1), {{&prediction, 1}});
    ASSERT_EQ(forecast.prediction, prediction) << i;
  }
  StateWriter of_asked;
  StateWriter of_plain;
  asked->encode(of_asked);
  plain->encode(of_plain);
  EXPECT_EQ(std::move(of_asked).finish(), std::move(of_plain).finish());
}

// Exactly where a learner says so, which its own tests hold to 1e-10; all are close on rows that are alike.
TEST_P(EveryLearner, MergedPartsPredictAsOneOfAllRows) {
  const TestRows rows = random_rows(3, 20'000, kFeatures);
  const std::unique_ptr<Learner> whole = learner();
  std::vector<double> ignored(rows.count());
  whole->partial_fit(rows.view(), {ignored});
  const std::unique_ptr<Learner> merged = learner();
  for (std::size_t part = 0; part < 4; ++part) {
    const std::unique_ptr<Learner> one = learner();
    for (std::size_t i = part; i < rows.count(); i += 4) {
      one->partial_fit(rows.view().slice(i, 1), {ignored});
    }
    merged->merge(*one);
  }
  EXPECT_EQ(merged->rows(), whole->rows());
  const auto error_of = [&](const Learner& of) {
    const std::unique_ptr<const Predictor> predictor = of.predictor();
    double sum = 0;
    for (std::size_t i = 0; i < rows.count(); ++i) {
      sum += std::abs(predictor->predict(rows.view().row(i)) - rows.view().target(i));
    }
    return sum / static_cast<double>(rows.count());
  };
  EXPECT_NEAR(error_of(*merged), error_of(*whole), 0.1 * error_of(*whole));
}

TEST_P(EveryLearner, ARowOfWeightZeroIsCountedAndChangesNothingElse) {
  TestRows rows{kFeatures, true, {}};
  const TestRows some = random_rows(4, 500, kFeatures);
  for (std::size_t i = 0; i < some.count(); ++i) {
    const double* x = some.view().row(i);
    rows.add({x, x + kFeatures}, some.view().target(i), 1);
  }
  const std::unique_ptr<Learner> learned = learner();
  std::vector<double> ignored(rows.count());
  learned->partial_fit(rows.view(), {ignored});
  const double before = learned->predictor()->predict(rows.view().row(0));
  TestRows nothing{kFeatures, true, {}};
  nothing.add({1e9, -1e9, 5, 5}, 1e9, 0);
  RowsView view = nothing.view();
  view.first_index = rows.count() - 1;  // so that nothing is forgotten by it
  learned->partial_fit(view, {ignored});
  EXPECT_EQ(learned->rows(), rows.count() + 1);
  EXPECT_NEAR(learned->predictor()->predict(rows.view().row(0)), before, 1e-9 * std::abs(before));
}

TEST_P(EveryLearner, StaysFiniteWhateverTheRows) {
  const std::vector<double> magnitudes = {0, -0.0, 1e-300, 1e-150, 1, -1, 1e10, 1e150, -1e150};
  datasets::Random random(5);
  TestRows rows{kFeatures, true, {}};
  for (std::size_t i = 0; i < 5'000; ++i) {
    std::vector<double> x(kFeatures);
    for (double& value : x) {
      value = magnitudes[random.below(magnitudes.size())];
    }
    const double target = magnitudes[random.below(magnitudes.size())];
    rows.add(x, target, random.below(4) == 0 ? 0.0 : 1.0);
  }
  Model learned = model();
  learned.learn(rows.view());
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_LE(std::abs(learned.predictor()->predict(rows.view().row(i))), kMaxMagnitude);
  }
  for (const Estimate& estimate : learned.describe().coefficients) {
    EXPECT_TRUE(std::isfinite(estimate.value));
  }
  Model restored = model();
  EXPECT_EQ(decode_state(state_of(learned), restored), DecodeError::kNone);
}

TEST_P(EveryLearner, RefusesDamageInItsState) {
  Model learned = model();
  learned.learn(random_rows(6, 300, kFeatures).view());
  const std::vector<std::byte> state = state_of(learned);
  StateReader reader;
  ASSERT_EQ(reader.open(state), DecodeError::kNone);
  std::vector<std::uint64_t> words(reader.remaining() / 8);
  for (std::uint64_t& word : words) {
    ASSERT_TRUE(reader.get_count(word));
  }
  for (std::size_t size = 0; size < words.size(); size += 1 + words.size() / 200) {
    StateWriter writer;
    std::for_each(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(size),
                  [&](std::uint64_t word) { writer.put_count(word); });
    Model cut = model();
    EXPECT_EQ(decode_state(std::move(writer).finish(), cut), DecodeError::kInvalid) << size;
  }
}

TEST_P(EveryLearner, NamesItsSettingsToWhoMisspellsOne) {
  const ModelSpec spec = {.name = "m", .learner = GetParam(), .settings = {{"no_such_setting", "1"}}};
  try {
    const Model made(spec, kFeatures);
    ADD_FAILURE() << "was made";
  } catch (const std::invalid_argument& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("'no_such_setting' is not a setting of learner " + GetParam()), std::string::npos) << what;
    EXPECT_NE(what.find("intercept"), std::string::npos) << what;
    EXPECT_NE(what.find("on_drift"), std::string::npos) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(ByName, EveryLearner, testing::ValuesIn(names_of_learners()),
                         [](const auto& info) { return info.param; });

TEST(Learners, AnUnknownOneIsRefusedWithTheNamesThereAre) {
  try {
    (void)learner_kind("least_square");
    FAIL() << "was found";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("least_squares, adaptive"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace accrue::models
