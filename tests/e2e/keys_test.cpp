// Models of each key that hold only a few: what they let go of is in the store, and predictions are as if all were
// held.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "datasets/random.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/refusal.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;

constexpr int kKeys = 40;

ModelSpec by_key(const std::string& name, const std::string& max_keys, std::vector<Setting> more = {}) {
  ModelSpec spec{.name = name, .settings = {{"group_by", "key"}, {"max_keys", max_keys}}};
  spec.settings.insert(spec.settings.end(), more.begin(), more.end());
  return spec;
}

// Two models of the same rows: one holds three keys, the other all.
StreamSpec spec_of(std::uint32_t partitions, PartitionBy by = PartitionBy::kRoundRobin) {
  return {.features = {"x", "z"},
          .target = "y",
          .key = "store",
          .partitions = partitions,
          .partition_by = by,
          .models = {by_key("few", "3"), by_key("all", "1000")}};
}

// x, z, y, store. What y is to x is every store's own.
std::vector<double> rows_of(int count, std::uint64_t seed) {
  datasets::Random random(seed);
  std::vector<double> rows;
  for (int i = 0; i < count; ++i) {
    const auto store = static_cast<double>(random.below(kKeys));
    const double x = random.normal();
    const double z = random.normal();
    rows.insert(rows.end(), {x, z, 3 + store * x - z + random.normal(), store});
  }
  return rows;
}

std::vector<double> question() {
  std::vector<double> rows;
  for (int store = -1; store < kKeys; ++store) rows.insert(rows.end(), {1.5, -2, static_cast<double>(store)});
  return rows;
}

void expect_close(const std::vector<double>& some, const std::vector<double>& others) {
  ASSERT_EQ(some.size(), others.size());
  for (std::size_t i = 0; i < some.size(); ++i) EXPECT_NEAR(some[i], others[i], 1e-9) << "store " << i;
}

class Keys : public testing::Test {
 protected:
  Client client() { return Client({.endpoint = daemon_.endpoint(), .batch_rows = 50, .timeout = kPatience}); }

  static void learn(Stream& stream, std::uint64_t seed, int count = 600) {
    stream.push_rows(rows_of(count, seed));
    stream.flush();
  }

  static void expect_few_is_all(const Client& asked, std::optional<std::uint64_t> epoch = std::nullopt) {
    const Prediction few = asked.predict("s", question(), epoch, "few");
    const Prediction all = asked.predict("s", question(), few.epoch, "all");
    ASSERT_EQ(few.values.size(), kKeys + 1u);
    expect_close(few.values, all.values);
  }

  Daemon daemon_{{"--epoch-interval-ms", "5", "--workers", "2", "--keep-epochs", "1000"}};
};

TEST_F(Keys, EvictedOnesPredictAsIfAllWereHeld) {
  Client operated = client();
  Stream stream = operated.stream("s", spec_of(1));
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    learn(stream, seed);
    expect_few_is_all(operated);
  }
  const Metrics few = stream.metrics("few");
  EXPECT_EQ(few.keys, 3u);
  EXPECT_GT(few.evicted_keys, 1'500u);
  const Metrics all = stream.metrics("all");
  EXPECT_EQ(all.keys, 40u);
  EXPECT_EQ(all.evicted_keys, 0u);
  std::vector<double> differ = stream.predict(question(), {}, "few").values;
  std::sort(differ.begin(), differ.end());
  EXPECT_EQ(std::unique(differ.begin(), differ.end()), differ.end()) << "every store has a line of its own";
  const KeptEpochs kept = operated.epochs("s");
  for (const Epoch& epoch : kept.epochs) expect_few_is_all(operated, epoch.epoch);
  daemon_.stop_and_verify();
}

TEST_F(Keys, OfPartitionsByKeyToo) {
  Client operated = client();
  Stream stream = operated.stream("s", spec_of(4, PartitionBy::kHash));
  for (const std::uint64_t seed : {1u, 2u, 3u}) learn(stream, seed);
  EXPECT_EQ(stream.metrics("few").keys, 12u);
  expect_few_is_all(operated);
}

TEST_F(Keys, ThatAreHeldInOnePartitionAndEvictedFromAnotherAreSummed) {
  Client operated = client();
  Stream stream = operated.stream("s", spec_of(4));
  for (const std::uint64_t seed : {1u, 2u, 3u}) learn(stream, seed);
  expect_few_is_all(operated);
}

