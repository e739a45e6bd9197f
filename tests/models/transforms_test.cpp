// The transforms before a learner: what each makes of a row, and what they learn.
#include "models/transforms.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "models/rows.hpp"

namespace accrue::models {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::vector<std::string> kNames = {"a", "b", "c"};
const char* const kEverything =
    "impute(mean; a) | log1p(b) | impute(-1; b) | clip(-2, 50; c) | standard_scaler(a, c) | polynomial(a, b) | "
    "hash(4; c, a*b) | select(a, b, a^2, hash0, hash1, hash2, hash3)";

std::vector<double> transformed(const Transforms& transforms, const std::vector<double>& x) {
  std::vector<double> row(kMaxFeatures);
  transforms.transform(x.data(), row.data());
  row.resize(transforms.names().size());
  return row;
}

std::vector<double> transformed(const std::string& text, const std::vector<double>& x) {
  return transformed(Transforms(text, kNames), x);
}

// Learns rows of features, target and weight; the features that came out, row by row.
std::vector<double> learn(Transforms& transforms, const std::vector<double>& rows, std::size_t features = 3) {
  const std::size_t stride = features + 2;
  const RowsView out = transforms.learn({rows.data(), rows.size() / stride, stride, features, true});
  std::vector<double> numbers;
  for (std::size_t i = 0; i < out.count; ++i) {
    numbers.insert(numbers.end(), out.row(i), out.row(i) + out.features);
  }
  return numbers;
}

// Of kNames, the target and a weight; some of a and b are missing.
std::vector<double> random_rows(std::uint64_t seed, std::size_t count) {
  datasets::Random random(seed);
  std::vector<double> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back(random.below(5) == 0 ? kNaN : 7 + random.normal());
    rows.push_back(random.below(5) == 0 ? kNaN : 1000 * random.normal());
    rows.push_back(20 + 30 * random.normal());
    rows.push_back(random.normal());
    rows.push_back(random.below(6) == 0 ? 0 : random.uniform());
  }
  return rows;
}

std::vector<std::byte> encoded(const Transforms& transforms) {
  StateWriter writer;
  transforms.encode(writer);
  return std::move(writer).finish();
}

void restore(Transforms& transforms, const std::vector<std::byte>& state) {
  StateReader reader;
  ASSERT_EQ(reader.open(state), DecodeError::kNone);
  ASSERT_EQ(transforms.decode(reader), DecodeError::kNone);
  ASSERT_EQ(reader.remaining(), 0U);
}

std::vector<std::string> numbered(std::size_t columns) { return column_names(columns, {}); }

TEST(Transforms, ThatAreNoneLeaveRowsWhereTheyAre) {
  Transforms none("", kNames);
  const std::vector<double> rows = random_rows(1, 10);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.learn({rows.data(), 10, 5, 3, true}).data, rows.data());
  EXPECT_EQ(none.names(), kNames);
}

TEST(Transforms, Log1pIsThatOfTheMagnitudeWithTheSign) {
  EXPECT_THAT(transformed("log1p", {3, -3, 0}), ElementsAre(std::log(4.0), -std::log(4.0), 0));
  EXPECT_THAT(transformed("log1p(b)", {3, 1e-20, 5}), ElementsAre(3, 1e-20, 5));
  EXPECT_EQ(Transforms("log1p", kNames).names(), kNames);
}

TEST(Transforms, ClipTakesTheNearestValueWithin) {
  EXPECT_THAT(transformed("clip(-1.5, 2e0)", {-7, 7, 0.5}), ElementsAre(-1.5, 2, 0.5));
  EXPECT_THAT(transformed("clip(1, 1; c, a)", {-7, 7, 7}), ElementsAre(1, 7, 1));
}

TEST(Transforms, ImputePutsANumberWhereAValueIsMissing) {
  EXPECT_THAT(transformed("impute(-1)", {kNaN, 2, kNaN}), ElementsAre(-1, 2, -1));
  EXPECT_THAT(transformed("impute(9; a, b)", {kNaN, kNaN, 3}), ElementsAre(9, 9, 3));
}

TEST(Transforms, ImputePutsTheMeanOfTheValuesBefore) {
  Transforms impute("impute(mean)", {"x"});
  const std::vector<double> rows = {kNaN, 0, 1,  // x, target, weight
                                    10,   0, 1,  //
                                    kNaN, 0, 5,  // does not count
                                    99,   0, 0,  // neither
                                    40,   0, 2,  //
                                    kNaN, 0, 1};
  EXPECT_THAT(learn(impute, rows, 1), ElementsAre(0, 10, 10, 99, 40, 30));
  EXPECT_THAT(transformed(impute, {kNaN}), ElementsAre(30));
}

