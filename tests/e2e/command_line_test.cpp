// The accrue command against a real daemon: what it prints, and how it ends.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/california_reference.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

// y = 1 + 2 a - b, exactly.
const std::string kCsv = "a,b,y\n1,1,2\n2,1,4\n3,2,5\n4,4,5\n5,3,8\n6,1,12\n7,9,6\n8,2,15\n";

class CommandLine : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const auto path = directory_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  static std::vector<std::string> keys(const ordered_json& object) {
    std::vector<std::string> names;
    for (const auto& [key, value] : object.items()) names.push_back(key);
    return names;
  }

  Daemon daemon_;
  TemporaryDirectory directory_;
};

TEST_F(CommandLine, PushLearnsAFileAndEndsWhenAllIsDurable) {
  const Finished push = daemon_.accrue({"push", "s", file("rows.csv", kCsv)});
  ASSERT_EQ(push.exit_code, 0) << push.error_output;
  EXPECT_EQ(push.error_output.find('\r'), std::string::npos) << "no progress where there is no terminal";
  daemon_.kill();
  daemon_.start();
  const ordered_json coef = daemon_.answer({"coef", "s"});
  EXPECT_THAT(keys(coef), ElementsAre("stream", "model", "epoch", "n", "intercept", "coefficients", "left_out",
                                      "residual_std", "r2", "rank", "condition"));
  EXPECT_EQ(coef["n"], 8);
  EXPECT_NEAR(coef["intercept"]["estimate"].get<double>(), 1, 1e-12);
  EXPECT_THAT(keys(coef["coefficients"][0]), ElementsAre("name", "estimate", "std_error", "t"));
  EXPECT_EQ(coef["coefficients"][0]["name"], "a");
  EXPECT_NEAR(coef["coefficients"][0]["estimate"].get<double>(), 2, 1e-12);
  const ordered_json metrics = daemon_.answer({"metrics", "s"});
  EXPECT_THAT(keys(metrics),
              ElementsAre("stream", "model", "epoch", "n", "mse", "mae", "rmse", "r2", "mape", "bias", "mse_clipped",
                          "mae_clipped", "conformal_coverage", "conformal_width", "model_coverage", "model_width",
                          "drifts", "last_drift_row", "keys", "evicted_keys", "last"));
  EXPECT_THAT(keys(metrics["last"][0]),
              ElementsAre("window", "n", "mse", "mae", "rmse", "r2", "mape", "bias", "mse_clipped", "mae_clipped",
                          "conformal_coverage", "conformal_width", "model_coverage", "model_width"));
  EXPECT_EQ(metrics["last"].size(), 3u);
}

TEST_F(CommandLine, PushReadsStandardInputAndChoosesColumns) {
  const Finished push =
      daemon_.accrue({"push", "s", "-", "--target", "a", "--features", "y,b", "--no-intercept"}, kCsv);
  ASSERT_EQ(push.exit_code, 0) << push.error_output;
  const ordered_json coef = daemon_.answer({"coef", "s"});
  EXPECT_TRUE(coef["intercept"].is_null());
  EXPECT_EQ(coef["coefficients"][0]["name"], "y");
  EXPECT_EQ(coef["coefficients"].size(), 2u);
}

