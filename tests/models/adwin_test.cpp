#include "models/adwin.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The square of a uniform, whose mean is 1/3, times a factor: 1 up to row `change`, `factor` from there on.
std::vector<double> changing(std::uint64_t seed, std::size_t rows, std::size_t change, double factor) {
  datasets::Random random(seed);
  std::vector<double> values(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const double u = random.uniform();
    values[i] = u * u * (i < change ? 1 : factor);
  }
  return values;
}

std::optional<std::size_t> first_alarm(Adwin& detector, const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (detector.add(values[i])) {
      return i;
    }
  }
  return std::nullopt;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// The bound of the paper, as it is printed.
double cut_bound(std::span<const double> window, std::size_t cut) {
  const double n = static_cast<double>(window.size());
  const double mean = mean_of(window);
  double variance = 0;
  for (const double value : window) {
    variance += (value - mean) * (value - mean) / n;
  }
  const double harmonic = 1 / (1 / static_cast<double>(cut) + 1 / (n - static_cast<double>(cut)));
  const double confidence = std::log(2 * std::log(1e10) / Adwin::kDelta);
  return std::sqrt(2 / harmonic * variance * confidence) + 2 / (3 * harmonic) * confidence;
}

// The rows of each bucket, from old to new, when so many have been filled and none dropped.
std::vector<std::size_t> bucket_sizes(std::size_t filled) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < filled; ++i) {
    sizes.push_back(Adwin::kBucketRows);
    for (std::size_t size = sizes.back(); std::count(sizes.begin(), sizes.end(), size) > 5; size *= 2) {
      const auto oldest = std::find(sizes.begin(), sizes.end(), size);
      *oldest *= 2;
      sizes.erase(oldest + 1);
    }
  }
  return sizes;
}

// The first row after which a cut between buckets has a later part whose mean is higher by more than the bound.
std::optional<std::size_t> first_alarm_by_definition(std::span<const double> values) {
  for (std::size_t filled = 1; filled * Adwin::kBucketRows <= values.size(); ++filled) {
    const std::span<const double> window = values.first(filled * Adwin::kBucketRows);
    std::size_t cut = 0;
    for (const std::size_t size : bucket_sizes(filled)) {
      cut += size;
      if (cut < window.size() && mean_of(window.subspan(cut)) - mean_of(window.first(cut)) > cut_bound(window, cut)) {
        return window.size() - 1;
      }
    }
  }
  return std::nullopt;
}

TEST(Adwin, AlarmsWhereTheDefinitionDoes) {
  std::size_t alarms = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    datasets::Random random(seed);
    const std::size_t change = 200 + random.below(400);
    const double rise = 0.6 * random.uniform();
    std::vector<double> values = changing(seed, 1'000, 1'000, 0.5);
    for (std::size_t i = change; i < values.size(); ++i) {
      values[i] = 0.4 * values[i] + rise;
    }
    Adwin detector;
    const std::optional<std::size_t> expected = first_alarm_by_definition(values);
    ASSERT_EQ(first_alarm(detector, values), expected) << "seed " << seed;
    alarms += expected ? 1 : 0;
  }
  EXPECT_GT(alarms, 25);
  EXPECT_LT(alarms, 75) << "the test has looked at one side only";
}