TEST_F(Keys, ThatAreFeaturesNeedNoColumnMore) {
  StreamSpec spec = spec_of(1);
  spec.features = {"x", "z", "store"};
  Client operated = client();
  Stream stream = operated.stream("s", spec);
  std::vector<double> rows = rows_of(2'000, 4);
  for (std::size_t i = 0; i < rows.size(); i += 4) std::swap(rows[i + 2], rows[i + 3]);
  stream.push_rows(rows);
  stream.flush();
  EXPECT_GT(stream.metrics("few").evicted_keys, 1'500u);
  expect_few_is_all(operated);
}

TEST_F(Keys, AreThereAfterEveryCrashOnce) {
  {
    Client operated = client();
    Stream stream = operated.stream("s", spec_of(2));
    for (int round = 0; round < 6; ++round) {
      stream.push_rows(rows_of(600, static_cast<std::uint64_t>(round)));
      if (round % 2 == 0) stream.flush();
      daemon_.kill();  // with rows on their way, every second time
      daemon_.start();
    }
    stream.flush();
    EXPECT_EQ(stream.metrics("all").rows, 3'600u);
    expect_few_is_all(operated);
  }
  daemon_.stop_and_verify();
}

TEST_F(Keys, AreWhatTheyWereAfterARollback) {
  Client operated = client();
  std::uint64_t then = 0;
  std::vector<double> answer;
  {
    Stream stream = operated.stream("s", spec_of(2));
    learn(stream, 1);
    const Prediction prediction = stream.predict(question(), {}, "few");
    then = prediction.epoch;
    answer = prediction.values;
    learn(stream, 2);
    learn(stream, 3);
  }
  operated.rollback("s", then);
  EXPECT_EQ(operated.predict("s", question(), {}, "few").values, answer);
  expect_few_is_all(operated);
  Stream again = operated.stream("s");
  learn(again, 4);
  EXPECT_EQ(again.metrics("all").rows, 1'200u);
  expect_few_is_all(operated);
  daemon_.stop_and_verify();
}

TEST_F(Keys, OfADroppedModelAreNotFoundByTheNextOfItsName) {
  Client operated = client();
  Stream stream = operated.stream("s", spec_of(1));
  operated.promote_model("s", "all");
  learn(stream, 1);
  operated.drop_model("s", "few");
  operated.add_model("s", by_key("few", "3"));
  operated.add_model("s", by_key("fresh", "1000"));
  learn(stream, 2);
  expect_close(stream.predict(question(), {}, "few").values, stream.predict(question(), {}, "fresh").values);
  EXPECT_EQ(stream.metrics("few").rows, 600u);
}

// No store comes back, so what holds few keys is scored as what holds all is, and their drifts are the same.
TEST_F(Keys, AreForgottenAsFarAsADriftSays) {
  constexpr int kRowsEach = 100;
  StreamSpec spec = spec_of(1);
  for (ModelSpec& model : spec.models) model.settings.push_back({"on_drift", "forget"});
  spec.models.push_back(by_key("few_reset", "3", {{"on_drift", "reset"}}));
  spec.models.push_back(by_key("all_reset", "1000", {{"on_drift", "reset"}}));
  Client operated = client();
  Stream stream = operated.stream("s", spec);
  datasets::Random random(1);
  std::vector<double> rows;
  for (int i = 0; i < kKeys * kRowsEach; ++i) {
    const double x = random.normal();
    const double slope = i < kKeys * kRowsEach / 2 ? 1 : 100;
    rows.insert(rows.end(), {x, random.normal(), slope * x + random.normal(), static_cast<double>(i / kRowsEach)});
  }
  stream.push_rows(rows);
  stream.flush();
  for (const std::string& kind : {std::string(), std::string("_reset")}) {
    SCOPED_TRACE("few" + kind);
    const Metrics few = stream.metrics("few" + kind);
    EXPECT_GE(few.drifts, 1u);
    EXPECT_EQ(few.last_drift_row, stream.metrics("all" + kind).last_drift_row);
    expect_close(stream.predict(question(), {}, "few" + kind).values,
                 stream.predict(question(), {}, "all" + kind).values);
  }
}

TEST_F(Keys, OfTheirOwnColumnAreAskedForByName) {
  Client operated = client();
  Stream stream = operated.stream("s", spec_of(1));
  operated.add_model("s", {.name = "line"});
  learn(stream, 1);
  refusal(
      [&] {
        stream.predict({1.5, -2, 0.5, 3});
      },
      "model 'few' groups by key, so behind the features stands 'store'");
  EXPECT_EQ(stream.predict({1.5, -2, 0.5, 3}, {}, "line").values.size(), 2u);
  EXPECT_EQ(stream.predict({1.5, -2, 5, 0.5, 3, 5}).values.size(), 2u) << "two rows of three";
  const std::vector<double> expected = stream.predict({1.5, -2, 7}).values;

  const nlohmann::ordered_json with = daemon_.answer({"predict", "s", "-"}, "store,x,z\n7,1.5,-2\n");
  EXPECT_EQ(with.at("predictions").at(0), expected.at(0));
  const Finished without = daemon_.accrue({"predict", "s", "-"}, "x,z\n1.5,-2\n");
  EXPECT_NE(without.exit_code, 0);
  EXPECT_THAT(without.error_output, HasSubstr("store"));
  EXPECT_EQ(daemon_.accrue({"predict", "s", "-", "--model", "line"}, "x,z\n1.5,-2\n").exit_code, 0);
}

}  // namespace
}  // namespace accrue::tests
