// Several models on one stream: added, promoted and dropped while it runs, killed, rolled back, and asked by name.
#include <atomic>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/same_bits.hpp"

namespace accrue::tests {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

const ModelSpec kLate = {.name = "late", .settings = {{"ridge", "50"}}};
const std::vector<double> kQuestion = {1, 2, 500, 0.25};

class Models : public testing::Test {
 protected:
  Client client() { return Client({.endpoint = daemon_.endpoint(), .batch_rows = 7, .timeout = kPatience}); }

  static void learn(Stream& stream, std::uint64_t seed) {
    stream.push_rows(rows_of(200, seed));
    stream.flush();
  }
  static std::vector<std::string> names(const Client& client) {
    std::vector<std::string> names;
    for (const ModelStatus& model : client.models("s").models) {
      names.push_back(model.spec.name + (model.champion ? "!" : ""));
    }
    return names;
  }
  Daemon daemon_{{"--epoch-interval-ms", "5", "--workers", "2", "--keep-epochs", "1000"}};
};

TEST_F(Models, EachHasItsOwnRowsErrorsAndCoefficients) {
  Client operated = client();
  Stream stream = operated.stream("s", kHashed);
  learn(stream, 1);
  operated.add_model("s", kLate);
  EXPECT_EQ(refusal([&] { stream.predict(kQuestion, {}, "late"); }, "model 'late', has learned no rows yet"),
            Error::Kind::kNoModelYet);
  learn(stream, 2);
  const ::accrue::Models found = stream.models();
  ASSERT_EQ(found.models.size(), 2u);
  EXPECT_TRUE(found.models[0].champion);
  EXPECT_EQ(found.models[0].rows, 400u);
  EXPECT_EQ(found.models[1].spec, kLate);
  EXPECT_EQ(found.models[1].rows, 200u) << "it starts from when it was added";
  EXPECT_NE(found.models[0].mse, found.models[1].mse);
  EXPECT_EQ(stream.metrics("late").rows, 200u);
  EXPECT_EQ(stream.metrics("late").mse, found.models[1].mse);
  EXPECT_EQ(stream.metrics().mse, found.models[0].mse);
  EXPECT_EQ(stream.coef(std::nullopt, "late").model, "late");
  EXPECT_EQ(stream.coef(std::nullopt, "late").rows, 200u);
  EXPECT_NE(stream.predict(kQuestion, {}, "late").values, stream.predict(kQuestion).values);
  SqliteFile store(daemon_.store_file());
  EXPECT_THAT(store.query("SELECT model, n FROM metrics WHERE epoch = (SELECT max(epoch) FROM epochs) ORDER BY model"),
              ElementsAre(SqliteFile::Row{"late", "200"}, SqliteFile::Row{"least_squares", "400"}));
  daemon_.stop_and_verify();
}

TEST_F(Models, ThePromotedOnePredictsAndThenTheFirstCanBeDropped) {
  Client operated = client();
  Stream stream = operated.stream("s", kHashed);
  operated.add_model("s", kLate);
  learn(stream, 1);
  const std::vector<double> by_first = stream.predict(kQuestion).values;
  const std::vector<double> by_late = stream.predict(kQuestion, {}, "late").values;
  const std::uint64_t before = stream.metrics().epoch;
  refusal([&] { operated.drop_model("s", "least_squares"); }, "is the champion of stream 's'");
  operated.promote_model("s", "late");
  EXPECT_EQ(stream.predict(kQuestion).values, by_late);
  EXPECT_EQ(stream.predict(kQuestion, {}, "least_squares").values, by_first);
  EXPECT_EQ(stream.predict(kQuestion, before).values, by_first) << "who was the champion then";
  EXPECT_EQ(stream.coef().model, "late");
  operated.drop_model("s", "least_squares");
  EXPECT_THAT(names(operated), ElementsAre("late!"));
  EXPECT_EQ(refusal([&] { stream.predict(kQuestion, {}, "least_squares"); }, "has no model 'least_squares'"),
            Error::Kind::kUnknownModel);
  EXPECT_EQ(stream.predict(kQuestion, before, "least_squares").values, by_first);
  EXPECT_EQ(operated.status().streams.at(0).rows, 200u);
  daemon_.stop_and_verify();
}

TEST_F(Models, WhatCannotBeIsRefusedAndChangesNothing) {
  Client operated = client();
  Stream stream = operated.stream("s", kHashed);
  EXPECT_EQ(refusal([&] { operated.add_model("s", {.name = "x", .learner = "guess"}); }, "there is no learner 'guess'"),
            Error::Kind::kInvalid);
  EXPECT_EQ(refusal(
                [&] {
                  operated.add_model("s", {.name = "x", .settings = {{"rigde", "1"}}});
                },
                "rigde"),
            Error::Kind::kInvalid);
  EXPECT_EQ(refusal([&] { operated.add_model("s", {.name = "least_squares"}); }, "already"), Error::Kind::kInvalid);
  EXPECT_EQ(refusal([&] { operated.promote_model("s", "x"); }, "has no model 'x'"), Error::Kind::kUnknownModel);
  EXPECT_EQ(refusal([&] { operated.drop_model("t", "x"); }, "no stream 't'"), Error::Kind::kUnknownStream);
  StreamSpec bad = kHashed;
  bad.models = {{.name = "x", .settings = {{"ridge", "much"}}}};
  EXPECT_EQ(refusal([&] { operated.stream("u", bad); }, "much"), Error::Kind::kInvalid);
  EXPECT_THAT(names(operated), ElementsAre("least_squares!"));
}

// What a daemon's disk holds of these steps, which is a function of them alone.
std::vector<SqliteFile::Row> stored_after_changes(bool killed) {
  Daemon daemon(kEpochsOften);
  Client client({.endpoint = daemon.endpoint(), .producer = "p", .timeout = kPatience});
  Stream stream = client.stream("s", kHashed);
  const auto disturb = [&] {
    if (!killed) return;
    daemon.kill();
    daemon.start();
  };
  std::uint64_t seed = 0;
  const auto learn = [&] {
    stream.push_rows(rows_of(300, ++seed));
    stream.flush();
    disturb();
  };
  learn();
  client.add_model("s", kLate);
  disturb();
  learn();
  client.add_model("s", {.name = "third", .settings = {{"intercept", "false"}}});
  client.promote_model("s", "late");
  disturb();
  learn();
  client.drop_model("s", "least_squares");
  disturb();
  learn();
  EXPECT_EQ(daemon.stop(), 0);
  return stored(daemon);
}

TEST(ModelsAndCrashes, KillsBetweenChangesLeaveNoTrace) {
  const std::vector<SqliteFile::Row> undisturbed = stored_after_changes(false);
  EXPECT_EQ(undisturbed.size(), kHashed.partitions);
  EXPECT_EQ(stored_after_changes(true), undisturbed);
}

TEST_F(Models, AModelThatWasAddedUnderLoadIsThereAfterAKill) {
  Client producer({.endpoint = daemon_.endpoint(), .max_unacknowledged_mb = 1, .timeout = kPatience});
  Stream stream = producer.stream("s", kHashed);
  std::atomic<bool> stop = false;
  std::thread pushing([&] {
    for (std::uint64_t seed = 1; !stop; ++seed) stream.push_rows(rows_of(50, seed));
  });
  Client operated = client();
  for (int i = 0; i < 5; ++i) {
    const std::string name = "m" + std::to_string(i);
    operated.add_model("s", {.name = name});
    if (i % 2 == 0) operated.promote_model("s", name);
    daemon_.kill();
    daemon_.start();
    EXPECT_EQ(names(operated).back(), name + (i % 2 == 0 ? "!" : ""));
  }
  stop = true;
  pushing.join();
  stream.flush();
  const ::accrue::Models found = operated.models("s");
  ASSERT_EQ(found.models.size(), 6u);
  for (std::size_t i = 1; i < found.models.size(); ++i) {
    EXPECT_LE(found.models[i].rows, found.models[i - 1].rows);
    EXPECT_EQ(found.models[i].champion, i == 5);
  }
  EXPECT_EQ(found.models[0].rows, stream.progress().durable_rows);
  daemon_.stop_and_verify();
}

TEST_F(Models, ARollbackBringsBackTheModelsOfItsEpoch) {
  Client operated = client();
  Stream stream = operated.stream("s", kHashed);
  operated.add_model("s", kLate);
  learn(stream, 1);
  const Coefficients then = stream.coef(std::nullopt, "late");
  operated.promote_model("s", "late");
  operated.drop_model("s", "least_squares");
  operated.add_model("s", {.name = "later"});
  EXPECT_THAT(names(operated), ElementsAre("late!", "later"));
  operated.rollback("s", then.epoch);
  EXPECT_THAT(names(operated), ElementsAre("least_squares!", "late"));
  expect_same_bits(operated.coef("s", std::nullopt, "late"), then);
  operated.add_model("s", {.name = "later"});
  EXPECT_THAT(names(operated), ElementsAre("least_squares!", "late", "later"));
  daemon_.stop_and_verify();
}

TEST_F(Models, TheCommandLineDoesAllOfIt) {
  const std::string csv = "x,z,y\n1,2,3\n2,1,5\n3,5,8\n4,4,8\n5,0,2\n";
  EXPECT_EQ(daemon_.accrue({"push", "s", "-", "--learner", "least_squares", "--set", "ridge=1"}, csv).exit_code, 0);
  EXPECT_EQ(daemon_.accrue({"push", "s", "-", "--learner", "least_squares", "--set", "ridge=1"}, csv).exit_code, 0);
  const Finished other = daemon_.accrue({"push", "s", "-", "--set", "ridge=2"}, csv);
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.error_output, HasSubstr("--learner or --set"));

