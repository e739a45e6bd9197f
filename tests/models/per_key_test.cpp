#include "models/per_key.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "datasets/random.hpp"
#include "tests/models/round_trip.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kFeatures = 2;

// Rows of x0 x1 y key. Key k's slope of x0 is k, what else there is all keys share.
std::vector<double> keyed_rows(std::size_t count, std::size_t keys, std::uint64_t seed) {
  datasets::Random random(seed);
  std::vector<double> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = static_cast<double>(random.below(keys));
    const double a = random.normal();
    const double b = random.normal();
    const double y = 5 + key * a - b + 0.1 * random.normal();
    rows.insert(rows.end(), {a, b, y, key});
  }
  return rows;
}

RowsView view_of(const std::vector<double>& rows) {
  RowsView view{rows.data(), rows.size() / 4, 4, kFeatures, false};
  view.key_column = 3;
  return view;
}

PerKeyOptions options(std::size_t max_keys = 100) {
  return {.stream = {.features = kFeatures}, .shrinkage_rows = 5, .max_keys = max_keys};
}

std::vector<double> fit(PerKey& learner, const RowsView& rows) {
  std::vector<double> predictions(rows.count);
  learner.partial_fit(rows, {predictions});
  return predictions;
}

double predict(const PerKey& learner, double a, double b, double key) {
  const std::vector<double> x = {a, b, key};
  return learner.predictor()->predict(x.data());
}

