// Drift is found soon, and never where there is none; with the learner of each name on real and synthetic streams.
#include "models/drift.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "datasets/streams.hpp"
#include "models/learners.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

struct Prediction {
  double prediction;
  double target;
};

std::vector<Prediction> predict_then_learn(const std::string& learner_name, const datasets::Table& table) {
  const std::size_t features = table.feature_names.size();
  Settings settings({});
  const std::unique_ptr<Learner> learner = learner_kind(learner_name).make(features, settings);
  std::vector<double> predictions(table.rows);
  learner->partial_fit({table.values.data(), table.rows, table.columns(), features, false}, {predictions});
  std::vector<Prediction> rows(table.rows);
  for (std::size_t i = 0; i < table.rows; ++i) {
    rows[i] = {predictions[i], table.row(i)[features]};
  }
  return rows;
}

// The rows that alarm.
std::vector<std::uint64_t> alarms(DriftDetector& detector, const std::vector<Prediction>& rows,
                                  std::uint64_t first = 0) {
  std::vector<std::uint64_t> found;
  for (const auto& [prediction, target] : rows) {
    if (detector.add(prediction, target, first) != DriftAlarm::kNone) {
      found.push_back(first);
    }
    ++first;
  }
  return found;
}

std::vector<std::uint64_t> alarms(const std::vector<Prediction>& rows) {
  DriftDetector detector;
  return alarms(detector, rows);
}

// The first alarm of one of the two detectors, as DriftDetector feeds it.
template <typename Detector>
std::size_t first_alarm_alone(const std::vector<Prediction>& rows) {
  ErrorScale scale;
  Detector detector;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double error = std::abs(rows[i].prediction - rows[i].target);
    if (scale.rows() < DriftDetector::kWarmUpRows) {
      scale.learn(error);
    } else if (detector.add(scale.relative(error))) {
      return i;
    }
  }
  return rows.size();
}

// Predictions of 0 of normal targets.
std::vector<Prediction> normal_errors(std::uint64_t seed, std::size_t count, double size) {
  datasets::Random random(seed);
  std::vector<Prediction> rows(count);
  for (Prediction& row : rows) {
    row = {0, size * random.normal()};
  }
  return rows;
}

std::vector<Prediction> operator+(std::vector<Prediction> one, const std::vector<Prediction>& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

class DriftOfLearner : public testing::TestWithParam<std::tuple<std::string, std::uint64_t>> {
 protected:
  static constexpr std::size_t kJump = 50'000;
  static constexpr std::size_t kSoon = 500;

  std::vector<Prediction> predict(const datasets::Table& table) const {
    return predict_then_learn(std::get<0>(GetParam()), table);
  }
  std::uint64_t seed() const { return std::get<1>(GetParam()); }
};

TEST_P(DriftOfLearner, AJumpOfTheCoefficientsAlarmsWithin500Rows) {
  const std::vector<Prediction> rows = predict(datasets::abrupt_drift(kJump + kSoon, kJump, seed()));
  const std::vector<std::uint64_t> found = alarms(rows);
  ASSERT_EQ(found.size(), 1);
  EXPECT_GE(found[0], kJump);
  for (const std::size_t alone : {first_alarm_alone<PageHinkley>(rows), first_alarm_alone<Adwin>(rows)}) {
    EXPECT_GE(alone, kJump);
    EXPECT_LT(alone, kJump + kSoon);
  }
}

TEST_P(DriftOfLearner, AMillionSteadyRowsNeverAlarm) {
  constexpr std::size_t kRows = 1'000'000;
  EXPECT_EQ(alarms(predict(datasets::abrupt_drift(kRows, kRows, seed()))), std::vector<std::uint64_t>());
}

INSTANTIATE_TEST_SUITE_P(Seeds, DriftOfLearner,
                         testing::Combine(testing::Values("least_squares"), testing::Range<std::uint64_t>(1, 21)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::to_string(std::get<1>(info.param));
                         });

TEST(Drift, OfShuffledCaliforniaWithItsOutliersIsNone) {
  if (!datasets::find_california()) {
    GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
  }
  const datasets::Table table = datasets::read_california(*datasets::find_california());
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    datasets::Table shuffled = table;
    shuffled.values.clear();
    for (const std::size_t i : datasets::permutation(table.rows, seed)) {
      shuffled.values.insert(shuffled.values.end(), table.row(i).begin(), table.row(i).end());
    }
    EXPECT_EQ(alarms(predict_then_learn("least_squares", shuffled)), std::vector<std::uint64_t>()) << seed;
  }
}