TEST(Transforms, StandardScalerScalesWithTheRowsBefore) {
  Transforms scaler("standard_scaler", {"x", "constant"});
  const std::vector<double> rows = {4,    7,    0, 1,  // x, constant, target, weight
                                    8,    7,    0, 3,  // the first that differs
                                    9,    7,    0, 2,  // 4 once, 8 three times: mean 7, variance 3
                                    kNaN, 7,    0, 1,  //
                                    5,    kNaN, 0, 0,  // mean 46/6 = 7.667, variance (13.44 + 3 * 0.111 + 2 * 1.78) / 6
                                    5,    7,    0, 1};
  const std::vector<double> out = learn(scaler, rows, 2);
  const double mean = 46.0 / 6;
  const double deviation = std::sqrt((16 + 3 * 64 + 2 * 81) / 6.0 - mean * mean);
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[2], 0) << "nothing is known of how the column varies";
  EXPECT_NEAR(out[4], 2 / std::sqrt(3.0), 1e-14);
  EXPECT_TRUE(std::isnan(out[6]));
  EXPECT_NEAR(out[8], (5 - mean) / deviation, 1e-13);
  EXPECT_TRUE(std::isnan(out[9]));
  EXPECT_EQ(out[10], out[8]) << "the row before had no weight";
  for (const std::size_t row : {0U, 1U, 2U, 3U, 5U}) {
    EXPECT_EQ(out[2 * row + 1], 0) << "a constant column";
  }
}

TEST(Transforms, PolynomialAddsSquaresAndProducts) {
  EXPECT_THAT(transformed("polynomial", {2, 3, 5}), ElementsAre(2, 3, 5, 4, 6, 10, 9, 15, 25));
  EXPECT_THAT(Transforms("polynomial", kNames).names(),
              ElementsAre("a", "b", "c", "a^2", "a*b", "a*c", "b^2", "b*c", "c^2"));
  EXPECT_THAT(transformed("polynomial(c, a)", {2, 3, 5}), ElementsAre(2, 3, 5, 4, 10, 25));
  EXPECT_THAT(Transforms("polynomial(c, a)", kNames).names(), ElementsAre("a", "b", "c", "a^2", "a*c", "c^2"));
}

TEST(Transforms, SelectKeepsTheListedColumnsInTheOrderOfTheRow) {
  EXPECT_THAT(transformed("select(c, b)", {2, 3, 5}), ElementsAre(3, 5));
  EXPECT_THAT(Transforms("select(c, b)", kNames).names(), ElementsAre("b", "c"));
}

// The numbers are those of FNV-1a and MurmurHash3's finaliser, worked out apart from this code: the stored models of
// every accrue depend on them.
TEST(Transforms, HashAddsEachColumnToItsBucketWithItsSign) {
  EXPECT_THAT(transformed("hash(4)", {1, 10, 100}), ElementsAre(10, -1, 0, 100));
  EXPECT_THAT(transformed("hash(2; b)", {1, 10, 100}), ElementsAre(1, 100, 10, 0));
  EXPECT_THAT(Transforms("hash(2; b)", kNames).names(), ElementsAre("a", "c", "hash0", "hash1"));
}

// E of the inner product of two hashed rows is that of the rows (Weinberger et al., lemma 2).
TEST(Transforms, HashKeepsInnerProductsInTheMean) {
  constexpr std::size_t kColumns = 20;
  constexpr int kNamings = 4000;
  std::vector<double> x(kColumns);
  std::vector<double> y(kColumns);
  double exact = 0;
  for (std::size_t k = 0; k < kColumns; ++k) {
    x[k] = static_cast<double>(k);
    y[k] = 3 - static_cast<double>(k % 4);
    exact += x[k] * y[k];
  }
  double mean = 0;
  for (int naming = 0; naming < kNamings; ++naming) {
    std::vector<std::string> names;
    for (std::size_t k = 0; k < kColumns; ++k) {
      names.push_back("n" + std::to_string(naming) + "=" + std::to_string(k));
    }
    const Transforms hash("hash(8)", names);
    const std::vector<double> hashed_x = transformed(hash, x);
    const std::vector<double> hashed_y = transformed(hash, y);
    for (std::size_t bucket = 0; bucket < hashed_x.size(); ++bucket) {
      mean += hashed_x[bucket] * hashed_y[bucket] / kNamings;
    }
  }
  EXPECT_NEAR(mean, exact, 0.02 * exact);
}

