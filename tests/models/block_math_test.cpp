// Every kind of processor that this one can stand in for must give the bits of the plainest.
#include "models/block_math.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/evidence.hpp"
#include "models/least_squares.hpp"
#include "models/solution.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kStride = WaitingRows::kStride;

struct Kind {
  std::string name;
  const BlockKernels* kernels;
};

std::vector<Kind> kinds_here() {
  std::vector<Kind> kinds{{"baseline", &kBaselineKernels}};
#ifdef ACCRUE_KERNELS_OF_X86
  if (__builtin_cpu_supports("avx2")) {
    kinds.push_back({"avx2", &kAvx2Kernels});
  }
  if (__builtin_cpu_supports("avx512f")) {
    kinds.push_back({"avx512", &kAvx512Kernels});
  }
#endif
  return kinds;
}

std::vector<double> random_block(std::size_t columns) {
  std::mt19937_64 generator(columns);
  std::normal_distribution<double> normal;
  std::vector<double> block(columns * kStride);
  for (double& number : block) {
    number = normal(generator);
  }
  return block;
}

class BlockMath : public testing::TestWithParam<std::size_t> {};

TEST_P(BlockMath, DotProductsAreThoseOfVectorMathOnEveryProcessor) {
  const std::size_t rows = GetParam();
  const std::vector<double> block = random_block(kPanel + 1);
  const double* b = block.data() + kPanel * kStride;
  for (const Kind& kind : kinds_here()) {
    for (std::size_t width = 1; width <= kPanel; ++width) {
      std::array<double, kPanel> dots;
      kind.kernels->panel_dots(block.data(), kStride, width, b, rows, dots.data());
      for (std::size_t i = 0; i < width; ++i) {
        EXPECT_EQ(dots[i], dot(block.data() + i * kStride, b, rows)) << kind.name << ' ' << width << ' ' << i;
      }
    }
  }
}

