#include "models/quantile_sketch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/error_means.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

using Draw = std::function<double(datasets::Random&)>;

const std::vector<std::pair<std::string, Draw>> kDistributions{
    {"uniform", [](datasets::Random& random) { return random.uniform(); }},
    {"half normal", [](datasets::Random& random) { return std::abs(random.normal()); }},
    {"exponential", [](datasets::Random& random) { return -std::log(1 - random.uniform()); }},
    {"pareto", [](datasets::Random& random) { return 1 / (1 - random.uniform()); }},
    {"constant", [](datasets::Random&) { return 3.7; }},
    {"counts", [](datasets::Random& random) { return static_cast<double>(random.below(5)); }},
    {"two far apart", [](datasets::Random& random) { return random.below(2) == 0 ? 1e-9 : 1e140 * random.uniform(); }},
};

std::vector<double> draws(const Draw& draw, std::size_t count, std::uint64_t seed) {
  datasets::Random random(seed);
  std::vector<double> values(count);
  std::generate(values.begin(), values.end(), [&] { return draw(random); });
  return values;
}

QuantileSketch sketch_of(const std::vector<double>& values) {
  QuantileSketch sketch;
  for (const double value : values) {
    sketch.add(value, 1);
  }
  return sketch;
}

// The ceil(q n)-th least.
double exact_quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

