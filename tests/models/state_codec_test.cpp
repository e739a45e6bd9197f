#include "models/state_codec.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/model_set.hpp"
#include "tests/models/test_rows.hpp"

namespace accrue::models {
namespace {

using Bytes = std::vector<std::byte>;

// Where the words of STATE.md are, counted from the first field, for a set of one model of one feature and an
// intercept.
enum Field : std::size_t {
  kFeatures,
  kModels,
  kChampion,
  kName,                 // "least_squares", of 13 bytes: its length and two words
  kLearner = kName + 3,  // the same
  kSettings = kLearner + 3,
  kRows,
  kPieces,
  kClock,
  kRowsLeft,
  kPositiveRowsLeft,
  kWeightsLeft,
  kFactor,
  kWaiting = kFactor + 6,
  kWaitingRows,  // each x, y, its weight and its clock
  kSeesOthers = kWaitingRows + 3 * 4,
  kErrorRows,
  kErrorWeights,
  kMse,
  kMae,
  kMseClipped,
  kMaeClipped,
  kTargetMean,
  kTargetVariance,
  kBiasWeights,
  kBias,
  kMapeWeights,
  kMape,
  kZeroTargets,
  kHasTargets,
  kTargetMin,
  kTargetMax,
  kSeesTargets,
  kOthersMin,
  kOthersMax,
  kRest,  // the windows, the intervals, the drift
};

// The example of STATE.md: y = 1, 3, 4 at x = 0, 1, 2.
ModelSet small_model() {
  TestRows rows{1, false, {}};
  rows.add({0}, 1);
  rows.add({1}, 3);
  rows.add({2}, 4);
  ModelSet model = least_squares_set({.features = 1});
  model.learn(rows.view());
  return model;
}

// Weights, ridge, full blocks and rows that wait.
ModelSet grown_model() {
  TestRows rows{2, true, {}};
  for (int i = 0; i < 1027; ++i) {
    rows.add({(i * 37 % 101) / 8.0, (i * i % 17) - 8.0}, (i * 29 % 64) / 4.0 - i % 5, i % 4);
  }
  ModelSet model = least_squares_set({.features = 2, .ridge = 0.5});
  model.learn(rows.view());
  return model;
}

// A partition that has seen two others, one of which had seen it, and has scored rows since.
ModelSet partitioned_model() {
  ModelSet model = grown_model();
  TestRows rows{2, true, {}};
  rows.add({1, 2}, -7, 1);
  rows.add({0.5, -3}, 20, 2);
  ModelSet one = least_squares_set({.features = 2, .ridge = 0.5});
  one.learn(rows.view());
  one.learn(rows.view());
  ModelSet other = grown_model();
  EXPECT_TRUE(see(one, {model.share(), other.share()}));
  EXPECT_TRUE(see(model, {one.share(), other.share()}));
  model.learn(rows.view());
  return model;
}

// A challenger of the same settings that was added when the champion had seen others, and one of others; the challenger
// has become the champion since, and the first model has gone.
ModelSet several_models() {
  ModelSet models = partitioned_model();
  models.add({.name = "late", .settings = {{"ridge", "0.5"}}});
  models.add({.name = "flat", .settings = {{"intercept", "false"}, {"ridge", "2"}}});
  models.promote("flat");
  models.drop("least_squares");
  TestRows rows{2, true, {}};
  rows.add({1, -2}, 3, 1);
  rows.add({0.25, 8}, 1, 0.5);
  models.learn(rows.view());
  return models;
}

// Of one feature and an id, with two rows that wait for their target, one of them from before its second model.
ModelSet late_model() {
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  const std::vector<ModelSpec> specs = {{.name = "exact", .settings = {{"transforms", "impute(0)"}}}};
  ModelSet models(1, specs, {}, LabelOptions{.ttl_rows = 9, .ttl_seconds = 1.5});
  const std::vector<double> first = {1, 2, 5, 3, 1, 6, 0.25, kMissing, 7, kMissing, 4, 8};
  RowsView rows{first.data(), 4, 3, 1, false};
  rows.id_column = 2;
  models.learn(rows);
  models.add({.name = "late"});
  const std::vector<double> second = {-0.5, kMissing, 9};
  rows.data = second.data();
  rows.count = 1;
  rows.first_index = 4;
  models.learn(rows);
  return models;
}

Bytes read_golden(const std::string& name) {
  std::ifstream file(std::filesystem::path(ACCRUE_GOLDEN_DIR) / name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Bytes bytes;
  for (const char letter : text) {
    bytes.push_back(static_cast<std::byte>(letter));
  }
  return bytes;
}

DecodeError decode(const Bytes& bytes) {
  std::optional<ModelSet> model = small_model();
  const DecodeError error = ModelSet::decode(bytes, model);
  EXPECT_EQ(model.has_value(), error == DecodeError::kNone);
  return error;
}

std::vector<std::uint64_t> words_of(const Bytes& state) {
  StateReader reader;
  EXPECT_EQ(reader.open(state), DecodeError::kNone);
  std::vector<std::uint64_t> words(reader.remaining() / 8);
  for (std::uint64_t& word : words) {
    EXPECT_TRUE(reader.get_count(word));
  }
  EXPECT_EQ(reader.remaining(), 0);
  return words;
}

DecodeError decode_words(const std::vector<std::uint64_t>& words) {
  StateWriter writer;
  for (const std::uint64_t word : words) {
    writer.put_count(word);
  }
  return decode(std::move(writer).finish());
}

// The small model's fields as words, changed, and sealed again with a good length and checksum.
DecodeError decode_changed(const std::function<void(std::vector<std::uint64_t>&)>& change) {
  std::vector<std::uint64_t> words = words_of(small_model().encode());
  EXPECT_GT(words.size(), kRest);
  change(words);
  return decode_words(words);
}

DecodeError decode_with(Field field, std::uint64_t value) {
  return decode_changed([&](std::vector<std::uint64_t>& words) { words[field] = value; });
}

DecodeError decode_with(Field field, double value) { return decode_with(field, std::bit_cast<std::uint64_t>(value)); }

TEST(StateCodec, WritesTheBytesOfTheGoldenFiles) {
  EXPECT_EQ(small_model().encode(), read_golden("model_state_v6_small.bin"));
  EXPECT_EQ(several_models().encode(), read_golden("model_state_v6_several.bin"));
  EXPECT_EQ(late_model().encode(), read_golden("model_state_v6_late.bin"));
}

TEST(StateCodec, ReadsWhatItWrote) {
  for (const char* name : {"model_state_v6_small.bin", "model_state_v6_several.bin", "model_state_v6_late.bin"}) {
    std::optional<ModelSet> read;
    ASSERT_EQ(ModelSet::decode(read_golden(name), read), DecodeError::kNone) << name;
    EXPECT_EQ(read->encode(), read_golden(name)) << name;
  }
}

// Their rows that waited are folded in at once, so the last bits may differ from those of a model that never stopped.
TEST(StateCodec, ReadsTheGoldenFilesOfOlderVersions) {
  const std::pair<const char*, ModelSet> expected[] = {
      {"model_state_v1_small.bin", small_model()},
      {"model_state_v1_grown.bin", grown_model()},
      {"model_state_v2_partition.bin", partitioned_model()},
      {"model_state_v3_small.bin", small_model()},
      {"model_state_v3_several.bin", several_models()},
      {"model_state_v4_small.bin", small_model()},
      {"model_state_v4_several.bin", several_models()},
      {"model_state_v4_late.bin", late_model()},
      {"model_state_v5_small.bin", small_model()},
      {"model_state_v5_several.bin", several_models()},
      {"model_state_v5_late.bin", late_model()},
  };
  for (const auto& [name, set] : expected) {
    std::optional<ModelSet> read;
    ASSERT_EQ(ModelSet::decode(read_golden(name), read), DecodeError::kNone) << name;
    EXPECT_TRUE(read->has_the_models_of(set)) << name;
    EXPECT_EQ(read->champion().learner().rows(), set.champion().learner().rows()) << name;
    EXPECT_EQ(learner_of(*read).sees_others(), learner_of(set).sees_others()) << name;
    EXPECT_NEAR(learner_of(*read).sum_weights(), learner_of(set).sum_weights(), 1e-9) << name;
    const Fit fit = learner_of(*read).fit();
    const Fit same = learner_of(set).fit();
    EXPECT_NEAR(fit.intercept, same.intercept, 1e-11) << name;
    for (std::size_t k = 0; k < fit.coefficients.size(); ++k) {
      EXPECT_NEAR(fit.coefficients[k], same.coefficients[k], 1e-11) << name;
    }
    EXPECT_EQ(read->champion().error().n(), set.champion().error().n()) << name;
    EXPECT_GT(read->champion().error().mse(), 0) << name;
  }
}

TEST(StateCodec, RefusesDamageToStatesOfEveryVersion) {
  for (const char* name : {"model_state_v1_small.bin", "model_state_v2_partition.bin"}) {
    const Bytes golden = read_golden(name);
    for (std::size_t size = 0; size < golden.size(); size += 5) {
      ASSERT_EQ(decode({golden.begin(), golden.begin() + static_cast<std::ptrdiff_t>(size)}), DecodeError::kTruncated);
    }
    for (std::size_t bit = 0; bit < 8 * golden.size(); bit += 7) {
      Bytes flipped = golden;
      flipped[bit / 8] ^= std::byte{1} << bit % 8;
      ASSERT_NE(decode(flipped), DecodeError::kNone) << name << ' ' << bit;
    }
  }
}

TEST(StateCodec, ARestoredModelAnswersTheSameAndContinuesTheSame) {
  for (ModelSet model : {grown_model(), partitioned_model(), several_models()}) {
    std::optional<ModelSet> restored;
    ASSERT_EQ(ModelSet::decode(model.encode(), restored), DecodeError::kNone);
    EXPECT_TRUE(restored->has_the_models_of(model));
    EXPECT_EQ(learner_of(*restored).options(), learner_of(model).options());
    EXPECT_EQ(learner_of(*restored).fit().coefficients, learner_of(model).fit().coefficients);
    EXPECT_EQ(restored->champion().error().mse_clipped(), model.champion().error().mse_clipped());
    const TestRows more = random_rows(1, 999, 2, true);
    model.learn(more.view());
    restored->learn(more.view());
    EXPECT_EQ(restored->encode(), model.encode());
  }
}

TEST(StateCodec, ARestoredPartitionOfManyFeaturesContinuesTheSame) {
  constexpr std::size_t kManyFeatures = 46;
  const TestRows rows = random_rows(2, 305, kManyFeatures);
  ModelSet model = least_squares_set({.features = kManyFeatures});
  ASSERT_TRUE(see(model, {least_squares_set({.features = kManyFeatures}).share()}));
  model.learn(rows.view().slice(0, 302));
  std::optional<ModelSet> restored;
  ASSERT_EQ(ModelSet::decode(model.encode(), restored), DecodeError::kNone);
  model.learn(rows.view().slice(302, 3));
  restored->learn(rows.view().slice(302, 3));
  EXPECT_EQ(restored->encode(), model.encode());
}

TEST(StateCodec, RefusesEveryTruncation) {
  const Bytes state = partitioned_model().encode();
  for (std::size_t size = 0; size < state.size(); ++size) {
    ASSERT_EQ(decode({state.begin(), state.begin() + static_cast<std::ptrdiff_t>(size)}), DecodeError::kTruncated);
  }
}

TEST(StateCodec, RefusesEveryFlippedBit) {
  const Bytes state = partitioned_model().encode();
  for (std::size_t bit = 0; bit < 8 * state.size(); ++bit) {
    Bytes flipped = state;
    flipped[bit / 8] ^= std::byte{1} << bit % 8;
    ASSERT_NE(decode(flipped), DecodeError::kNone) << bit;
  }
}

TEST(StateCodec, NamesWhatIsWrongWithTheEnvelope) {
  const Bytes state = small_model().encode();
  Bytes other = state;
  other[0] = std::byte{'A'};
  EXPECT_EQ(decode(other), DecodeError::kBadMagic);
  other = state;
  other[8] = std::byte{kStateVersion + 1};
  EXPECT_EQ(decode(other), DecodeError::kUnknownVersion);
  other = state;
  other.push_back(std::byte{0});
  EXPECT_EQ(decode(other), DecodeError::kTrailingBytes);
  other = state;
  other[40] ^= std::byte{1};
  EXPECT_EQ(decode(other), DecodeError::kBadChecksum);
  EXPECT_EQ(decode(state), DecodeError::kNone);
}

TEST(StateCodec, RefusesIntactStatesThatNoModelCanHave) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto expect_invalid = [](Field field, auto value) {
    EXPECT_EQ(decode_with(field, value), DecodeError::kInvalid) << "field " << field << " = " << value;
  };
  EXPECT_EQ(decode_changed([](auto&) {}), DecodeError::kNone);

  expect_invalid(kModels, std::uint64_t{0});
  expect_invalid(kModels, std::uint64_t{2});
  expect_invalid(kModels, std::uint64_t{ModelSet::kMaxModels + 1});
  expect_invalid(kChampion, std::uint64_t{1});
  expect_invalid(kName, std::uint64_t{17});  // one byte more than are there
  expect_invalid(kName, std::uint64_t{ModelSet::kMaxTextBytes + 1});
  expect_invalid(kName, std::uint64_t{12});    // behind the text stand zeros
  expect_invalid(kLearner, std::uint64_t{0});  // no learner has that name
  expect_invalid(kSettings, std::uint64_t{1});
  expect_invalid(kSettings, std::uint64_t{ModelSet::kMaxSettings + 1});
  expect_invalid(kSeesOthers, std::uint64_t{2});
  expect_invalid(kSeesOthers, std::uint64_t{1});  // whose factor is not there
  expect_invalid(kHasTargets, std::uint64_t{2});
  expect_invalid(kSeesTargets, std::uint64_t{2});
  expect_invalid(kOthersMin, -1.0);  // of others that were not seen
  expect_invalid(kOthersMax, 1.0);
  expect_invalid(kRows, std::uint64_t{2});  // three wait
  expect_invalid(kRows, std::uint64_t{4});  // the error has scored 3
  expect_invalid(kPieces, std::uint64_t{0});
  expect_invalid(kPieces, std::uint64_t{2});
  expect_invalid(kRowsLeft, -1.0);
  expect_invalid(kPositiveRowsLeft, 1.0);  // more than there are
  expect_invalid(kWeightsLeft, -1.0);
  for (const std::size_t diagonal : {0u, 3u, 5u}) {
    expect_invalid(static_cast<Field>(kFactor + diagonal), -1.0);
  }
  expect_invalid(kFactor, 1e241);
  expect_invalid(kWaitingRows, 1e151);
  expect_invalid(static_cast<Field>(kWaitingRows + 2), -1.0);  // a weight
  expect_invalid(kErrorWeights, -1.0);
  expect_invalid(kMse, -1.0);
  expect_invalid(kTargetVariance, -1.0);
  expect_invalid(kTargetMin, 5.0);  // above the largest
  expect_invalid(kTargetMax, 1e151);
  for (std::size_t field = kClock; field < kRest; ++field) {
    if (field == kWaiting || field == kErrorRows || field == kSeesOthers || field == kZeroTargets ||
        field == kHasTargets || field == kSeesTargets) {  // counts
      continue;
    }
    for (const double value : {kNaN, kInfinity, -kInfinity}) {
      expect_invalid(static_cast<Field>(field), value);
    }
  }
}

TEST(StateCodec, RefusesCountsThatTheBytesDoNotHold) {
  for (const std::uint64_t features : {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{kMaxFeatures},
                                       std::uint64_t{kMaxFeatures + 1}, ~std::uint64_t{0}}) {
    EXPECT_EQ(decode_with(kFeatures, features), DecodeError::kInvalid) << features;
  }
  for (const std::uint64_t waiting :
       {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{4}, std::uint64_t{256}, ~std::uint64_t{0}}) {
    EXPECT_EQ(decode_with(kWaiting, waiting), DecodeError::kInvalid) << waiting;
  }
  const auto with_waiting = [](std::uint64_t rows) {
    return decode_changed([&](std::vector<std::uint64_t>& words) {
      words[kRows] = words[kErrorRows] = 1'000;
      words[kWaiting] = rows;
      words.insert(words.begin() + kSeesOthers, 4 * (rows - 3), 0);
    });
  };
  EXPECT_EQ(with_waiting(255), DecodeError::kNone);
  EXPECT_EQ(with_waiting(256), DecodeError::kInvalid) << "a block that is full does not wait";

  EXPECT_EQ(decode_changed([](auto& words) { words.push_back(0); }), DecodeError::kInvalid);
  EXPECT_EQ(decode_changed([](auto& words) { words.pop_back(); }), DecodeError::kInvalid);
  EXPECT_EQ(decode_changed([](auto& words) { words.clear(); }), DecodeError::kInvalid);
}

TEST(StateCodec, RefusesOthersThatNoPartitionCanHaveSeen) {
  ModelSet partition = small_model();
  ASSERT_TRUE(see(partition, {small_model().share()}));
  const std::vector<std::uint64_t> words = words_of(partition.encode());
  // Behind the word that says so stand their pieces, which are one: its clock, rows, weights and factor.
  constexpr std::size_t kOthersPieces = kSeesOthers + 1;
  constexpr std::size_t kOthersClock = kOthersPieces + 1;
  constexpr std::size_t kOthersFactor = kOthersPieces + 5;
  constexpr std::size_t kOthersWords = 5 + 6;
  constexpr std::size_t kTargets = kSeesTargets + kOthersWords;
  const auto decode_with_word = [&](std::size_t at, auto value) {
    std::vector<std::uint64_t> changed = words;
    changed[at] = std::bit_cast<std::uint64_t>(value);
    return decode_words(changed);
  };
  EXPECT_EQ(decode_words(words), DecodeError::kNone);
  EXPECT_EQ(decode_with_word(kSeesOthers, std::uint64_t{0}), DecodeError::kInvalid);
  EXPECT_EQ(decode_with_word(kOthersPieces, std::uint64_t{0}), DecodeError::kInvalid);
  for (const std::size_t diagonal : {0u, 3u, 5u}) {
    EXPECT_EQ(decode_with_word(kOthersFactor + diagonal, -1.0), DecodeError::kInvalid) << diagonal;
  }
  EXPECT_EQ(decode_with_word(kOthersFactor, 1e241), DecodeError::kInvalid);
  EXPECT_EQ(decode_with_word(kTargets, std::uint64_t{2}), DecodeError::kInvalid);
  EXPECT_EQ(decode_with_word(kTargets, std::uint64_t{0}), DecodeError::kInvalid) << "no targets, but a range";
  EXPECT_EQ(decode_with_word(kTargets + 1, 5.0), DecodeError::kInvalid) << "above the largest";
  EXPECT_EQ(decode_with_word(kTargets + 2, 1e151), DecodeError::kInvalid);
  for (std::size_t at = kOthersClock; at < kOthersFactor + 6; ++at) {
    for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      EXPECT_EQ(decode_with_word(at, value), DecodeError::kInvalid) << at;
    }
  }
}

TEST(StateCodec, HasAMessageForEveryError) {
  for (const DecodeError error :
       {DecodeError::kNone, DecodeError::kTruncated, DecodeError::kBadMagic, DecodeError::kUnknownVersion,
        DecodeError::kTrailingBytes, DecodeError::kBadChecksum, DecodeError::kInvalid}) {
    EXPECT_STRNE(to_string(error), "unknown error");
  }
}

}  // namespace
}  // namespace accrue::models