TEST(Drift, OfNoiseWithHeavyTailsIsNone) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_EQ(alarms(predict_then_learn("least_squares", datasets::heavy_tailed(300'000, seed))),
              std::vector<std::uint64_t>());
  }
}

TEST(Drift, AHandfulOfOutliersInARowIsNone) {
  std::vector<Prediction> rows = normal_errors(1, 100'000, 1);
  for (std::size_t i = 5'000; i < rows.size(); i += 5'000) {
    for (std::size_t k = 0; k < 30; ++k) {
      rows[i + k] = {1e9, 0};
    }
  }
  EXPECT_EQ(alarms(rows), std::vector<std::uint64_t>());
}

TEST(Drift, ErrorsThatDoubleAlarmWithin500Rows) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<std::uint64_t> found = alarms(normal_errors(seed, 50'000, 1) + normal_errors(seed + 100, 500, 2));
    ASSERT_EQ(found.size(), 1) << seed;
    EXPECT_GE(found[0], 50'000);
  }
}

TEST(Drift, SmallRisesAreFoundByAdwinInTheEnd) {
  const std::vector<Prediction> rows = normal_errors(1, 100'000, 1) + normal_errors(2, 100'000, 1.15);
  EXPECT_EQ(first_alarm_alone<PageHinkley>(rows), rows.size());
  const std::size_t alarm = first_alarm_alone<Adwin>(rows);
  EXPECT_GE(alarm, 100'000);
  EXPECT_LT(alarm, 110'000);
}

TEST(Drift, TheFallingErrorOfAYoungLearnerIsNone) {
  constexpr std::size_t kFeatures = 200;
  datasets::Random random(1);
  datasets::Table table;
  table.feature_names.resize(kFeatures);
  table.rows = 20'000;
  for (std::size_t i = 0; i < table.rows; ++i) {
    double y = 0;
    for (std::size_t k = 0; k < kFeatures; ++k) {
      const double x = random.normal();
      table.values.push_back(x);
      y += x;
    }
    table.values.push_back(y + 0.1 * random.normal());
  }
  EXPECT_EQ(alarms(predict_then_learn("least_squares", table)), std::vector<std::uint64_t>());
}

TEST(Drift, RoundingIsNoneThoughItIsAllTheErrorThereIs) {
  datasets::Random random(1);
  datasets::Table table;
  table.feature_names = {"x1", "x2"};
  table.rows = 100'000;
  for (std::size_t i = 0; i < table.rows; ++i) {
    const double x1 = random.normal();
    const double x2 = 1e4 * random.uniform() * (i < 50'000 ? 1 : 1e3);  // rounding errors grow with it
    table.values.insert(table.values.end(), {x1, x2, 1 + 3 * x1 - x2});
  }
  EXPECT_EQ(alarms(predict_then_learn("least_squares", table)), std::vector<std::uint64_t>());
  const double largest = 0.1;
  const std::vector<Prediction> exact(50'000, {largest, largest});
  const std::vector<Prediction> rounded(50'000, {std::nextafter(largest, 1), largest});
  EXPECT_EQ(alarms(exact + rounded), std::vector<std::uint64_t>());
  const std::vector<std::uint64_t> found = alarms(exact + normal_errors(1, 500, 1));
  ASSERT_EQ(found.size(), 1) << "of a model that had been exact";
  EXPECT_LT(found[0], 50'100);
}

TEST(Drift, OfAModelThatIsExactForMostRowsIsFound) {
  std::vector<Prediction> rows = normal_errors(1, 20'000, 1) + normal_errors(2, 1'000, 20);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].target = i % 10 < 7 ? 0 : rows[i].target;
  }
  const std::vector<std::uint64_t> found = alarms(rows);
  ASSERT_EQ(found.size(), 1);
  EXPECT_GE(found[0], 20'000);
}

TEST(Drift, IsFoundFromTheLevelThatTheErrorHasFallenTo) {
  const std::vector<std::uint64_t> found =
      alarms(normal_errors(1, 20'000, 1) + normal_errors(2, 20'000, 1e-3) + normal_errors(3, 500, 4e-3));
  ASSERT_EQ(found.size(), 1);
  EXPECT_GE(found[0], 40'000);
}

TEST(Drift, FallenErrorsThatComeBackAreFound) {
  const std::vector<std::uint64_t> found =
      alarms(normal_errors(1, 20'000, 1) + normal_errors(2, 20'000, 0.7) + normal_errors(3, 20'000, 1.4));
  ASSERT_EQ(found.size(), 1);
  EXPECT_GE(found[0], 40'000);
  EXPECT_LT(found[0], 40'500);
}

TEST(Drift, EveryRiseIsCountedAndTheRowOfTheLastIsKept) {
  DriftDetector detector;
  EXPECT_EQ(detector.last_alarm(), std::nullopt);
  std::vector<Prediction> rows;
  for (const double size : {1, 4, 16, 64}) {
    rows = rows + normal_errors(static_cast<std::uint64_t>(size), 5'000, size);
  }
  const std::vector<std::uint64_t> found = alarms(detector, rows, 1'000'000);
  ASSERT_EQ(found.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(static_cast<double>(found[i]), 1'005'150 + 5'000 * static_cast<double>(i), 150);
  }
  EXPECT_EQ(detector.alarms(), 3);
  EXPECT_EQ(detector.last_alarm(), found[2]);
}

TEST(Drift, AlarmsDoNotDependOnTheUnitOfTheTarget) {
  std::vector<Prediction> rows = normal_errors(1, 10'000, 1) + normal_errors(2, 10'000, 3);
  const std::vector<std::uint64_t> found = alarms(rows);
  EXPECT_EQ(found.size(), 1);
  for (const double unit : {0x1p-300, 0x1p300}) {
    std::vector<Prediction> other = rows;
    for (Prediction& row : other) {
      row.target *= unit;
    }
    EXPECT_EQ(alarms(other), found);
  }
}

TEST(Drift, WarmUpRowsAreNotWatched) {
  const std::vector<Prediction> rows =
      normal_errors(1, 1'500, 1) + normal_errors(2, 1'000, 10) + normal_errors(3, 5'000, 5);
  DriftDetector usual;
  EXPECT_EQ(alarms(usual, rows).size(), 1);
  DriftDetector late(2'500);
  EXPECT_EQ(alarms(late, rows).size(), 0);
}

// With a warm-up, alarms of both detectors, and an error that falls.
TEST(Drift, RowsAtOnceAreWatchedAsOneByOne) {
  const std::vector<Prediction> rows = normal_errors(1, 3'000, 1) + normal_errors(2, 3'000, 4) +
                                       normal_errors(3, 20'000, 0.25) + normal_errors(4, 20'000, 0.32) +
                                       normal_errors(5, 3'000, 1);
  std::vector<double> predictions;
  std::vector<double> targets;
  std::vector<std::uint64_t> indices;
  DriftDetector one_by_one;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    predictions.push_back(rows[i].prediction);
    targets.push_back(rows[i].target);
    indices.push_back(3 * i);
    (void)one_by_one.add(rows[i].prediction, rows[i].target, indices[i]);
  }
  ASSERT_GE(one_by_one.alarms(), 2);
  for (const std::size_t most : {1u, 7u, 32u, 100u, 256u}) {
    DriftDetector at_once;
    for (std::size_t i = 0; i < rows.size(); i += most) {
      const std::size_t count = std::min(most, rows.size() - i);
      at_once.add({&predictions[i], nullptr, &targets[i], &indices[i], count});
    }
    EXPECT_EQ(state_of(at_once), state_of(one_by_one)) << "at most " << most << " at once";
  }
}

TEST(Drift, ResetBeginsAnewAndKeepsTheCount) {
  DriftDetector detector;
  const std::vector<std::uint64_t> found = alarms(detector, normal_errors(1, 5'000, 1) + normal_errors(2, 5'000, 5));
  ASSERT_EQ(found.size(), 1);
  detector.reset();
  EXPECT_EQ(alarms(detector, normal_errors(3, 5'000, 100)).size(), 0) << "a new model has a new error";
  EXPECT_EQ(detector.alarms(), 1);
  EXPECT_EQ(detector.last_alarm(), found[0]);
}

TEST(Drift, MergedHasTheAlarmsOfAllAndWatchesOnAsTheOneThatHasForLonger) {
  DriftDetector one;
  DriftDetector other;
  DriftDetector quiet;
  ASSERT_EQ(alarms(one, normal_errors(1, 5'000, 1) + normal_errors(2, 1'200, 5)).size(), 1);
  const std::vector<std::uint64_t> last = alarms(other, normal_errors(3, 9'000, 1) + normal_errors(4, 1'800, 5));
  ASSERT_EQ(last.size(), 1);
  ASSERT_EQ(alarms(quiet, normal_errors(5, 9'000, 1)).size(), 0);
  DriftDetector merged = one;
  merged.merge(other);
  EXPECT_EQ(merged.alarms(), 2);
  EXPECT_EQ(merged.last_alarm(), last[0]);
  DriftDetector reversed = other;
  reversed.merge(one);
  EXPECT_EQ(state_of(reversed), state_of(merged));
  merged.merge(quiet);
  EXPECT_EQ(merged.alarms(), 2);
  EXPECT_EQ(alarms(merged, normal_errors(6, 500, 4)).size(), 1) << "quiet's scale is 1";
}

TEST(Drift, RestoredContinuesIdentically) {
  std::vector<Prediction> rows = normal_errors(1, 5'000, 1) + normal_errors(2, 5'000, 5) + normal_errors(3, 5'000, 0.1);
  rows = rows + normal_errors(4, 5'000, 3);
  DriftDetector one;
  DriftDetector other;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(one.add(rows[i].prediction, rows[i].target, i), other.add(rows[i].prediction, rows[i].target, i));
    if (i % 61 == 0) {
      other = restored(other);
      ASSERT_EQ(state_of(one), state_of(other)) << i;
    }
  }
  EXPECT_EQ(one.alarms(), 2);
}

TEST(Drift, TheLargestErrorsLeaveTheStateSound) {
  DriftDetector detector;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    (void)detector.add(i % 3 == 0 ? kMaxMagnitude : -kMaxMagnitude, i % 2 == 0 ? kMaxMagnitude : 0, i);
    if (i % 1'000 == 0) {
      detector = restored(detector);
    }
  }
}

TEST(Drift, NoNumberOfAStateIsMisread) {
  DriftDetector detector;
  ASSERT_EQ(alarms(detector, normal_errors(1, 5'000, 1) + normal_errors(2, 5'005, 5)).size(), 1);
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{70}, ~std::uint64_t{0},
                                     std::bit_cast<std::uint64_t>(-0.5), std::bit_cast<std::uint64_t>(1e308)}) {
    expect_no_number_is_misread(detector, number);
  }
}

TEST(Drift, RefusesStatesThatItCannotBeIn) {
  const auto write = [](std::uint64_t alarms, std::uint64_t last, double scale) {
    return [=](StateWriter& writer) {
      writer.put_count(alarms);
      writer.put_count(last);
      writer.put_count(1'000);
      writer.put_double(scale);
      PageHinkley().encode(writer);
      Adwin().encode(writer);
    };
  };
  DriftDetector detector;
  EXPECT_EQ(decode_state(written(write(1, 7, 1)), detector), DecodeError::kNone);
  EXPECT_EQ(detector.last_alarm(), 7);
  EXPECT_EQ(decode_state(written(write(0, 7, 1)), detector), DecodeError::kInvalid) << "a last alarm of none";
  EXPECT_EQ(decode_state(written(write(1, 7, -1)), detector), DecodeError::kInvalid);
  EXPECT_EQ(decode_state(written([](StateWriter&) {}), detector), DecodeError::kInvalid);
}

}  // namespace
}  // namespace accrue::models
