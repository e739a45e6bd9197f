#include "models/page_hinkley.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::size_t alarms(PageHinkley& detector, const std::vector<double>& values) {
  return static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [&](double value) { return detector.add(value); }));
}

// Uniform around 0.3, then from row `rise` on around 0.6.
std::vector<double> rising(std::uint64_t seed, std::size_t rows, std::size_t rise) {
  datasets::Random random(seed);
  std::vector<double> values(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    values[i] = 0.6 * random.uniform() + (i < rise ? 0 : 0.3);
  }
  return values;
}

// By the definition: the sum of what each value exceeds the mean so far and the tolerance, less its lowest so far.
std::size_t first_alarm_by_definition(const std::vector<double>& values) {
  double mean_sum = 0;
  double m = 0;
  double lowest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    mean_sum += values[i];
    m += values[i] - mean_sum / static_cast<double>(i + 1) - PageHinkley::kTolerance;
    lowest = std::min(lowest, m);
    if (m - lowest > PageHinkley::kThreshold) {
      return i;
    }
  }
  return values.size();
}

TEST(PageHinkley, AlarmsWhereTheDefinitionDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<double> values = rising(seed, 3000, 1000 + 37 * seed);
    PageHinkley detector;
    const auto alarm = std::find_if(values.begin(), values.end(), [&](double value) { return detector.add(value); });
    EXPECT_EQ(static_cast<std::size_t>(alarm - values.begin()), first_alarm_by_definition(values)) << seed;
    EXPECT_NE(alarm, values.end());
  }
}

TEST(PageHinkley, StartsAfreshAfterAnAlarm) {
  PageHinkley detector;
  for (const double value : rising(1, 3000, 1000)) {
    if (detector.add(value)) {
      break;
    }
  }
  EXPECT_EQ(detector.rows(), 0);
  EXPECT_EQ(state_of(detector), state_of(PageHinkley()));
}

TEST(PageHinkley, AMeanThatFallsNeverAlarms) {
  std::vector<double> values = rising(2, 20'000, 10'000);
  std::reverse(values.begin(), values.end());
  PageHinkley detector;
  EXPECT_EQ(alarms(detector, values), 0);
  EXPECT_EQ(detector.rows(), 20'000);
}

TEST(PageHinkley, ARiseWithinTheToleranceNeverAlarms) {
  PageHinkley detector;
  EXPECT_EQ(alarms(detector, std::vector<double>(10'000, 0.5)), 0);
  EXPECT_EQ(alarms(detector, std::vector<double>(100'000, 0.549)), 0);
}

TEST(PageHinkley, RestoredContinuesIdentically) {
  const std::vector<double> values = rising(3, 5000, 2500);
  PageHinkley one;
  PageHinkley other;
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(one.add(values[i]), other.add(values[i])) << i;
    if (i % 97 == 0) {
      other = restored(other);
    }
    ASSERT_EQ(state_of(one), state_of(other)) << i;
  }
}

TEST(PageHinkley, RefusesStatesThatItCannotBeIn) {
  const struct {
    std::uint64_t rows;
    double sum, excess;
    DecodeError expected;
  } states[] = {
      {100, 50, 35, DecodeError::kNone},      {100, 100, 0, DecodeError::kNone},
      {100, 100.1, 0, DecodeError::kInvalid}, {100, -0.1, 0, DecodeError::kInvalid},
      {100, 50, 35.1, DecodeError::kInvalid}, {100, 50, -0.1, DecodeError::kInvalid},
      {0, 0, 0.1, DecodeError::kInvalid},     {100, kNaN, 0, DecodeError::kInvalid},
      {100, 50, kNaN, DecodeError::kInvalid},
  };
  for (const auto& state : states) {
    PageHinkley detector;
    const auto write = [&](StateWriter& writer) {
      writer.put_count(state.rows);
      writer.put_double(state.sum);
      writer.put_double(state.excess);
    };
    EXPECT_EQ(decode_state(written(write), detector), state.expected)
        << state.rows << ' ' << state.sum << ' ' << state.excess;
  }
}

}  // namespace
}  // namespace accrue::models