  EXPECT_EQ(daemon_.answer({"model", "add", "s", "flat", "--set", "intercept=false"}).at("added"), "flat");
  EXPECT_EQ(daemon_.accrue({"push", "s", "-"}, csv).exit_code, 0);
  const ordered_json models = daemon_.answer({"models", "s"}).at("models");
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].at("champion"), true);
  EXPECT_EQ(models[0].at("n"), 15);
  EXPECT_EQ(models[0].at("settings"), ordered_json({{"ridge", "1"}}));
  EXPECT_EQ(models[1].at("model"), "flat");
  EXPECT_EQ(models[1].at("learner"), "least_squares");
  EXPECT_EQ(models[1].at("n"), 5);
  EXPECT_EQ(models[1].at("mse"), daemon_.answer({"metrics", "s", "--model", "flat"}).at("mse"));
  EXPECT_TRUE(daemon_.answer({"coef", "s", "--model", "flat"}).at("intercept").is_null());
  EXPECT_THAT(daemon_.accrue({"models", "s"}).output, HasSubstr("intercept=false"));

  const std::string by_flat = daemon_.accrue({"predict", "s", "-", "--model", "flat"}, csv).output;
  EXPECT_NE(daemon_.accrue({"predict", "s", "-"}, csv).output, by_flat);
  EXPECT_EQ(daemon_.answer({"model", "promote", "s", "flat"}).at("champion"), "flat");
  EXPECT_EQ(daemon_.accrue({"predict", "s", "-"}, csv).output, by_flat);
  EXPECT_EQ(daemon_.answer({"model", "drop", "s", "least_squares"}).at("dropped"), "least_squares");
  const Finished refused = daemon_.accrue({"model", "drop", "s", "flat"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error_output, HasSubstr("is the champion of stream 's'"));
  EXPECT_EQ(daemon_.accrue({"model", "add", "s", "x", "--set", "ridge"}).exit_code, 2);
  EXPECT_EQ(daemon_.accrue({"model"}).exit_code, 2);
}

TEST_F(Models, AReplayShowsEachLearnersFigures) {
  const ordered_json report =
      daemon_.answer({"replay", "california", "--learner", "least_squares", "--learner", "sgd"});
  ASSERT_EQ(report.at("models").size(), 2u);
  EXPECT_EQ(report.at("models")[0].at("mse"), report.at("mse"));
  EXPECT_EQ(report.at("models")[1].at("learner"), "sgd");
  EXPECT_EQ(report.at("models")[1].at("n"), report.at("rows"));
}

}  // namespace
}  // namespace accrue::tests