TEST_F(CommandLine, PushPartitionsByTimeAndTheStreamRemembersHow) {
  const std::string name =
      file("t.csv", "t,a,b,y\n0,1,1,2\n1800,2,1,4\n3600,3,2,5\n7199,4,4,5\n7200,5,3,8\n9000,6,1,12\n");
  const std::vector<std::string> hourly = {
      "push", "s", name, "--key", "t", "--time", "t", "--partition-window", "3600", "--partitions", "2"};
  ASSERT_EQ(daemon_.accrue(hourly).exit_code, 0);
  daemon_.kill();
  daemon_.start();
  ASSERT_EQ(daemon_.accrue(hourly).exit_code, 0) << "the stream is the same";
  const ordered_json stream = daemon_.answer({"streams"}).at(0);
  EXPECT_EQ(stream["n"], 12);
  EXPECT_EQ(stream["key"], "t");
  EXPECT_EQ(stream["time"], "t");
  EXPECT_EQ(stream["partitions"], 2);
  EXPECT_EQ(stream["partition_by"], "time_window");
  EXPECT_EQ(stream["partition_window_s"], 3600);
  EXPECT_NEAR(daemon_.answer({"coef", "s"})["coefficients"][0]["estimate"].get<double>(), 2, 1e-12);
  const Finished other = daemon_.accrue({"push", "s", name, "--partition-window", "60"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.error_output, HasSubstr("contradicts --partition-window: it has 3600 seconds"));
}

TEST_F(CommandLine, NumbersAreDecimalWhateverTheyBeginWith) {
  ASSERT_EQ(daemon_.accrue({"push", "s", "-", "--partition-seed", "010"}, kCsv).exit_code, 0);
  EXPECT_EQ(daemon_.answer({"streams"}).at(0)["partition_seed"], 10);
}

TEST_F(CommandLine, PushLearnsWhereToCutRangesFromTheFirstRows) {
  const std::vector<std::string> by_range = {"push",  "s", file("rows.csv", kCsv), "--features", "a,b",
                                             "--key", "a", "--partition-by",       "range",      "--partitions",
                                             "4"};
  ASSERT_EQ(daemon_.accrue(by_range).exit_code, 0);
  const ordered_json stream = daemon_.answer({"streams"}).at(0);
  EXPECT_EQ(stream["n"], 8);
  EXPECT_EQ(stream["partition_cuts"], ordered_json({3, 5, 7}));
  EXPECT_NEAR(daemon_.answer({"coef", "s"})["coefficients"][0]["estimate"].get<double>(), 2, 1e-12);
  ASSERT_EQ(daemon_.accrue(by_range).exit_code, 0) << "the stream keeps its cuts";
  EXPECT_EQ(daemon_.answer({"streams"}).at(0)["n"], 16);
}

TEST_F(CommandLine, NothingIsSentWhereTheFirstRowsDoNotTellWhereToCut) {
  const auto push_by_range = [&](const std::string& name) {
    return daemon_.accrue({"push", "s", name, "--key", "a", "--partition-by", "range", "--partitions", "4"});
  };
  const Finished alike = push_by_range(file("alike.csv", "a,b,y\n1,1,2\n1,2,4\n2,3,5\n"));
  EXPECT_EQ(alike.exit_code, 1);
  EXPECT_THAT(alike.error_output, HasSubstr("the first 3 rows do not tell where to cut 'a': 4 partitions cannot be"));
  const Finished bad = push_by_range(file("bad.csv", "a,b,y\n1,1,2\n2,oops,4\n"));
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.error_output, HasSubstr("bad.csv:3"));
  EXPECT_THAT(bad.error_output, HasSubstr("nothing was sent"));
  EXPECT_EQ(daemon_.answer({"streams"}).size(), 0u);
}

TEST_F(CommandLine, PartitioningThatCannotBeIsRefusedWithTheReason) {
  const std::string name = file("rows.csv", kCsv);
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--key", "a", "--partition-cuts", "3,2"}, "partition_cuts must be finite and increasing: 3, 2"},
      {{"--key", "a", "--partition-cuts", "2,3", "--partitions", "2"}, "each two of the 2 partitions: 1, not 2"},
      {{"--partition-by", "hash"}, "partitioning by hash needs a key"},
      {{"--partition-weights", "1,-1"}, "must be above 0"},
  };
  for (auto [arguments, about] : cases) {
    arguments.insert(arguments.begin(), {"push", "s", name});
    const Finished finished = daemon_.accrue(arguments);
    EXPECT_EQ(finished.exit_code, 1) << about;
    EXPECT_THAT(finished.error_output, HasSubstr(about));
  }
}

TEST_F(CommandLine, WeightsCount) {
  const std::string weighted = "x,w,y\n0,1,0\n0,3,4\n1,1,1\n1,1,1\n";
  ASSERT_EQ(daemon_.accrue({"push", "s", file("w.csv", weighted), "--weight", "w"}).exit_code, 0);
  EXPECT_NEAR(daemon_.answer({"coef", "s"})["intercept"]["estimate"].get<double>(), 3, 1e-12);
}