TEST(QuantileSketch, EveryQuantileIsWithinOnePercent) {
  EXPECT_LE(QuantileSketch::kRelativeError, 0.01);
  for (const auto& [name, draw] : kDistributions) {
    const std::vector<double> values = draws(draw, 20'000, 1);
    const QuantileSketch sketch = sketch_of(values);
    for (const double q : {0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const double exact = exact_quantile(values, q);
      EXPECT_NEAR(sketch.quantile(q), exact, QuantileSketch::kRelativeError * exact) << name << ", " << q;
    }
  }
}

TEST(QuantileSketch, AWeightCountsAsSoManyNumbers) {
  QuantileSketch weighted;
  QuantileSketch repeated;
  for (int i = 1; i <= 50; ++i) {
    weighted.add(i, i % 4 + 1);
    for (int k = 0; k <= i % 4; ++k) {
      repeated.add(i, 1);
    }
  }
  EXPECT_EQ(state_of(weighted), state_of(repeated));
}

TEST(QuantileSketch, ZeroAndWhatIsHardlyThereAnswerZero) {
  const QuantileSketch sketch = sketch_of({0, 5e-324, 1e-151, 1});
  EXPECT_EQ(sketch.quantile(0.75), 0);
  EXPECT_NEAR(sketch.quantile(0.76), 1, 0.01);
  EXPECT_TRUE(std::isnan(QuantileSketch().quantile(0.5)));
}

TEST(QuantileSketch, MergingAnySplitGivesTheSketchOfTheWholeToTheBit) {
  std::vector<double> values;
  for (const auto& [name, draw] : kDistributions) {
    const std::vector<double> some = draws(draw, 2000, 2);
    values.insert(values.end(), some.begin(), some.end());
  }
  for (int exponent = -450; exponent < 450; exponent += 9) {  // more octaves than it keeps
    values.push_back(std::ldexp(1.3, exponent));
  }
  const std::vector<std::byte> whole = state_of(sketch_of(values));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    datasets::Random random(seed);
    std::vector<QuantileSketch> parts(6);
    for (const std::size_t i : datasets::permutation(values.size(), seed)) {
      parts[random.below(parts.size())].add(values[i], 1);
    }
    QuantileSketch merged;
    for (const QuantileSketch& part : parts) {
      merged.merge(part);
    }
    EXPECT_EQ(state_of(merged), whole);
  }
}

TEST(QuantileSketch, GivesUpTheLeastOctavesWhenThereAreTooMany) {
  QuantileSketch ascending;
  for (int exponent = -100; exponent <= 100; ++exponent) {
    ascending.add(std::ldexp(1.5, exponent), 1);
  }
  QuantileSketch sketch;
  for (int exponent = 100; exponent >= -100; --exponent) {
    sketch.add(std::ldexp(1.5, exponent), 1);
  }
  const double kept = std::ldexp(1.5, 100 - 31);
  EXPECT_EQ(sketch.weight(), 201);
  EXPECT_NEAR(sketch.value_at(201), std::ldexp(1.5, 100), std::ldexp(1.5, 100) / 128);
  EXPECT_NEAR(sketch.value_at(201 - 31), kept, kept / 128);
  EXPECT_GE(sketch.value_at(1), kept / 2) << "in the least octave that is kept";
  EXPECT_LE(sketch.value_at(1), kept);
  EXPECT_EQ(state_of(ascending), state_of(sketch));
}

TEST(QuantileSketch, OutliersCostNothingOfTheRest) {
  std::vector<double> values = draws(kDistributions[1].second, 10'000, 3);
  const double median = exact_quantile(values, 0.5);
  QuantileSketch sketch = sketch_of(values);
  for (const double outlier : {1e20, 1e60, 1e100, kMaxError}) {
    sketch.add(outlier, 1);
  }
  EXPECT_NEAR(sketch.quantile(0.5), median, 0.01 * median);
}

TEST(QuantileSketch, ScalingLetsGoOfWhatNoLongerCounts) {
  QuantileSketch sketch = sketch_of({1e100, 1e90, 2});
  for (int i = 0; i < 2000; ++i) {
    sketch.scale(0.5);
    sketch.add(i % 2 == 0 ? 1 : 3, 1);
  }
  EXPECT_NEAR(sketch.weight(), 2, 1e-12);
  EXPECT_NEAR(sketch.quantile(1), 3, 0.03);
  EXPECT_EQ(state_of(restored(sketch)), state_of(sketch));
}

TEST(QuantileSketch, RestoredItContinuesIdentically) {
  QuantileSketch sketch;
  QuantileSketch copy;
  datasets::Random random(4);
  for (int i = 0; i < 3000; ++i) {
    const double value = std::abs(random.normal());
    const double weight = 0.1 + random.uniform();
    sketch.add(value, weight);
    copy.add(value, weight);
    copy = i % 10 == 0 ? restored(copy) : copy;
  }
  EXPECT_EQ(state_of(copy), state_of(sketch));
}

TEST(QuantileSketch, StaysFiniteForTheLargestNumbersAndWeights) {
  QuantileSketch sketch;
  for (int i = 0; i < 1000; ++i) {
    sketch.add(i % 2 == 0 ? kMaxError : QuantileSketch::kSmallest, i % 3 == 0 ? kMaxMagnitude : 1e-300);
  }
  sketch.merge(restored(sketch));
  EXPECT_NEAR(sketch.quantile(1) / kMaxError, 1, 0.01);
  EXPECT_NEAR(sketch.quantile(0) / QuantileSketch::kSmallest, 1, 0.01);
}

TEST(QuantileSketch, RefusesOctavesThatAreEmptyOrOutOfOrder) {
  struct Octave {
    std::uint64_t exponent;
    std::uint64_t filled;
  };
  const auto decode = [](const std::vector<Octave>& octaves) {
    StateWriter writer;
    writer.put_double(2);
    writer.put_double(0);
    writer.put_count(octaves.size());
    for (const Octave& octave : octaves) {
      writer.put_count(octave.exponent);
      writer.put_count(octave.filled);
      if (octave.filled != 0) {
        writer.put_double(octaves.size() == 1 ? 2 : 1);
      }
    }
    QuantileSketch sketch;
    return decode_state(std::move(writer).finish(), sketch);
  };
  EXPECT_EQ(decode({{1023, 1}, {1024, 4}}), DecodeError::kNone);
  EXPECT_EQ(decode({{1024, 1}, {1023, 4}}), DecodeError::kInvalid);
  EXPECT_EQ(decode({{1024, 1}, {1024, 4}}), DecodeError::kInvalid);
  EXPECT_EQ(decode({{1023, 1}, {1024, 1}, {1025, 0}}), DecodeError::kInvalid);
  EXPECT_EQ(decode({{100, 1}}), DecodeError::kInvalid) << "below the smallest";
  EXPECT_EQ(decode({{1700, 1}}), DecodeError::kInvalid) << "above the largest";
}

TEST(QuantileSketch, RefusesNumbersThatItCannotHold) {
  for (const std::uint64_t number : {UINT64_C(0), UINT64_C(1), UINT64_MAX, UINT64_C(0x7ff8000000000000)}) {
    expect_no_number_is_misread(sketch_of({0, 1, 1.1, 5, 5, 700, 1e100}), number);
  }
}

}  // namespace
}  // namespace accrue::models