TEST(Transforms, EachFindsColumnsByTheNamesThatItMeets) {
  EXPECT_THAT(transformed("polynomial(a,b)|select( a*b ,c) | clip(0,7;a*b)", {2, 30, 5}), ElementsAre(5, 7));
  const Transforms unnamed("select(2, 0)", numbered(3));
  EXPECT_THAT(transformed(unnamed, {2, 3, 5}), ElementsAre(2, 5));
  const Transforms quoted("log1p(\"a, \"\"b\"\" | (c)\") | select(\"plain\")", {"a, \"b\" | (c)", "plain"});
  EXPECT_THAT(quoted.names(), ElementsAre("plain"));
}

TEST(Transforms, TakeMissingValuesWhereNoneIsLeftAtTheEnd) {
  const auto takes = [](const std::string& text) {
    const Transforms transforms(text, kNames);
    std::string columns;
    for (std::size_t k = 0; k < kNames.size(); ++k) {
      columns += transforms.takes_missing(k) ? kNames[k] : "";
    }
    return columns;
  };
  EXPECT_EQ(takes(""), "");
  EXPECT_EQ(takes("impute(mean)"), "abc");
  EXPECT_EQ(takes("impute(0; b)"), "b");
  EXPECT_EQ(takes("log1p | clip(0, 0) | standard_scaler"), "");
  EXPECT_EQ(takes("log1p | clip(0, 0) | standard_scaler | impute(mean; a, c)"), "ac");
  EXPECT_EQ(takes("select(b)"), "ac") << "nobody looks at the others";
  EXPECT_EQ(takes("polynomial | impute(0; a, a^2, b, b^2, c, c^2, a*c)"), "") << "products of b are missing, too";
  EXPECT_EQ(takes("polynomial | impute(0; a, a^2, c, c^2, a*c) | select(a, a^2, a*c, c, c^2)"), "abc");
  EXPECT_EQ(takes("hash(2; a, b)"), "");
  EXPECT_EQ(takes("hash(2; a, b) | impute(0; hash0, hash1)"), "ab");
}

TEST(Transforms, AreTheSameHoweverTheCallsWereCut) {
  const std::vector<double> rows = random_rows(2, 300);
  Transforms at_once(kEverything, kNames);
  const std::vector<double> expected = learn(at_once, rows);
  Transforms cut(kEverything, kNames);
  std::vector<double> actual;
  datasets::Random random(3);
  for (std::size_t first = 0; first < 300;) {
    const std::size_t count = std::min<std::size_t>(300 - first, random.below(40));
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(5 * first);
    const std::vector<double> out = learn(cut, {begin, begin + static_cast<std::ptrdiff_t>(5 * count)});
    actual.insert(actual.end(), out.begin(), out.end());
    first += count;
    Transforms restored(kEverything, kNames);
    restore(restored, encoded(cut));
    cut = restored;
  }
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(encoded(cut), encoded(at_once));
}

TEST(Transforms, OfAnySplitMergeToThoseOfTheWhole) {
  const char* const text = "standard_scaler(c) | impute(mean; a, b)";
  const std::vector<double> rows = random_rows(4, 1000);
  Transforms whole(text, kNames);
  learn(whole, rows);
  const std::vector<double> expected = transformed(whole, {kNaN, kNaN, 55});
  for (const int cut : {0, 1, 400, 999, 1000}) {
    Transforms merged(text, kNames);
    Transforms rest(text, kNames);
    learn(merged, {rows.begin(), rows.begin() + 5 * cut});
    learn(rest, {rows.begin() + 5 * cut, rows.end()});
    merged.merge(rest);
    const std::vector<double> actual = transformed(merged, {kNaN, kNaN, 55});
    for (std::size_t k = 0; k < actual.size(); ++k) {
      EXPECT_NEAR(actual[k], expected[k], 1e-10 * std::abs(expected[k]));
    }
  }
}

TEST(Transforms, ThatSeeOthersGoByTheRowsOfAll) {
  const std::vector<double> rows = random_rows(5, 600);
  const std::vector<double> theirs(rows.begin(), rows.begin() + 2000);
  const std::vector<double> mine(rows.begin() + 2000, rows.end());
  Transforms all("impute(mean)", kNames);
  Transforms others("impute(mean)", kNames);
  Transforms own("impute(mean)", kNames);
  Transforms seeing("impute(mean)", kNames);
  learn(all, rows);
  learn(others, theirs);
  learn(own, mine);
  seeing.see(others);
  learn(seeing, mine);
  const std::vector<double> missing(3, kNaN);
  const std::vector<double> expected = transformed(all, missing);
  const std::vector<double> actual = transformed(seeing, missing);
  for (std::size_t k = 0; k < actual.size(); ++k) {
    EXPECT_NEAR(actual[k], expected[k], 1e-10 * std::abs(expected[k]));
  }
  Transforms restored("impute(mean)", kNames);
  restore(restored, encoded(seeing));
  EXPECT_EQ(transformed(restored, missing), actual);
  restored.merge(Transforms("impute(mean)", kNames));
  EXPECT_EQ(encoded(restored), encoded(own)) << "what it saw is not its own";
}