TEST(Adwin, KeepsAllRowsWhileTheyHaveOneMean) {
  Adwin detector;
  EXPECT_TRUE(std::isnan(detector.self_weighted_mean()));
  EXPECT_EQ(first_alarm(detector, changing(1, 100'000, 0, 1)), std::nullopt);
  EXPECT_EQ(detector.window_rows(), 100'000);
  EXPECT_NEAR(detector.self_weighted_mean(), 0.6, 0.005);  // of u^2: 1/5 over 1/3
}

TEST(Adwin, AlarmsSoonAfterARiseAndStartsAfresh) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Adwin detector;
    std::vector<double> values = changing(seed, 50'000, 40'000, 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 0.5 * values[i] + (i < 40'000 ? 0 : 0.2);
    }
    const std::optional<std::size_t> alarm = first_alarm(detector, values);
    ASSERT_TRUE(alarm);
    EXPECT_GE(*alarm, 40'000);
    EXPECT_LT(*alarm, 40'300);
    EXPECT_EQ(state_of(detector), state_of(Adwin()));
  }
}

TEST(Adwin, AMeanThatFallsIsForgottenWithoutAnAlarm) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Adwin detector;
    EXPECT_EQ(first_alarm(detector, changing(seed, 60'000, 40'000, 0.5)), std::nullopt);
    EXPECT_LE(detector.window_rows(), 21'000);
    EXPECT_GE(detector.window_rows(), 18'000);
    EXPECT_NEAR(detector.self_weighted_mean(), 0.3, 0.015);
  }
}

TEST(Adwin, MemoryGrowsWithTheLogarithmOfTheRows) {
  Adwin detector;
  datasets::Random random(1);
  for (int i = 0; i < 3'000'000; ++i) {
    ASSERT_FALSE(detector.add(random.uniform()));
  }
  EXPECT_EQ(detector.window_rows(), 3'000'000);
  EXPECT_LE(state_of(detector).size(), 15 * (8 + 5 * 16) + 100);
}

void put_full_levels(StateWriter& writer, std::size_t levels, double mean) {
  writer.put_count(0);
  writer.put_double(0);
  writer.put_double(0);
  writer.put_count(levels);
  for (std::size_t level = 0; level < levels; ++level) {
    const double rows = std::ldexp(static_cast<double>(Adwin::kBucketRows), static_cast<int>(level));
    writer.put_count(Adwin::kBucketsPerLevel);
    for (std::size_t bucket = 0; bucket < Adwin::kBucketsPerLevel; ++bucket) {
      writer.put_double(rows * mean);
      writer.put_double(rows * mean / 2);
    }
  }
}

TEST(Adwin, ForgetsTheOldestRowsPastItsLastLevel) {
  Adwin detector;
  ASSERT_EQ(
      decode_state(written([](StateWriter& writer) { put_full_levels(writer, Adwin::kMaxLevels, 0.5); }), detector),
      DecodeError::kNone);
  const std::uint64_t most = detector.window_rows();
  EXPECT_GT(most, 1'000'000'000);
  const std::size_t bytes = state_of(detector).size();
  EXPECT_LE(bytes, 2'500);
  EXPECT_EQ(first_alarm(detector, std::vector<double>(100'000, 0.5)), std::nullopt);
  EXPECT_LT(detector.window_rows(), most);
  EXPECT_LE(state_of(detector).size(), bytes);
  detector = restored(detector);
}

TEST(Adwin, RestoredContinuesIdentically) {
  std::vector<double> values = changing(5, 20'000, 8'000, 0.4);
  for (const double value : changing(6, 10'000, 0, 1)) {
    values.push_back(value);
  }
  Adwin one;
  Adwin other;
  std::size_t alarms = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool alarm = one.add(values[i]);
    ASSERT_EQ(alarm, other.add(values[i])) << i;
    alarms += alarm ? 1 : 0;
    if (i % 53 == 0) {
      other = restored(other);
      ASSERT_EQ(state_of(one), state_of(other)) << i;
      const double mean = one.self_weighted_mean();
      ASSERT_TRUE(mean == other.self_weighted_mean() || (std::isnan(mean) && std::isnan(other.self_weighted_mean())));
    }
  }
  EXPECT_EQ(alarms, 1);
}

TEST(Adwin, RefusesStatesThatItCannotBeIn) {
  const struct {
    const char* what;
    std::function<void(StateWriter&)> write;
    DecodeError expected;
  } states[] = {
      {"nothing", [](StateWriter&) {}, DecodeError::kInvalid},
      {"a sound one", [](StateWriter& writer) { put_full_levels(writer, 3, 0.5); }, DecodeError::kNone},
      {"too many levels", [](StateWriter& writer) { put_full_levels(writer, Adwin::kMaxLevels + 1, 0.5); },
       DecodeError::kInvalid},
      {"sums above the rows", [](StateWriter& writer) { put_full_levels(writer, 2, 1.1); }, DecodeError::kInvalid},
      {"no number", [](StateWriter& writer) { put_full_levels(writer, 2, kNaN); }, DecodeError::kInvalid},
      {"as many levels as nobody has bytes for",
       [](StateWriter& writer) {
         writer.put_count(0);
         writer.put_double(0);
         writer.put_double(0);
         writer.put_count(~std::uint64_t{0});
       },
       DecodeError::kInvalid},
      {"a full bucket that is still being filled",
       [](StateWriter& writer) {
         writer.put_count(Adwin::kBucketRows);
         writer.put_double(0);
         writer.put_double(0);
         writer.put_count(0);
       },
       DecodeError::kInvalid},
      {"squares above the sum",
       [](StateWriter& writer) {
         writer.put_count(5);
         writer.put_double(1);
         writer.put_double(1.1);
         writer.put_count(0);
       },
       DecodeError::kInvalid},
      {"an empty level",
       [](StateWriter& writer) {
         writer.put_count(0);
         writer.put_double(0);
         writer.put_double(0);
         writer.put_count(1);
         writer.put_count(0);
       },
       DecodeError::kInvalid},
      {"a rise that has not alarmed",
       [](StateWriter& writer) {
         writer.put_count(0);
         writer.put_double(0);
         writer.put_double(0);
         writer.put_count(4);
         for (std::size_t level = 0; level < 4; ++level) {
           writer.put_count(2);
           for (int bucket = 0; bucket < 4; ++bucket) {  // sums and squares
             writer.put_double(level < 3 ? std::ldexp(32.0, static_cast<int>(level)) : 0);
           }
         }
       },
       DecodeError::kInvalid},
  };
  for (const auto& [what, write, expected] : states) {
    Adwin detector;
    EXPECT_EQ(decode_state(written(write), detector), expected) << what;
  }
}

}  // namespace
}  // namespace accrue::models