TEST_P(BlockMath, SubtractsOneColumnAfterTheOtherAndNothingBeyondTheRows) {
  const std::size_t rows = GetParam();
  const std::vector<double> block = random_block(kPanel + 1);
  const std::array<double, kPanel> factors = {0.3, -1.7, 1e-9, 5};
  for (const Kind& kind : kinds_here()) {
    for (std::size_t width = 1; width <= kPanel; ++width) {
      std::vector<double> expected = block;
      double* of_expected = expected.data() + kPanel * kStride;
      for (std::size_t i = 0; i < width; ++i) {
        subtract_multiple(of_expected, block.data() + i * kStride, factors[i], rows);
      }
      std::vector<double> changed = block;
      kind.kernels->subtract_panel(changed.data() + kPanel * kStride, block.data(), kStride, width, factors.data(),
                                   rows);
      EXPECT_EQ(changed, expected) << kind.name << ' ' << width;
    }
    std::vector<double> scaled = block;
    kind.kernels->scale_column(scaled.data(), 0.7, rows);
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      ASSERT_EQ(scaled[i], i < rows ? 0.7 * block[i] : block[i]) << kind.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, BlockMath, testing::Values(0, 1, 3, 7, 8, 9, 15, 16, 100, 255, 256));

TEST(Errors, AddUpToTheSameBitsOnEveryProcessor) {
  constexpr std::size_t kRows = 64;
  std::vector<double> columns = random_block(1);
  columns[kRows + 3] = 0;  // a target
  const ForetoldRows rows{&columns[0], &columns[kRows], &columns[2 * kRows], kRows, -1, 1.5, 0.7};
  const ErrorBounds bounds{.origin = 0.25, .deviations = 2, .max_variance = 1.5, .max_relative = 9};
  std::vector<char> first;
  for (const Kind& kind : kinds_here()) {
    struct {
      double residuals[kRows];
      ErrorLanes lanes;
      ErrorCounts counts;
    } sums{};
    kind.kernels->sum_errors(rows, bounds, sums.residuals, sums.lanes, sums.counts);
    EXPECT_EQ(sums.counts.zero_targets, 1);
    EXPECT_GT(sums.counts.within_variance, 0);
    const char* const bytes = reinterpret_cast<const char*>(&sums);
    const std::vector<char> bits(bytes, bytes + sizeof sums);
    EXPECT_TRUE(first.empty() || bits == first) << kind.name;
    first = bits;
  }
}

TEST(Cuts, AreBeyondTheSameBoundsOnEveryProcessor) {
  const std::size_t cuts = 21;
  std::vector<double> rows(cuts + kMaxVector);
  std::vector<double> sums(cuts + kMaxVector);
  for (std::size_t i = 0; i < cuts; ++i) {
    rows[i] = 32 * static_cast<double>(i + 1);
    sums[i] = 0.5 * rows[i];
  }
  const CutBounds bounds{.rows = 1'000, .mean = 0.5, .always = 4, .by_chance = 1e-3};
  const double bound = 4 + std::sqrt(1e-3 * rows[17] * (1'000 - rows[17]));
  for (const Kind& kind : kinds_here()) {
    std::vector<double> beyond(cuts + kMaxVector);
    for (const double sign : {-1, 1}) {
      sums[17] = 0.5 * rows[17] + sign * 0.999 * bound;
      EXPECT_FALSE(kind.kernels->cuts_beyond(rows.data(), sums.data(), cuts, bounds, beyond.data())) << kind.name;
      sums[17] = 0.5 * rows[17] + sign * 1.001 * bound;
      EXPECT_TRUE(kind.kernels->cuts_beyond(rows.data(), sums.data(), cuts, bounds, beyond.data())) << kind.name;
      EXPECT_EQ(std::count_if(beyond.begin(), beyond.end(), [](double by) { return by > 0; }), 1) << kind.name;
      EXPECT_GT(beyond[17], 0) << kind.name;
    }
  }
}

class BlocksOfFeatures : public testing::TestWithParam<std::size_t> {};

TEST_P(BlocksOfFeatures, AreLaidOutColumnByColumnOnEveryProcessor) {
  const std::size_t columns = GetParam();
  const TestRows rows = random_rows(columns, 21, columns, true);
  const RowsView view = rows.view();
  for (const std::size_t count : {std::size_t{1}, std::size_t{4}, view.count}) {
    for (const Kind& kind : kinds_here()) {
      const std::size_t stride = count + 3;
      std::vector<double> block(columns * stride, -1.0);
      kind.kernels->lay_out_columns(view.data, view.stride, columns, count, block.data(), stride);
      for (std::size_t k = 0; k < columns; ++k) {
        for (std::size_t i = 0; i < stride; ++i) {
          ASSERT_EQ(block[k * stride + i], i < count ? view.row(i)[k] : -1.0) << kind.name << ' ' << k << ' ' << i;
        }
      }
    }
  }
}

// As many rows as there may be are predicted as each is, whatever stands behind the features of a row.
TEST_P(BlocksOfFeatures, ArePredictedAsTheirRowsAre) {
  const std::size_t features = GetParam();
  const TestRows rows = random_rows(features, 1'000, features, true);
  const RowsView view = rows.view();
  LeastSquares learner({.features = features, .ridge = 1});
  std::vector<double> predictions(view.count);
  std::vector<double> variances(view.count);
  learner.partial_fit(view, {predictions});
  const std::unique_ptr<const Predictor> predictor = learner.predictor();
  predictor->predict_rows(view.data, view.stride, predictions);
  predictor->variance_rows(view.data, view.stride, variances);
  for (std::size_t i = 0; i < view.count; ++i) {
    ASSERT_EQ(predictions[i], predictor->predict(view.row(i))) << i;
    ASSERT_EQ(variances[i], predictor->variance(view.row(i))) << i;
  }
}

// A block is foretold as its rows are one by one, wherever it begins.
TEST_P(BlocksOfFeatures, AreForetoldAsTheirRowsAreOnEveryProcessor) {
  const std::size_t features = GetParam();
  for (const bool intercept : {true, false}) {
    const TestRows rows = random_rows(features, WaitingRows::kMax, features, true);
    WaitingRows waiting(features, intercept);
    waiting.append({}, rows.view(), 0, rows.count());
    const std::size_t columns = features + (intercept ? 2 : 1);
    Solution<double> solution(columns);
    solution.evidence.fold({}, waiting, 0, rows.count());
    solution.solve(solution.coefficients);
    solution.noise = 2;
    const std::size_t first = 13;
    const std::size_t count = rows.count() - first;
    const RowBlock block = waiting.last(count);
    std::vector<double> predictions(count);
    std::vector<double> variances(count);
    solution.predict_rows(block, intercept, predictions);
    solution.variance_rows(block, intercept, variances);
    const std::size_t constants = intercept ? 1 : 0;
    for (const Kind& kind : kinds_here()) {
      std::array<double, kStride> sums;
      std::array<double, kStride> leverages;
      kind.kernels->predict_rows(block.first, block.stride, solution.coefficients.data() + constants, features,
                                 intercept ? solution.coefficients[0] : 0.0, kMaxMagnitude, count, sums.data());
      kind.kernels->leverage_rows(block.first, block.stride, solution.evidence.factor.packed().data(),
                                  solution.inverse_diagonal.data(), columns - 1, intercept, count, leverages.data());
      for (std::size_t i = 0; i < count; ++i) {
        const double* x = rows.view().row(first + i);
        ASSERT_EQ(sums[i], solution.predict(x, intercept)) << kind.name << ' ' << i;
        ASSERT_EQ(predictions[i], solution.predict(x, intercept)) << i;
        ASSERT_EQ(4 * (1 + leverages[i]), solution.variance(x, intercept)) << kind.name << ' ' << i;
        ASSERT_EQ(variances[i], solution.variance(x, intercept)) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Features, BlocksOfFeatures, testing::Values(1, 2, 7, 8, 9, 16, 33, 130));

TEST(Predictions, AreWithinTheLimitOnEveryProcessor) {
  Solution<double> solution(3);
  solution.coefficients = {1e200, 1e200};
  const std::vector<double> x = {1e100, -1e100, 1e-200, -1e-200, 1e200,  1e-60, -1e-60, 0, 2e-200,
                                 1e100, -1e100, 1e-200, 0,       -1e200, 0,     0,      0, 2e-200};
  constexpr std::size_t kRows = 9;
  constexpr std::size_t kRoom = 16;
  std::array<double, 2 * kRoom> block{};
  for (std::size_t i = 0; i < kRows; ++i) {
    block[i] = x[i];
    block[kRoom + i] = x[kRows + i];
  }
  for (const Kind& kind : kinds_here()) {
    std::array<double, kRoom> predictions;
    kind.kernels->predict_rows(block.data(), kRoom, solution.coefficients.data(), 2, 0, kMaxMagnitude, kRows,
                               predictions.data());
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::array<double, 2> row{x[i], x[kRows + i]};
      EXPECT_EQ(predictions[i], solution.predict(row.data(), false)) << kind.name << ' ' << i;
    }
    EXPECT_EQ(predictions[0], kMaxMagnitude) << kind.name;
    EXPECT_EQ(predictions[1], -kMaxMagnitude) << kind.name;
    EXPECT_EQ(predictions[4], 0) << kind.name << ": of two infinities";
  }
}

// Exponents, or bases, from far below to far above, and the powers of two themselves.
std::vector<double> any_numbers(double lowest, double highest) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> number(lowest, highest);
  std::vector<double> numbers(4'096);
  for (double& value : numbers) {
    value = number(generator);
  }
  return numbers;
}

TEST(Powers, OfTwoAreThoseOfTheLibraryOnEveryProcessor) {
  std::vector<double> exponents = any_numbers(-1'021, 2);
  std::fill_n(exponents.begin(), 8, -1'022.5);
  for (int i = 8; i < 256; ++i) {
    exponents[static_cast<std::size_t>(i)] = 2 - i;
  }
  std::vector<double> expected = exponents;
  kBaselineKernels.powers_of_two(expected.data(), expected.size());
  for (std::size_t i = 0; i < exponents.size(); ++i) {
    const double power = i < 8 ? 0 : std::exp2(exponents[i]);
    ASSERT_NEAR(expected[i], power, i < 256 ? 0 : 1e-15 * power) << exponents[i];
  }
  for (const Kind& kind : kinds_here()) {
    std::vector<double> powers = exponents;
    kind.kernels->powers_of_two(powers.data(), powers.size());
    ASSERT_EQ(powers, expected) << kind.name;
  }
}

TEST(Powers, OfNumbersUpToOneAreThoseOfTheLibraryOnEveryProcessor) {
  const std::vector<double> exponents = any_numbers(0, 50);
  std::vector<double> bases = any_numbers(-60, 0);
  std::transform(bases.begin(), bases.end(), bases.begin(), [](double x) { return std::exp2(x); });
  for (std::size_t i = 0; i < 512; ++i) {
    bases[i] = i % 2 == 0 ? 1 - static_cast<double>(i) * 0x1p-53 : 1 - static_cast<double>(i) / 512;
  }
  bases[1] = 0;
  std::vector<double> expected = bases;
  kBaselineKernels.powers(expected.data(), exponents.data(), expected.size());
  EXPECT_EQ(expected[0], 1);
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const double power = std::pow(bases[i], exponents[i]);
    ASSERT_NEAR(expected[i], power < 0x1p-1022 ? 0 : power, 1e-15 * power * (1 - std::log2(std::max(power, 1e-300))))
        << bases[i] << ' ' << exponents[i];
  }
  for (const Kind& kind : kinds_here()) {
    std::vector<double> powers = bases;
    kind.kernels->powers(powers.data(), exponents.data(), powers.size());
    ASSERT_EQ(powers, expected) << kind.name;
  }
}

}  // namespace
}  // namespace accrue::models