TEST_F(CommandLine, BadLineIsNamedAndNothingAfterItIsSent) {
  const std::string name = file("bad.csv", "a,b,y\n1,1,2\n2,1,4\n3,oops,5\n4,4,5\n");
  const Finished push = daemon_.accrue({"push", "s", name});
  EXPECT_EQ(push.exit_code, 1);
  EXPECT_THAT(push.error_output, HasSubstr("bad.csv:4"));
  EXPECT_THAT(push.error_output, HasSubstr("oops"));
  EXPECT_EQ(daemon_.answer({"metrics", "s"})["n"], 2);
}

TEST_F(CommandLine, BadLinesMayBeSkippedAndAreCounted) {
  const std::string name = file("bad.csv", "a,b,y\n1,1,2\n2,nan,4\n3,2\n4,4,5\n");
  const Finished push = daemon_.accrue({"push", "s", name, "--skip-bad", "--format", "json"});
  EXPECT_EQ(push.exit_code, 0) << push.error_output;
  EXPECT_EQ(ordered_json::parse(push.output)["skipped"], 2);
  EXPECT_EQ(daemon_.answer({"metrics", "s"})["n"], 2);
}

TEST_F(CommandLine, PredictAnswersEveryRowByColumnName) {
  ASSERT_EQ(daemon_.accrue({"push", "s", file("rows.csv", kCsv)}).exit_code, 0);
  const Finished predict = daemon_.accrue({"predict", "s", "-", "--format", "csv"}, "b,ignored,a\n1,0,10\n5,0,0\n");
  ASSERT_EQ(predict.exit_code, 0) << predict.error_output;
  std::istringstream lines(predict.output);
  std::string header;
  double first = 0;
  double second = 0;
  lines >> header >> first >> second;
  EXPECT_EQ(header, "prediction");
  EXPECT_NEAR(first, 20, 1e-9);
  EXPECT_NEAR(second, -4, 1e-9);
}

TEST_F(CommandLine, StatusStreamsAndDropTellTheSameStory) {
  ASSERT_EQ(daemon_.accrue({"push", "s", file("rows.csv", kCsv)}).exit_code, 0);
  EXPECT_THAT(daemon_.accrue({"status"}).output, HasSubstr("0.1.0"));
  EXPECT_THAT(daemon_.accrue({"streams"}).output, HasSubstr("s"));
  EXPECT_EQ(daemon_.answer({"streams"}).size(), 1u);
  EXPECT_EQ(daemon_.accrue({"drop", "s"}).exit_code, 0);
  EXPECT_EQ(daemon_.answer({"streams"}).size(), 0u);
  const Finished gone = daemon_.accrue({"coef", "s"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.error_output, HasSubstr("'s'"));
}

TEST_F(CommandLine, SchemaThatDoesNotFitIsExplained) {
  ASSERT_EQ(daemon_.accrue({"push", "s", file("rows.csv", kCsv)}).exit_code, 0);
  const Finished other = daemon_.accrue({"push", "s", file("other.csv", "a,c,y\n1,2,3\n")});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.error_output, HasSubstr("'b'"));
}

TEST_F(CommandLine, ReplayReportsTheFinalEvaluation) {
  ACCRUE_REQUIRE_CALIFORNIA();
  const ordered_json report =
      daemon_.answer({"replay", "california", "--order", "shuffle", "--seed", "2", "--stream", "r"});
  EXPECT_EQ(report["rows"], 20'640);
  EXPECT_NEAR(report["in_sample_mse"].get<double>(), kInSampleMse, 1e-9);
  EXPECT_LE(report["mse_clipped"].get<double>(), 0.515);
  const Finished again = daemon_.accrue({"replay", "california", "--stream", "r"});
  EXPECT_EQ(again.exit_code, 1) << "a second replay would learn every row twice";
  EXPECT_THAT(again.error_output, HasSubstr("20640 rows"));
}

TEST_F(CommandLine, ReplayWithoutTheDataSaysSyntheticInEveryLine) {
  const Finished finished = run({"/usr/bin/env", "-C", directory_.path().string(), "ACCRUE_DATASETS=/nowhere",
                                 ACCRUE_PATH, "replay", "california", "--endpoint", daemon_.endpoint()});
  ASSERT_EQ(finished.exit_code, 0) << finished.error_output;
  std::istringstream lines(finished.output);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_THAT(line, HasSubstr("synthetic"));
  EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace accrue::tests
