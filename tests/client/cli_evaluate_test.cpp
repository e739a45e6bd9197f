#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/commands.hpp"
#include "client/cli/evaluation.hpp"
#include "client/cli/output.hpp"
#include "datasets/random.hpp"
#include "datasets/streams.hpp"
#include "models/learners.hpp"
#include "models/model.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const models::ModelSpec kLeastSquares{.name = "least_squares"};

models::Model untaught(std::size_t features) { return {kLeastSquares, features}; }

void unwatched(std::uint64_t /*rows*/) {}

// Noisy rows of two features, the target and a weight, of which every fifth is 0.
std::vector<double> weighted_rows(std::size_t count) {
  datasets::Random random(5);
  std::vector<double> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double a = random.normal();
    const double b = random.normal();
    rows.insert(rows.end(), {a, b, 1 + 2 * a - b + random.normal(), static_cast<double>(i % 5)});
  }
  return rows;
}

models::RowsView view_of(const std::vector<double>& rows) { return {rows.data(), rows.size() / 4, 4, 2, true}; }

TEST(Evaluation, ErrsAsAModelThatLearnsTheRowsAtOnce) {
  const auto rows = weighted_rows(2'345);
  models::Model model = untaught(2);
  model.learn(view_of(rows));
  const models::ProgressiveError error = evaluate(untaught(2), view_of(rows), unwatched).error;
  EXPECT_EQ(error.n(), 2'345U);
  EXPECT_EQ(error.mse(), model.error().mse());
  EXPECT_EQ(error.mae(), model.error().mae());
  EXPECT_EQ(error.r2(), model.error().r2());
  EXPECT_EQ(error.mse_clipped(), model.error().mse_clipped());
}

TEST(Evaluation, RollingErrorIsThatOfTheLastRows) {
  const auto rows = weighted_rows(2'345);
  const models::RowsView view = view_of(rows);
  std::vector<double> predictions(view.count);
  untaught(2).learner().clone()->partial_fit(view, {predictions});
  std::vector<double> squares;  // clipped and weighted
  double low = INFINITY;
  double high = -INFINITY;
  for (std::size_t i = 0; i < view.count; ++i) {
    const double kept = low <= high ? std::clamp(predictions[i], low, high) : predictions[i];
    squares.push_back(view.weight(i) * (kept - view.target(i)) * (kept - view.target(i)));
    if (view.weight(i) == 0) continue;
    low = std::min(low, view.target(i));
    high = std::max(high, view.target(i));
  }
  const Evaluation found = evaluate(untaught(2), view, unwatched);
  EXPECT_EQ(rolling_window(view.count), 100U);
  ASSERT_EQ(found.rolling.size(), view.count / 5);
  for (const RollingPoint& rolling : found.rolling) {
    double sum = 0;
    double weights = 0;
    for (std::size_t i = rolling.rows - std::min<std::size_t>(rolling.rows, 100); i < rolling.rows; ++i) {
      sum += squares[i];
      weights += view.weight(i);
    }
    ASSERT_NEAR(rolling.rmse_clipped, std::sqrt(sum / weights), 1e-9) << rolling.rows;
  }
}

TEST(Evaluation, RollsOverATwentiethOrSoInRoundSteps) {
  EXPECT_EQ(rolling_window(20'640), 1'000U);
  EXPECT_EQ(rolling_window(1'000'000), 40'000U);
  EXPECT_EQ(rolling_window(8), 20U);
}

TEST(Evaluation, RowsWithoutWeightLeaveAGap) {
  const std::vector<double> rows = {1, 2, 3, 0, 2, 1, 5, 0, 3, 3, 4, 1};
  const auto rolling = evaluate(untaught(2), view_of(rows), unwatched).rolling;
  ASSERT_EQ(rolling.size(), 3U);
  EXPECT_TRUE(std::isnan(rolling[1].rmse_clipped));
  EXPECT_EQ(rolling[2].rmse_clipped, 4);
}

TEST(Evaluation, TellsHowManyRowsAreLearned) {
  const auto rows = weighted_rows(1'203);
  std::vector<std::uint64_t> told;
  (void)evaluate(untaught(2), view_of(rows), [&](std::uint64_t learned) { told.push_back(learned); });
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.back(), 1'203U);
}

TEST(Evaluation, MemoryIsAtLeastTheStateThatAModelHolds) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's allocator does not tell how much is held";
#endif
  const std::vector<double> rows(2 * 201, 1.0);
  const models::RowsView wide{rows.data(), 2, 201, 200, false};
  models::StateWriter state;
  untaught(200).encode(state);
  EXPECT_GE(evaluate(untaught(200), wide, unwatched).memory_bytes, std::move(state).finish().size());
}

// A CSV file of the test's own, and what `accrue evaluate` makes of it.
struct CliEvaluate : testing::Test {
  std::string write(const std::string& text) {
    const std::string file = directory.path() / "rows.csv";
    std::ofstream(file) << text;
    return file;
  }
  EvaluateOptions options(const std::string& text) {
    EvaluateOptions options;
    options.file = write(text);
    return options;
  }
  static std::string answer(const EvaluateOptions& options, Format format) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(evaluate(format, options), 0);
    return testing::internal::GetCapturedStdout();
  }
  static Json json(const EvaluateOptions& options) { return Json::parse(answer(options, Format::kJson)); }
  tests::TemporaryDirectory directory;
};

// y = 1 + 2 a - b but for a little.
const std::string kCsv = "a,b,y\n1,1,2\n2,1,4\n3,2,5\n4,4,5.5\n5,3,8\n6,1,12\n7,9,6\n8,2,15.5\n9,1,18\n";
const std::vector<double> kRows = {1, 1, 2, 2,  1, 4, 3, 2, 5, 4,    4, 5.5, 5, 3,
                                   8, 6, 1, 12, 7, 9, 6, 8, 2, 15.5, 9, 1,   18};

TEST_F(CliEvaluate, AnswersAListOfWhatEachLearnerAchieved) {
  EvaluateOptions asked = options(kCsv);
  asked.learners = {{.name = "", .learner = "least_squares"},
                    {.name = "", .learner = "least_squares", .settings = {{"ridge", "2"}, {"intercept", "false"}}}};
  const Json found = json(asked);
  ASSERT_EQ(found.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : found[i].items()) keys.push_back(key);
    EXPECT_THAT(keys, ElementsAre("learner", "n", "mse", "mae", "r2", "mse_clipped", "rows_per_s", "memory_bytes"));
    models::Model model(asked.learners[i], 2);
    model.learn({kRows.data(), 9, 3, 2, false});
    EXPECT_EQ(found[i]["n"], 9);
    EXPECT_EQ(found[i]["mse"], model.error().mse());
    EXPECT_EQ(found[i]["mae"], model.error().mae());
    EXPECT_EQ(found[i]["r2"], model.error().r2());
    EXPECT_EQ(found[i]["mse_clipped"], model.error().mse_clipped());
    EXPECT_GT(found[i]["rows_per_s"], 0);
    EXPECT_TRUE(found[i]["memory_bytes"].is_number_unsigned());
  }
  EXPECT_EQ(found[0]["learner"], "least_squares");
  EXPECT_EQ(found[1]["learner"], "least_squares ridge=2 intercept=false");
}

TEST_F(CliEvaluate, ComparesEveryKindWhereNoneIsAskedFor) {
  const Json found = json(options(kCsv));
  ASSERT_EQ(found.size(), models::learner_kinds().size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i]["learner"], models::learner_kinds()[i].name);
}

TEST_F(CliEvaluate, TableHasALineForEachLearner) {
  EvaluateOptions asked = options(kCsv);
  asked.learners = {kLeastSquares, {.name = "", .settings = {{"ridge", "2"}}}};
  const std::string table = answer(asked, Format::kTable);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 3);
  for (const char* text : {"learner ", "MSE ", "MAE ", "R2 ", "MSE clipped", "rows/s", "memory", "\nleast_squares ",
                           "\nleast_squares ridge=2 "}) {
    EXPECT_THAT(table, HasSubstr(text));
  }
}

TEST_F(CliEvaluate, TakesColumnsAsPushDoes) {
  const double mse = json(options(kCsv))[0]["mse"];
  EvaluateOptions asked = options(
      "y,w,b,note,a\n2,1,1,x,1\n4,1,1,x,2\n5,1,2,x,3\n5.5,1,4,x,4\n8,1,3,x,5\n12,1,1,x,6\n"
      "6,1,9,x,7\n15.5,1,2,x,8\n18,1,1,x,9\n7,0,7,x,7\n");
  asked.target = "y";
  asked.features = {"a", "b"};
  asked.weight = "w";
  const Json found = json(asked)[0];
  EXPECT_EQ(found["n"], 10);
  EXPECT_EQ(found["mse"], mse);
}

TEST_F(CliEvaluate, StopsAtABadLineOrSkipsIt) {
  EvaluateOptions asked = options("a,w,y\n1,1,2\n2,1,oops\n3,-1,5\n4,1,8\n");
  asked.weight = "w";
  EXPECT_THAT([&] { (void)evaluate(Format::kTable, asked); },
              ThrowsMessage<std::runtime_error>(asked.file + ":3: column 'y': not a number: 'oops'"));
  asked.skip_bad = true;
  testing::internal::CaptureStderr();
  EXPECT_EQ(json(asked)[0]["n"], 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(":4: the weight is negative (skipped)\n"));
  EvaluateOptions negative = options("a,w,y\n1,1,2\n3,-1,5\n");
  negative.weight = "w";
  EXPECT_THAT([&] { (void)evaluate(Format::kTable, negative); },
              ThrowsMessage<std::runtime_error>(negative.file + ":3: the weight is negative"));
}

TEST_F(CliEvaluate, SaysWhatAFileLacks) {
  const auto problem = [](const EvaluateOptions& asked) {
    try {
      (void)evaluate(Format::kTable, asked);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EvaluateOptions asked = options("a,y\n");
  EXPECT_THAT(problem(asked), HasSubstr("rows.csv: there are no rows"));
  asked.target = "price";
  EXPECT_THAT(problem(asked), HasSubstr("price"));
  EXPECT_THAT(problem(options("")), HasSubstr("rows.csv"));
  asked.file = "/nowhere/rows.csv";
  EXPECT_EQ(problem(asked), "cannot read /nowhere/rows.csv: No such file or directory");
}

TEST_F(CliEvaluate, ShufflesAsReplayDoes) {
  EvaluateOptions asked = options(kCsv);
  asked.shuffle = true;
  asked.seed = 3;
  const auto rows = datasets::shuffled(kRows, 3, 3);
  models::Model model = untaught(2);
  model.learn({rows.data(), 9, 3, 2, false});
  EXPECT_EQ(json(asked)[0]["mse"], model.error().mse());
}

TEST_F(CliEvaluate, TakesASyntheticStreamOfTheSeed) {
  EvaluateOptions asked;
  asked.file = "synthetic:abrupt_drift";
  asked.learners = {kLeastSquares};
  asked.seed = 9;
  const datasets::Table table = datasets::synthetic_stream("abrupt_drift", kSyntheticRows, 9);
  models::Model model = untaught(5);
  model.learn({table.values.data(), table.rows, 6, 5, false});
  EXPECT_EQ(json(asked)[0]["mse"], model.error().mse());
}

TEST_F(CliEvaluate, RefusesASettingThatNoLearnerHasBeforeItReadsTheRows) {
  EvaluateOptions asked = options("a,y\n1,oops\n");
  asked.learners = {{.name = "", .settings = {{"rigde", "1"}}}};
  EXPECT_THAT([&] { (void)evaluate(Format::kTable, asked); },
              ThrowsMessage<UsageError>(HasSubstr("'rigde' is not a setting of learner least_squares, which has ")));
}

TEST_F(CliEvaluate, PlotsALineForEachLearner) {
  EvaluateOptions asked = options(kCsv);
  asked.learners = {kLeastSquares, {.name = "", .settings = {{"ridge", "2"}}}};
  asked.plot = directory.path() / "errors.svg";
  (void)answer(asked, Format::kTable);
  std::ifstream file(asked.plot);
  const std::string picture{std::istreambuf_iterator<char>(file), {}};
  for (const char* text :
       {">least_squares<", ">least_squares ridge=2<", "RMSE of the last 20 rows, clipped", "rows.csv"}) {
    EXPECT_THAT(picture, HasSubstr(text));
  }
  asked.plot = "/nowhere/errors.svg";
  testing::internal::CaptureStdout();
  EXPECT_THAT([&] { (void)evaluate(Format::kTable, asked); },
              ThrowsMessage<std::runtime_error>("cannot write /nowhere/errors.svg"));
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("least_squares")) << "the figures are not lost";
}

TEST_F(CliEvaluate, SettingsBelongToTheLearnerBeforeThem) {
  const std::string file = write(kCsv);
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {ACCRUE_PATH, "evaluate", file});
    return tests::run(arguments);
  };
  const tests::Finished finished =
      run({"--learner", "least_squares", "--set", "ridge=1", "--set", "intercept=false",  //
           "--format", "json", "--learner", "least_squares", "--set=ridge=3"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error_output;
  const Json found = Json::parse(finished.output);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0]["learner"], "least_squares ridge=1 intercept=false");
  EXPECT_EQ(found[1]["learner"], "least_squares ridge=3");
  const tests::Finished wrong = run({"--learner", "least_squares", "--set", "ridge=-1"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.output, "");
  EXPECT_THAT(wrong.error_output, HasSubstr("--learner least_squares: ridge must be a number from 0 to "));
  EXPECT_THAT(wrong.error_output, HasSubstr("; see: accrue evaluate --help\n"));
}

}  // namespace
}  // namespace accrue::cli
