// Streams of sparse rows, from the client to the disk and back: a million features wide, killed and resent, dealt to
// several partitions, and with rows among them that no model may learn.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "datasets/random.hpp"
#include "datasets/sparse_stream.hpp"
#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/refusal.hpp"

namespace accrue::tests {
namespace {

using datasets::SparseRows;
using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint32_t kWide = 1'048'576;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void push(Stream& stream, const SparseRows& rows, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i)
    stream.push_sparse(rows.row_indices(i), rows.row_values(i), rows.targets[i]);
}

Prediction predict(const Stream& stream, const SparseRows& rows, std::size_t count) {
  std::vector<std::uint32_t> ends;
  for (std::size_t i = 1; i <= count; ++i) ends.push_back(static_cast<std::uint32_t>(i * rows.nonzeros));
  const std::size_t values = count * rows.nonzeros;
  return stream.predict_sparse_rows({rows.indices.data(), values}, {rows.values.data(), values}, ends);
}

TEST(Sparse, AMillionFeaturesAreLearned) {
  const SparseRows rows = datasets::sparse_stream(60'000, kWide, 20, 1);
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint(), .timeout = kPatience});
  Stream stream = client.stream("s", {.dimension = kWide});
  push(stream, rows, 0, rows.rows());
  EXPECT_EQ(stream.flush().durable_rows, rows.rows());
  const Metrics metrics = stream.metrics();
  EXPECT_EQ(metrics.model, "sgd");
  EXPECT_EQ(metrics.rows, rows.rows());
  EXPECT_LT(*metrics.last.at(0).mse, 0.95 * *metrics.mse) << "it learns";
  const Coefficients coefficients = stream.coef();
  EXPECT_EQ(coefficients.names.size(), 10'000u);
  EXPECT_EQ(coefficients.coefficients.size(), 10'000u);
  EXPECT_GT(coefficients.left_out, 100'000u);
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : coefficients.names) numbers.push_back(std::stoull(name));
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_LT(numbers.back(), kWide);
}

// What a daemon's disk holds of these rows, killed so many times on the way.
std::vector<SqliteFile::Row> stored_after(const StreamSpec& spec, const SparseRows& rows, std::size_t kills,
                                          std::vector<double>& predictions) {
  Daemon daemon(kEpochsOften);
  Client client({.endpoint = daemon.endpoint(),
                 .producer = "p",
                 .batch_rows = 100,
                 .batch_linger_ms = 60'000,
                 .timeout = kPatience});
  Stream stream = client.stream("s", spec);
  for (std::size_t part = 0; part <= kills; ++part) {
    push(stream, rows, rows.rows() * part / (kills + 1), rows.rows() * (part + 1) / (kills + 1));
    if (part == kills) break;
    daemon.kill();
    daemon.start();
  }
  EXPECT_EQ(stream.flush().durable_rows, rows.rows());
  predictions = predict(stream, rows, 200).values;
  daemon.stop_and_verify();
  return stored(daemon);
}

TEST(Sparse, KillsLoseNothingAndLearnNothingTwice) {
  const SparseRows rows = datasets::sparse_stream(8'000, kWide, 10, 2);
  const StreamSpec spec = {.partitions = 2, .dimension = kWide};
  std::vector<double> undisturbed;
  std::vector<double> disturbed;
  const std::vector<SqliteFile::Row> expected = stored_after(spec, rows, 0, undisturbed);
  EXPECT_EQ(expected.size(), 2u);
  EXPECT_EQ(stored_after(spec, rows, 3, disturbed), expected);
  EXPECT_EQ(disturbed, undisturbed);
}

// The dense rows that sparse ones stand for teach the same, bit for bit: the states on the disk have the same bytes,
// after exchanges between the partitions, too.
TEST(Sparse, RowsTeachWhatTheDenseRowsTheyStandForWould) {
  constexpr std::uint32_t kDimension = 60;
  const SparseRows rows = datasets::sparse_stream(5'000, kDimension, 4, 3);
  const std::vector<ModelSpec> models = {
      {.name = "sgd", .learner = "sgd", .settings = {{"clip", "observed"}}},
      {.name = "huber", .learner = "sgd", .settings = {{"loss", "huber"}}},
      {.name = "pa", .learner = "passive_aggressive", .settings = {{"on_drift", "reset"}}},
      {.name = "median", .learner = "quantile"}};
  Daemon daemon(kEpochsOften);
  Client client({.endpoint = daemon.endpoint(), .batch_rows = 64, .batch_linger_ms = 60'000, .timeout = kPatience});
  StreamSpec dense_spec = {.weighted = true, .partitions = 4, .models = models};
  for (std::uint32_t k = 0; k < kDimension; ++k) dense_spec.features.push_back(std::to_string(k));
  Stream dense = client.stream("dense", dense_spec);
  Stream sparse =
      client.stream("sparse", {.weighted = true, .partitions = 4, .models = models, .dimension = kDimension});
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    std::vector<double> x(kDimension);
    for (std::size_t k = 0; k < rows.nonzeros; ++k) x[rows.row_indices(i)[k]] = rows.row_values(i)[k];
    const double weight = i % 7 == 0 ? 0 : 0.5 + static_cast<double>(i % 3);
    const double noise = i % 2 == 0 ? 300 : -300;
    const double target = rows.targets[i] + (i > 3'000 ? noise : 0);
    dense.push(x, target, weight);
    sparse.push_sparse(rows.row_indices(i), rows.row_values(i), target, weight);
  }
  dense.flush();
  sparse.flush();
  SqliteFile store(daemon.store_file());
  const auto states = [&](const std::string& stream) {
    return store.query(
        "SELECT partition, hex(state) FROM states JOIN epochs e USING (stream, epoch) JOIN streams s ON s.id = "
        "e.stream "
        "WHERE s.name = '" +
        stream + "' AND epoch = (SELECT max(epoch) FROM epochs WHERE stream = s.id) ORDER BY partition");
  };
  EXPECT_EQ(states("sparse").size(), 4u);
  EXPECT_EQ(states("sparse"), states("dense"));
  for (const ModelSpec& model : models) EXPECT_EQ(sparse.metrics(model.name).mse, dense.metrics(model.name).mse);
}

// A row as it must not be. The client lets none of the first kinds out, so they are written by hand in
// tests/ingest/sparse_rows_test.cpp; these it leaves to the daemon to judge and to count.
TEST(Sparse, PoisonIsCountedAndItsNeighboursAreLearned) {
  const SparseRows rows = datasets::sparse_stream(2'000, kWide, 5, 4);
  const auto learn = [&](bool poisoned) {
    Daemon daemon(kEpochsOften);
    Client client({.endpoint = daemon.endpoint(), .timeout = kPatience});
    Stream stream = client.stream("s", {.weighted = true, .dimension = kWide});
    std::uint64_t poison = 0;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      push(stream, rows, i, i + 1);
      if (!poisoned || i % 10 != 0) continue;
      const std::vector<std::uint32_t> columns = {3, 70};
      switch (poison++ % 4) {
        case 0: stream.push_sparse(columns, std::vector<double>{1, kNaN}, 1); break;
        case 1: stream.push_sparse(columns, std::vector<double>{1, 2e150}, 1); break;
        case 2: stream.push_sparse(columns, std::vector<double>{1, 2}, kNaN); break;
        case 3: stream.push_sparse(columns, std::vector<double>{1, 2}, 1, -1); break;
      }
    }
    const FlushReport report = stream.flush();
    EXPECT_EQ(report.rejected_rows, poison);
    EXPECT_EQ(report.durable_rows, rows.rows());
    std::map<std::string, std::uint64_t> counted;
    const Status status = client.status();
    for (const RejectedRows& rejected : status.streams.at(0).rejected) counted[rejected.reason] = rejected.rows;
    EXPECT_EQ(counted["not_finite"], poison / 2);
    EXPECT_EQ(counted["magnitude"], poison / 4);
    EXPECT_EQ(counted["weight"], poison / 4);
    EXPECT_EQ(daemon.stop(), 0);
    return stored(daemon);
  };
  EXPECT_EQ(learn(true), learn(false));
}

class SparseStream : public testing::Test {
 protected:
  Daemon daemon_{{"--epoch-interval-ms", "5", "--workers", "2", "--keep-epochs", "1000"}};
  Client client_{{.endpoint = daemon_.endpoint(), .timeout = kPatience}};
};

TEST_F(SparseStream, ModelsThatCannotLearnItAreRefused) {
  const auto with = [](const ModelSpec& model) { return StreamSpec{.models = {model}, .dimension = kWide}; };
  EXPECT_EQ(
      refusal([&] { client_.stream("s", with({.name = "exact"})); },
              "model 'exact' is of learner least_squares, and this is a stream of sparse rows, which are for sgd, "
              "passive_aggressive, quantile"),
      Error::Kind::kInvalid);
  const ModelSpec scaled = {.name = "scaled", .learner = "sgd", .settings = {{"transforms", "standard_scaler"}}};
  EXPECT_EQ(refusal([&] { client_.stream("s", with(scaled)); }, "model 'scaled' has transforms"),
            Error::Kind::kInvalid);
  refusal([&] { client_.stream("s", {.ridge = 1, .dimension = 5}); }, "sgd has l2");
  Stream stream = client_.stream("s", {.dimension = 5});
  EXPECT_EQ(refusal([&] { client_.add_model("s", scaled); }, "has transforms"), Error::Kind::kInvalid);
  EXPECT_EQ(refusal([&] { client_.add_model("s", {.name = "exact"}); }, "of sparse rows"), Error::Kind::kInvalid);
  EXPECT_EQ(client_.models("s").models.size(), 1u);
}

TEST_F(SparseStream, ModelsAreAddedPromotedAndRolledBackAsAlways) {
  const SparseRows rows = datasets::sparse_stream(600, kWide, 5, 5);
  Stream stream = client_.stream("s", {.partitions = 2, .dimension = kWide});
  push(stream, rows, 0, 300);
  stream.flush();
  const Prediction then = predict(stream, rows, 10);
  client_.add_model("s", {.name = "pa", .learner = "passive_aggressive"});
  push(stream, rows, 300, 600);
  stream.flush();
  EXPECT_EQ(stream.metrics("pa").rows, 300u);
  client_.promote_model("s", "pa");
  const Prediction now = predict(stream, rows, 10);
  EXPECT_NE(now.values, then.values);
  const std::vector<std::uint32_t> column(rows.row_indices(0).begin(), rows.row_indices(0).end());
  const std::vector<double> values(rows.row_values(0).begin(), rows.row_values(0).end());
  EXPECT_EQ(stream.predict_sparse(column, values, then.epoch).values.front(), then.values.front());
  daemon_.kill();
  daemon_.start();
  EXPECT_EQ(predict(stream, rows, 10).values, now.values);
  client_.rollback("s", then.epoch);
  const Stream again = client_.stream("s");
  EXPECT_EQ(predict(again, rows, 10).values, then.values);
  const Prediction intervals = again.predict_sparse(column, values, {}, {}, 0.95);
  EXPECT_TRUE(std::isnan(intervals.margins.at(0))) << "its variance is not known";
  EXPECT_TRUE(intervals.conformal_margin);
}

TEST_F(SparseStream, WhatIsAskedWronglyIsRefusedWithASentence) {
  Stream stream = client_.stream("s", {.dimension = 10});
  Stream dense = client_.stream("dense", {.features = {"x"}});
  const std::vector<std::uint32_t> columns = {7, 3, 7};
  const std::vector<double> values = {1, 2, 3};
  stream.push_sparse(columns, values, 5);
  stream.flush();
  EXPECT_THAT(stream.coef().names, ElementsAre()) << "one row, whose target is the intercept";
  refusal([&] { stream.push({1}, 1); }, "use push_sparse");
  refusal([&] { stream.push_rows(values); }, "use push_sparse");
  refusal([&] { (void)stream.predict({1}); }, "predict_sparse");
  refusal([&] { (void)client_.predict("s", values); }, "predict_sparse");
  refusal([&] { dense.push_sparse(columns, values, 1); }, "no sparse rows");
  refusal([&] { (void)dense.predict_sparse(columns, values); }, "no sparse rows");
  refusal([&] { (void)client_.predict_sparse_rows("dense", columns, values, std::vector<std::uint32_t>{3}); },
          "no sparse rows");
  refusal([&] { stream.push_sparse(std::vector<std::uint32_t>{10}, std::vector<double>{1}, 1); },
          "feature 10 is not below the dimension, 10");
  refusal([&] { stream.push_sparse(columns, std::vector<double>{1}, 1); }, "3 features have 1 values");
  refusal([&] { stream.push_sparse(columns, values, 1, 2); }, "has no weights");
  refusal([&] { (void)stream.predict_sparse_rows(columns, values, std::vector<std::uint32_t>{2}); }, "do not rise");
}

TEST_F(SparseStream, TheCommandLineReadsLinesOfLibsvm) {
  std::string lines = "# words of a review, and its stars\n";
  for (int i = 0; i < 200; ++i) {
    lines += std::to_string(2 + i % 3) + " 3:" + std::to_string(i % 3) + " good:1 7:0.5  # a comment\n\n";
  }
  const Finished pushed =
      daemon_.accrue({"push", "words", "-", "--dimension", "1048576", "--set", "loss=huber"}, lines);
  EXPECT_EQ(pushed.exit_code, 0) << pushed.error_output;
  EXPECT_EQ(daemon_.accrue({"push", "words", "-"}, lines).exit_code, 0) << "it is known to be sparse";
  const ordered_json models = daemon_.answer({"models", "words"}).at("models");
  EXPECT_EQ(models[0].at("learner"), "sgd");
  EXPECT_EQ(models[0].at("settings"), ordered_json({{"loss", "huber"}}));
  EXPECT_EQ(models[0].at("n"), 400);
  EXPECT_EQ(daemon_.answer({"status"}).at("streams")[0].at("dimension"), 1'048'576);

  const ordered_json coefficients = daemon_.answer({"coef", "words"});
  EXPECT_EQ(coefficients.at("left_out"), 0);
  std::vector<std::string> names;
  for (const ordered_json& one : coefficients.at("coefficients")) names.push_back(one.at("name"));
  EXPECT_THAT(names, testing::Contains("3"));

  const Finished predicted = daemon_.accrue({"predict", "words", "-"}, "3:2 good:1 7:0.5\n1 3:0 good:1 7:0.5\n");
  ASSERT_EQ(predicted.exit_code, 0) << predicted.error_output;
  std::istringstream answers(predicted.output);
  double high = 0;
  double low = 0;
  ASSERT_TRUE(answers >> high >> low) << predicted.output;
  EXPECT_NEAR(high, 4, 0.3);
  EXPECT_NEAR(low, 2, 0.3);
  const std::uint32_t good = hashed_feature("good", kWide);
  EXPECT_EQ(client_
                .predict_sparse_rows("words", std::vector<std::uint32_t>{3, good, 7}, std::vector<double>{2, 1, 0.5},
                                     std::vector<std::uint32_t>{3})
                .values.front(),
            high);
}

TEST_F(SparseStream, TheCommandLineSaysWhichLineIsWrong) {
  const auto push = [&](const std::string& lines, std::vector<std::string> more = {"--dimension", "10"}) {
    more.insert(more.begin(), {"push", "s", "-"});
    return daemon_.accrue(more, lines);
  };
  EXPECT_THAT(push("1 3:1\n1 10:1\n").error_output, HasSubstr("stdin:2: feature 10 is not below the dimension, 10"));
  EXPECT_THAT(push("3:1\n").error_output, HasSubstr("stdin:1: there is no target before the features"));
  EXPECT_THAT(push("1 2\n").error_output, HasSubstr("stdin:1: not FEATURE:VALUE: '2'"));
  EXPECT_THAT(push("x 2:1\n").error_output, HasSubstr("stdin:1: target: not a number: 'x'"));
  EXPECT_THAT(push("1 2:nan\n").error_output, HasSubstr("stdin:1: value of '2': not a number within 1e150: 'nan'"));
  const Finished skipped = push("1 3:1\n1 :1\n", {"--skip-bad"});
  EXPECT_EQ(skipped.exit_code, 0);
  EXPECT_THAT(skipped.error_output, HasSubstr("stdin:2: a value has no feature (skipped)"));
  EXPECT_EQ(push("1 3:1\n", {"--dimension", "10", "--weight", "w"}).exit_code, 2);
  const Finished other = push("1 3:1\n", {"--dimension", "11"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.error_output, HasSubstr("--dimension: it has dimension 10"));
}

}  // namespace
}  // namespace accrue::tests
