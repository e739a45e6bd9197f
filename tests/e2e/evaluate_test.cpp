// accrue evaluate on California housing, without a daemon: the figures of exact least squares that are known.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/california_reference.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::tests {
namespace {

using nlohmann::ordered_json;

ordered_json evaluated(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {ACCRUE_PATH, "evaluate", "california", "--format", "json"});
  const Finished finished = run(arguments, {.environment = {"ACCRUE_ENDPOINT=tcp://127.0.0.1:1"}});
  EXPECT_EQ(finished.exit_code, 0) << finished.error_output;
  EXPECT_EQ(finished.error_output, "") << "no progress where there is no terminal";
  return ordered_json::parse(finished.output);
}

TEST(Evaluate, LeastSquaresHasTheKnownErrorsInFileOrder) {
  ACCRUE_REQUIRE_CALIFORNIA();
  const ordered_json found = evaluated({"--learner", "least_squares"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]["learner"], "least_squares");
  EXPECT_EQ(found[0]["n"], 20'640);
  EXPECT_NEAR(found[0]["mse"].get<double>(), 0.7351, 5e-5);
  EXPECT_NEAR(found[0]["mse_clipped"].get<double>(), 0.5126, 5e-5);
  EXPECT_GT(found[0]["r2"].get<double>(), 0.4);
  EXPECT_GT(found[0]["rows_per_s"].get<double>(), 0);
}

TEST(Evaluate, ShufflingChangesTheErrorAndItsSeedFixesIt) {
  ACCRUE_REQUIRE_CALIFORNIA();
  const std::vector<std::string> seventh = {"--learner", "least_squares", "--order", "shuffle", "--seed", "7"};
  const double mse = evaluated(seventh)[0]["mse_clipped"];
  EXPECT_NEAR(mse, 0.5, 0.03);
  EXPECT_EQ(evaluated(seventh)[0]["mse_clipped"], mse);
}

TEST(Evaluate, ComparesEveryLearnerByDefault) {
  ACCRUE_REQUIRE_CALIFORNIA();
  const ordered_json found = evaluated({});
  EXPECT_GT(found.size(), 1U);
  for (const ordered_json& learner : found) {
    EXPECT_TRUE(learner["mse"].is_number()) << learner << ": it diverges";
    EXPECT_LT(learner["mse_clipped"].get<double>(), 1.333) << learner << ": no better than the mean";
  }
}

}  // namespace
}  // namespace accrue::tests