TEST(PerKey, EachKeyHasItsOwnModel) {
  PerKey learner(options());
  fit(learner, view_of(keyed_rows(10'000, 5, 1)));
  EXPECT_EQ(learner.keys()->held, 5);
  for (const double key : {0.0, 1.0, 4.0}) {
    EXPECT_NEAR(predict(learner, 1, 0, key), 5 + key, 0.05);
  }
}

TEST(PerKey, AKeyNeverSeenPredictsAsTheStream) {
  const std::vector<double> rows = keyed_rows(1'000, 5, 2);
  PerKey learner(options());
  LeastSquares stream({.features = kFeatures});
  fit(learner, view_of(rows));
  std::vector<double> ignored(1'000);
  stream.partial_fit(view_of(rows), {ignored});
  const std::vector<double> x = {0.5, -2, 77};
  EXPECT_EQ(learner.predictor()->predict(x.data()), stream.predictor()->predict(x.data()));
}

// The estimate by its definition: the key's rows and, of the stream's, as many as shrinkage_rows says.
TEST(PerKey, AKeyWithFewRowsIsShrunkTowardsTheStream) {
  std::vector<double> rows = keyed_rows(4'096, 1, 3);
  rows.insert(rows.end(), {1, 0, 10, 9});  // the only row of key 9
  PerKey learner(options());
  fit(learner, view_of(rows));
  const double with_one_row = predict(learner, 1, 0, 9);
  const double stream = predict(learner, 1, 0, 8);
  EXPECT_NEAR(stream, 5, 0.1);
  // Leverage of (1, 1, 0) among five rows of unit variance and mean 0 is 2/5: the residual shrinks by 1 / (1 + 2/5).
  EXPECT_NEAR(with_one_row, stream + (10 - stream) * (0.4 / 1.4), 0.1);
}

TEST(PerKey, KnowsTheModelsOfKeysBetterThanOneModelOfAll) {
  const std::vector<double> rows = keyed_rows(20'000, 50, 4);
  PerKey learner(options());
  const std::vector<double> predictions = fit(learner, view_of(rows));
  double squares = 0;
  for (std::size_t i = 10'000; i < predictions.size(); ++i) {
    const double error = predictions[i] - view_of(rows).target(i);
    squares += error * error;
  }
  EXPECT_LT(squares / 10'000, 0.1) << "one model of all has 208, the noise 0.01";
}

TEST(PerKey, TheKeyUnseenForLongestGoesWhenThereAreTooMany) {
  PerKey learner(options(3));
  auto see_key = [&, index = std::uint64_t{0}](double key) mutable {
    const std::vector<double> row = {1, 2, 3, key};
    RowsView view = view_of(row);
    view.first_index = index++;
    fit(learner, view);
  };
  for (const double key : {1.0, 2.0, 3.0, 1.0, 4.0}) {
    see_key(key);
  }
  EXPECT_EQ(learner.keys()->held, 3);
  EXPECT_EQ(learner.keys()->evicted, 1);
  see_key(1);  // still there
  EXPECT_EQ(learner.keys()->evicted, 1);
  see_key(2);  // went
  EXPECT_EQ(learner.keys()->evicted, 2);
}

TEST(PerKey, CallsMayBeCutAnywhereAndStatesRestored) {
  const std::vector<double> rows = keyed_rows(3'000, 20, 5);
  PerKey whole(options(10));
  const std::vector<double> expected = fit(whole, view_of(rows));
  auto learner = std::make_unique<PerKey>(options(10));
  std::vector<double> got;
  for (std::size_t begin = 0; begin < 3'000; begin += 7) {
    const std::vector<double> part = fit(*learner, view_of(rows).slice(begin, std::min<std::size_t>(7, 3'000 - begin)));
    got.insert(got.end(), part.begin(), part.end());
    const std::vector<std::byte> state = state_of(*learner);
    learner = std::make_unique<PerKey>(options(10));
    ASSERT_EQ(decode_state(state, *learner), DecodeError::kNone);
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(state_of(*learner), state_of(whole));
}

TEST(PerKey, MergedPartsAreOneLearnerOfAllRows) {
  const std::vector<double> rows = keyed_rows(4'000, 20, 6);
  PerKey whole(options());
  fit(whole, view_of(rows));
  std::vector<PerKey> parts(4, PerKey(options()));
  for (std::size_t i = 0; i < 4'000; ++i) {
    fit(parts[i % 4], view_of(rows).slice(i, 1));
  }
  PerKey merged(options());
  for (const PerKey& part : parts) {
    merged.merge(part);
  }
  EXPECT_EQ(merged.rows(), whole.rows());
  EXPECT_EQ(merged.keys()->held, whole.keys()->held);
  for (double key = 0; key < 20; ++key) {
    EXPECT_NEAR(predict(merged, 1, -1, key), predict(whole, 1, -1, key), 1e-10);
  }
}

// All that was evicted, summed as the store sums it.
using Kept = std::map<std::pair<double, std::uint64_t>, KeyState>;

void keep_evicted(PerKey& learner, Kept& kept) {
  for (KeyState& state : learner.take_evicted()) {
    const auto [found, is_new] = kept.try_emplace({state.key, state.origin.beginning}, state);
    if (!is_new) {
      found->second.merge(state);
    }
  }
}

double predict_with_kept(const PerKey& learner, const Kept& kept, double a, double b, double key) {
  const std::vector<double> x = {a, b, key};
  Factor known(kFeatures + 2);
  const KeyFigures keys = learner.keys().value();
  for (const KeyOrigin& origin : keys.origins) {
    const auto found = kept.find({key, origin.beginning});
    if (found != kept.end()) {
      known.merge(found->second.factor(origin.kept));
    }
  }
  return learner.predictor()->predict_with(x.data(), known);
}

void expect_as_if_all_were_held(const PerKey& learner, const Kept& kept, const PerKey& whole) {
  for (double key = 0; key < 20; ++key) {
    EXPECT_NEAR(predict_with_kept(learner, kept, 1, -1, key), predict(whole, 1, -1, key), 1e-10) << key;
  }
}

TEST(PerKey, WithWhatWasEvictedItPredictsAsIfAllWereHeld) {
  const std::vector<double> rows = keyed_rows(4'000, 20, 7);
  PerKey whole(options());
  fit(whole, view_of(rows));
  PerKey learner(options(3));
  Kept kept;
  for (std::size_t first = 0; first < 4'000; first += 100) {
    fit(learner, view_of(rows).slice(first, 100));
    keep_evicted(learner, kept);
  }
  EXPECT_EQ(learner.keys()->held, 3);
  EXPECT_GT(learner.keys()->evicted, 1'000);
  EXPECT_EQ(kept.size(), 20);
  expect_as_if_all_were_held(learner, kept, whole);
}

TEST(PerKey, WhatPartitionsEvictedAddsUp) {
  const std::vector<double> rows = keyed_rows(4'000, 20, 8);
  PerKey whole(options());
  fit(whole, view_of(rows));
  std::vector<PerKey> parts(4, PerKey(options(3)));
  Kept kept;
  for (std::size_t i = 0; i < 4'000; ++i) {
    fit(parts[i % 4], view_of(rows).slice(i, 1));
  }
  PerKey merged(options(3));
  for (PerKey& part : parts) {
    keep_evicted(part, kept);
    merged.merge(part);
  }
  EXPECT_EQ(merged.keys()->origins.size(), 4);
  expect_as_if_all_were_held(merged, kept, whole);
}

TEST(PerKey, WhatIsForgottenIsForgottenOfTheEvictedToo) {
  const std::vector<double> rows = keyed_rows(3'000, 20, 9);
  PerKey whole(options());
  PerKey learner(options(3));
  Kept kept;
  for (std::size_t first = 0; first < 3'000; first += 1'000) {
    fit(whole, view_of(rows).slice(first, 1'000));
    fit(learner, view_of(rows).slice(first, 1'000));
    if (first != 1'000) {
      keep_evicted(learner, kept);  // the second thousand's wait through a forgetting
    }
    whole.forget(0.25);
    learner.forget(0.25);
  }
  expect_as_if_all_were_held(learner, kept, whole);
}

TEST(PerKey, AfterAllIsForgottenAnotherLearnerBegins) {
  const std::vector<double> rows = keyed_rows(1'000, 20, 10);
  PerKey learner(options(3));
  fit(learner, view_of(rows).slice(0, 500));
  EXPECT_EQ(learner.keys()->origins, std::vector<KeyOrigin>{KeyOrigin{}});
  learner.forget(0);
  EXPECT_TRUE(learner.take_evicted().empty());
  EXPECT_TRUE(learner.keys()->origins.empty());
  fit(learner, view_of(rows).slice(500, 500));
  EXPECT_EQ(learner.keys()->origins, std::vector<KeyOrigin>{KeyOrigin{.beginning = 500}});
}

TEST(PerKey, WhatWaitsToBeTakenIsNotInTheStateNorInACopy) {
  PerKey learner(options(3));
  fit(learner, view_of(keyed_rows(1'000, 20, 11)));
  const std::vector<std::byte> before = state_of(learner);
  PerKey copy(learner);
  EXPECT_TRUE(copy.take_evicted().empty());
  EXPECT_GT(learner.take_evicted().size(), 100);
  EXPECT_TRUE(learner.take_evicted().empty());
  EXPECT_EQ(state_of(learner), before);
}

// 8 bytes for each of (d + 2)(d + 3) / 2 numbers, and 250: less than 200 MB for 100,000 keys at d = 8.
TEST(PerKey, AHundredThousandKeysAreHeldInLessThan200Megabytes) {
  constexpr std::size_t kKeys = 100'000;
  constexpr std::size_t kWide = 8;
  const auto held = [] {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  };
  const std::size_t before = held();
  PerKey learner({.stream = {.features = kWide}});
  datasets::Random random(12);
  std::vector<double> row(kWide + 2);
  RowsView view{row.data(), 1, row.size(), kWide, false};
  view.key_column = kWide + 1;
  double prediction = 0;
  for (std::size_t key = 0; key < kKeys; ++key) {
    std::generate(row.begin(), row.end(), [&] { return random.normal(); });
    row.back() = static_cast<double>(key);
    view.first_index = key;
    learner.partial_fit(view, {{&prediction, 1}});
  }
  EXPECT_EQ(learner.keys()->held, kKeys);
  EXPECT_LT(held() - before, 200'000'000);
}

TEST(PerKey, AStateThatHoldsAKeyTwiceIsRefused) {
  PerKey learner(options());
  fit(learner, view_of({1, 2, 3, 7, 1, 2, 3, 8}));
  std::vector<std::byte> state = state_of(learner);
  PerKey restored(options());
  ASSERT_EQ(decode_state(state, restored), DecodeError::kNone);
  StateWriter writer;
  LeastSquares({.features = kFeatures}).encode(writer);
  writer.put_count(0);  // origins
  writer.put_count(0);
  writer.put_count(2);
  for (const std::uint64_t index : {1u, 2u}) {
    writer.put_double(7);
    writer.put_count(index);
    writer.put_doubles(Factor(kFeatures + 2).packed());
  }
  EXPECT_EQ(decode_state(std::move(writer).finish(), restored), DecodeError::kInvalid);
}

}  // namespace
}  // namespace accrue::models
