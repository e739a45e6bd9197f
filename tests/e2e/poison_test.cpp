// A million rows that no model may learn, of every kind there is, pushed to every learner there is: the states on the
// disk stay as they were, bit for bit, and each row is counted.
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

constexpr std::size_t kPoison = 1'000'000;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

ModelSpec model(const std::string& learner, const std::vector<Setting>& settings = {}) {
  std::string name = learner;
  for (const Setting& setting : settings) name += "." + setting.key;
  return {.name = name, .learner = learner, .settings = settings};
}

StreamSpec every_learner() {
  StreamSpec spec = {.features = {"x", "z"},
                     .target = "y",
                     .weighted = true,
                     .key = "x",
                     .partitions = 2,
                     .partition_by = PartitionBy::kHash};
  spec.models = {model("least_squares"),
                 model("least_squares", {{"half_life_rows", "100"}, {"on_drift", "reset"}}),
                 model("least_squares", {{"window_rows", "100"}}),
                 model("least_squares", {{"precision", "extended"}}),
                 model("least_squares", {{"group_by", "key"}}),
                 model("adaptive"),
                 model("bayesian"),
                 model("sgd"),
                 model("passive_aggressive"),
                 model("quantile"),
                 model("sgd", {{"transforms", "log1p(z) | clip(-3, 3) | standard_scaler | polynomial"}})};
  return spec;
}

TEST(Poison, AMillionRowsChangeNoStateAndAreAllCounted) {
  Daemon daemon(kEpochsOften);
  std::vector<SqliteFile::Row> before;
  {
    Client client({.endpoint = daemon.endpoint(), .timeout = kPatience});
    Stream stream = client.stream("s", every_learner());
    datasets::Random random(1);
    std::vector<double> rows;
    for (int i = 0; i < 2'000; ++i) {
      const auto x = static_cast<double>(random.below(10));
      const double z = random.normal();
      const double weight = random.uniform();
      rows.insert(rows.end(), {x, z, 3 * x - z, weight});
    }
    stream.push_rows(rows);
    ASSERT_EQ(stream.flush().rejected_rows, 0u);
    ASSERT_EQ(client.models("s").models.size(), every_learner().models.size());
    before = stored(daemon);

    const std::vector<std::vector<double>> kinds = {{kNaN, 1, 1, 1},      {1, -kInfinity, 1, 1}, {1, 1, kNaN, 1},
                                                    {1, 1, kInfinity, 1}, {1, 1, 1, kNaN},       {2e150, 1, 1, 1},
                                                    {1, 1, -1e300, 1},    {1, 1, 1, -1},         {1e149, 1, 1, 1e9}};
    std::vector<double> poison;
    for (std::size_t i = 0; i < kPoison; ++i) {
      const std::vector<double>& row = kinds[i % kinds.size()];
      poison.insert(poison.end(), row.begin(), row.end());
    }
    stream.push_rows(poison);
    EXPECT_EQ(stream.flush().rejected_rows, kPoison);
    const Status status = client.status();
    std::map<std::string, std::uint64_t> counted;
    for (const RejectedRows& rejected : status.streams.at(0).rejected) counted[rejected.reason] = rejected.rows;
    EXPECT_EQ(counted["not_finite"] + counted["magnitude"] + counted["weight"], kPoison);
    EXPECT_EQ(counted["weight"], kPoison / kinds.size());
  }
  EXPECT_EQ(stored(daemon), before);
}

}  // namespace
}  // namespace accrue::tests
