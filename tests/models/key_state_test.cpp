#include "models/key_state.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/model.hpp"
#include "tests/models/round_trip.hpp"

namespace accrue::models {
namespace {

using Bytes = std::vector<std::byte>;

KeyState of_rows(std::initializer_list<std::array<double, 3>> rows, const KeyOrigin& origin = {.beginning = 12}) {
  Factor factor(3);
  for (std::array<double, 3> row : rows) {
    factor.fold_row(row.data());
  }
  return {origin, 7, factor};
}

Bytes golden(const char* name) {
  std::ifstream file(std::filesystem::path(ACCRUE_GOLDEN_DIR) / name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Bytes bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(), [](char letter) { return static_cast<std::byte>(letter); });
  return bytes;
}

DecodeError decode(const Bytes& bytes) {
  std::optional<KeyState> state = KeyState();
  const DecodeError error = KeyState::decode(bytes, state);
  EXPECT_EQ(state.has_value(), error == DecodeError::kNone);
  return error;
}

TEST(KeyState, IsTheBytesOfItsGoldenFileAndReadsTheOlderOnes) {
  const KeyState state = of_rows({{1, 3, 4}, {1, 0, 2}}, {.beginning = 12, .kept = 0.25});
  EXPECT_EQ(state.encode(), golden("key_state_v6.bin"));
  for (const char* name : {"key_state_v4.bin", "key_state_v5.bin", "key_state_v6.bin"}) {
    std::optional<KeyState> read;
    ASSERT_EQ(KeyState::decode(golden(name), read), DecodeError::kNone) << name;
    EXPECT_EQ(read->origin, state.origin);
    EXPECT_EQ(read->key, 7);
    EXPECT_EQ(read->columns, 3);
    EXPECT_EQ(read->packed, state.packed);
  }
}

TEST(KeyState, OfFewRowsIsNoLongerThanTheyAre) {
  EXPECT_EQ(of_rows({{1, 3, 4}}).packed, (std::vector<double>{1, 3, 4}));
  EXPECT_EQ(of_rows({{1, 3, 4}, {1, 0, 2}}).packed.size(), 5);
  EXPECT_TRUE(of_rows({}).packed.empty());
}

TEST(KeyState, MergedStatesAreOneOfAllRows) {
  KeyState sum = of_rows({{1, 3, 4}});
  sum.merge(of_rows({{1, 0, 2}, {1, -5, 1}}));
  const KeyState all = of_rows({{1, 3, 4}, {1, 0, 2}, {1, -5, 1}});
  ASSERT_EQ(sum.packed.size(), all.packed.size());
  for (std::size_t i = 0; i < all.packed.size(); ++i) {
    EXPECT_NEAR(sum.packed[i], all.packed[i], 1e-14);
  }
}

TEST(KeyState, OldRowsCountAsMuchAsTheirLearnerHasKeptOfThem) {
  KeyState sum = of_rows({{1, 3, 4}});
  sum.merge(of_rows({{2, 0, 0}}, {.beginning = 12, .kept = 0.25}));
  EXPECT_EQ(sum.origin.kept, 0.25);
  Factor expected(3);
  for (std::array<double, 3> row : {std::array<double, 3>{0.5, 1.5, 2}, {2, 0, 0}}) {
    expected.fold_row(row.data());
  }
  EXPECT_NEAR(sum.factor(0.25).diagonal(0), expected.diagonal(0), 1e-15);
  EXPECT_NEAR(sum.factor(0.25 / 9).diagonal(0), expected.diagonal(0) / 3, 1e-15);
}

TEST(KeyState, OnlyThoseOfOneKeyAndLearnerAreOfTheSame) {
  const KeyState state = of_rows({{1, 3, 4}});
  KeyState other = state;
  EXPECT_TRUE(state.is_of_the_same(other));
  other.key = 8;
  EXPECT_FALSE(state.is_of_the_same(other));
  EXPECT_FALSE(state.is_of_the_same(of_rows({{1, 3, 4}}, {.beginning = 13})));
  EXPECT_FALSE(state.is_of_the_same({state.origin, 7, Factor(4)}));
}

TEST(KeyState, DamageIsRefused) {
  const Bytes whole = golden("key_state_v6.bin");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_EQ(decode({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), DecodeError::kTruncated);
  }
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << bit % 8;
    ASSERT_NE(decode(flipped), DecodeError::kNone) << bit;
  }
}

TEST(KeyState, WhatNoKeyCanBeIsRefused) {
  const auto decoded = [](double kept, double key, std::uint64_t columns, const std::vector<double>& packed) {
    return decode(written([&](StateWriter& writer) {
      writer.put_count(12);
      writer.put_double(kept);
      writer.put_double(key);
      writer.put_count(columns);
      writer.put_count(packed.size());
      writer.put_doubles(packed);
    }));
  };
  EXPECT_EQ(decoded(1, 7, 3, {1, 2, 3}), DecodeError::kNone);
  EXPECT_EQ(decoded(0, 7, 3, {1, 2, 3}), DecodeError::kInvalid) << "nothing is kept";
  EXPECT_EQ(decoded(1.5, 7, 3, {1, 2, 3}), DecodeError::kInvalid) << "more than all is kept";
  EXPECT_EQ(decoded(1, 1e151, 3, {1, 2, 3}), DecodeError::kInvalid) << "no key is so large";
  EXPECT_EQ(decoded(1, 7, 1, {1}), DecodeError::kInvalid) << "no feature";
  EXPECT_EQ(decoded(1, 7, 1'027, {1}), DecodeError::kInvalid) << "too many features";
  EXPECT_EQ(decoded(1, 7, 2, {1, 2, 3, 4}), DecodeError::kInvalid) << "more numbers than a factor has";
  EXPECT_EQ(decoded(1, 7, 3, {1, 2, 3, -1}), DecodeError::kInvalid) << "a negative diagonal";
  EXPECT_EQ(decoded(1, 7, 3, {1, 2, 0}), DecodeError::kInvalid) << "zeros at its end";
  EXPECT_EQ(decoded(1, 7, 3, {std::numeric_limits<double>::quiet_NaN(), 2, 3}), DecodeError::kInvalid);
}

// Through the transforms before a model, and the clipping behind it.
TEST(KeyState, AModelPredictsWithIt) {
  const ModelSpec spec{"by key",
                       "least_squares",
                       {{"group_by", "key"}, {"max_keys", "1"}, {"transforms", "clip(-2, 2)"}, {"clip", "observed"}}};
  ModelSpec all = spec;
  all.settings[1].value = "100";
  const std::vector<std::string> names = {"x"};
  Model bounded(spec, 1, names);
  Model whole(all, 1, names);
  std::vector<double> rows;
  for (int i = 0; i < 60; ++i) {
    const double x = i % 7 - 3;
    const double key = i % 3;
    rows.insert(rows.end(), {x, key * x + 1, key});
  }
  RowsView view{rows.data(), 60, 3, 1, false};
  view.key_column = 2;
  bounded.learn(view);
  whole.learn(view);
  Factor known(3);
  for (const KeyState& state : bounded.take_evicted()) {
    if (state.key == 1) {
      known.merge(state.factor(1));
    }
  }
  for (const double x : {-50.0, 0.5, 1.0}) {
    const std::array<double, 2> row = {x, 1};
    EXPECT_NEAR(bounded.predictor()->predict_with(row.data(), known), whole.predictor()->predict(row.data()), 1e-10);
  }
}

}  // namespace
}  // namespace accrue::models