TEST(Transforms, KeepAllThatStandsBehindTheFeatures) {
  const std::vector<double> rows = {1, 2, 3, -1, 0.5, 100, 7, 77,  //
                                    4, 5, 6, -2, 1.5, 200, 8, 88};
  const std::vector<std::uint64_t> indices = {10, 20};
  RowsView view{rows.data(), 2, 8, 3, true};
  view.indices = indices.data();
  view.time_column = 5;
  view.key_column = 6;
  for (const char* text : {"polynomial", "select(b)", "clip(0, 0)", "hash(1)"}) {
    Transforms transforms(text, kNames);
    const RowsView out = transforms.learn(view);
    EXPECT_EQ(out.features, transforms.names().size());
    for (const std::size_t i : {0U, 1U}) {
      EXPECT_EQ(out.target(i), view.target(i)) << text;
      EXPECT_EQ(out.weight(i), view.weight(i)) << text;
      EXPECT_EQ(out.time(i), view.time(i)) << text;
      EXPECT_EQ(out.key(i), view.key(i)) << text;
      EXPECT_EQ(out.index(i), indices[i]) << text;
    }
  }
}

TEST(Transforms, KeepAnEventTimeAndAKeyThatAreFeaturesAsTheyCame) {
  const std::vector<double> rows = {1, 2, 3, -1,  //
                                    4, 5, 6, -2};
  RowsView view{rows.data(), 2, 4, 3, false};
  view.time_column = 1;
  view.key_column = 2;
  for (const char* text : {"standard_scaler", "polynomial", "select(b)", "clip(0, 0)", "hash(1)"}) {
    Transforms transforms(text, kNames);
    const RowsView out = transforms.learn(view);
    for (const std::size_t i : {0U, 1U}) {
      EXPECT_EQ(out.target(i), view.target(i)) << text;
      EXPECT_EQ(out.time(i), view.time(i)) << text;
      EXPECT_EQ(out.key(i), view.key(i)) << text;
    }
  }
}

TEST(Transforms, KeepEveryValueWithinTheLargestMagnitude) {
  const std::vector<double> values = {kMaxMagnitude, -kMaxMagnitude, 1e-320, -1e-320, 0, 1, 1e-200};
  const std::vector<double> weights = {1, kMaxMagnitude, 1e-320, 0};
  std::vector<double> rows;
  datasets::Random random(6);
  for (int i = 0; i < 3000; ++i) {
    for (int k = 0; k < 4; ++k) {
      rows.push_back(values[random.below(values.size())]);
    }
    rows.push_back(weights[random.below(weights.size())]);
  }
  for (const char* text : {"standard_scaler", "polynomial", "hash(1)", "log1p", "impute(mean)", kEverything}) {
    Transforms transforms(text, kNames);
    const auto within = ::testing::Truly([](double value) { return std::abs(value) <= kMaxMagnitude; });
    EXPECT_THAT(learn(transforms, rows), Each(within)) << text;
    Transforms restored(text, kNames);
    restore(restored, encoded(transforms));
  }
}

TEST(Transforms, RefuseAStateThatIsCutShort) {
  Transforms transforms(kEverything, kNames);
  learn(transforms, random_rows(7, 50));
  StateWriter writer;
  transforms.encode(writer);
  const std::vector<std::byte> state = std::move(writer).finish();
  const std::size_t words = (state.size() - 28) / 8;
  for (std::size_t kept = 0; kept < words; ++kept) {
    StateReader whole;
    ASSERT_EQ(whole.open(state), DecodeError::kNone);
    StateWriter shorter;
    for (std::size_t i = 0; i < kept; ++i) {
      std::uint64_t word = 0;
      ASSERT_TRUE(whole.get_count(word));
      shorter.put_count(word);
    }
    const std::vector<std::byte> cut = std::move(shorter).finish();
    StateReader reader;
    ASSERT_EQ(reader.open(cut), DecodeError::kNone);
    Transforms restored(kEverything, kNames);
    EXPECT_EQ(restored.decode(reader), DecodeError::kInvalid) << kept;
  }
}

}  // namespace
}  // namespace accrue::models
