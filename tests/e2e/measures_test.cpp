// What a daemon tells of its models beside their predictions: intervals, coverage, windows, drifts, and their history.
#include <cmath>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "datasets/random.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr std::size_t kRows = 8'000;
constexpr std::size_t kJump = 5'000;
constexpr double kNoise = 0.5;

// y = 1 + 2 x, and noise; from row kJump on the slope is -2.
std::vector<double> rows_of(datasets::Random& random, std::size_t first, std::size_t count) {
  std::vector<double> rows;
  for (std::size_t i = first; i < first + count; ++i) {
    const double x = random.normal();
    rows.insert(rows.end(), {x, 1 + (i < kJump ? 2 : -2) * x + kNoise * random.normal()});
  }
  return rows;
}

class Measures : public testing::Test {
 protected:
  void learn() {
    StreamSpec spec = {.features = {"x"}, .target = "y"};
    spec.models = {{.name = "plain"},
                   {.name = "reset", .settings = {{"on_drift", "reset"}}},
                   {.name = "forget", .settings = {{"on_drift", "forget"}}},
                   {.name = "sgd", .learner = "sgd"}};
    Stream stream = client_.stream("s", spec);
    datasets::Random random(1);
    for (std::size_t first = 0; first < kRows; first += 1'000) {
      stream.push_rows(rows_of(random, first, 1'000));
      stream.flush();
    }
  }

  Daemon daemon_{{"--keep-epochs", "2"}};
  Client client_{{.endpoint = daemon_.endpoint(), .timeout = kPatience}};
};

TEST_F(Measures, IntervalsAreTheModelsAndDistributionFree) {
  learn();
  const std::vector<double> x = {0, 1};
  const Prediction reset = client_.predict("s", x, std::nullopt, "reset", 0.95);
  ASSERT_THAT(reset.margins, SizeIs(2));
  EXPECT_NEAR(reset.margins[0], 1.96 * kNoise, 0.05);
  ASSERT_TRUE(reset.conformal_margin);
  const Prediction narrower = client_.predict("s", x, std::nullopt, "reset", 0.5);
  EXPECT_LT(narrower.margins[0], reset.margins[0]);
  EXPECT_LT(*narrower.conformal_margin, *reset.conformal_margin);
  const Prediction unsure = client_.predict("s", x, std::nullopt, "sgd", 0.95);
  EXPECT_TRUE(std::isnan(unsure.margins.at(0))) << "sgd knows no variance";
  EXPECT_TRUE(unsure.conformal_margin);
  EXPECT_THAT(client_.predict("s", x).margins, SizeIs(0)) << "nobody asked";
  EXPECT_THROW(client_.predict("s", x, std::nullopt, "", 1.0), Error);

  const auto row =
      daemon_.answer({"predict", "s", "-", "--model", "reset", "--interval", "0.95"}, "x\n0\n")["predictions"][0];
  EXPECT_NEAR(row["upper"].get<double>() - row["prediction"].get<double>(), reset.margins[0], 1e-12);
  EXPECT_NEAR(row["prediction"].get<double>() - row["conformal_lower"].get<double>(), *reset.conformal_margin, 1e-12);
}

TEST_F(Measures, ADriftIsCountedAndWhatIsDoneAboutItHelps) {
  learn();
  const Metrics plain = client_.metrics("s", "plain");
  const Metrics reset = client_.metrics("s", "reset");
  const Metrics forget = client_.metrics("s", "forget");
  for (const Metrics& metrics : {plain, reset, forget}) {
    EXPECT_GE(metrics.drifts, 1u) << metrics.model;
    ASSERT_TRUE(metrics.last_drift_row) << metrics.model;
    EXPECT_GE(*metrics.last_drift_row, kJump) << metrics.model;
    ASSERT_THAT(metrics.last, SizeIs(3));
    EXPECT_EQ(metrics.last[0].window, 1'000u);
  }
  EXPECT_LT(*reset.last_drift_row, kJump + 500);
  EXPECT_GT(*plain.last[0].mse, 4 * *reset.last[0].mse);
  EXPECT_NEAR(*reset.last[0].mse, kNoise * kNoise, 0.05);
  EXPECT_LT(*forget.last[0].mse, *plain.last[0].mse / 2);
  EXPECT_GT(reset.variance.rows, 7'000u);
  EXPECT_GT(*reset.variance.rate, 0.85);
  EXPECT_GT(*reset.conformal.rate, 0.85);
}

TEST_F(Measures, TheHistoryOutlivesTheEpochsAndHoldsTheDrifts) {
  learn();
  const Metrics reset = client_.metrics("s", "reset");
  ASSERT_EQ(daemon_.stop(), 0);
  SqliteFile store(daemon_.store_file());
  EXPECT_THAT(store.query("SELECT count(*) FROM epochs"), ElementsAre(ElementsAre("2")));
  const auto epochs =
      store.query("SELECT count(DISTINCT epoch), sum(n) FROM history WHERE model = 'reset' AND span = 'epoch'");
  EXPECT_GE(std::stoi(epochs[0][0]), 8) << "each flush made one";
  EXPECT_EQ(epochs[0][1], std::to_string(kRows)) << "each row is in one epoch";
  EXPECT_THAT(store.query("SELECT DISTINCT span FROM history ORDER BY span"),
              ElementsAre(ElementsAre("epoch"), ElementsAre("last_1000"), ElementsAre("last_10000"),
                          ElementsAre("last_100000"), ElementsAre("lifetime")));
  const auto drift = store.query("SELECT event, max(row) FROM events WHERE model = 'reset'");
  EXPECT_THAT(drift, ElementsAre(ElementsAre("drift", std::to_string(*reset.last_drift_row))));
}

}  // namespace
}  // namespace accrue::tests
