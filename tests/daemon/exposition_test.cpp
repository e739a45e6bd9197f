#include "daemon/exposition.hpp"

#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include <gmock/gmock.h>

#include "tests/daemon/exposition_fixture.hpp"
#include "tests/support/promtool.hpp"

namespace accrue::daemon {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Le;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class ExpositionTest : public ExpositionFixture {
 protected:
  // Rows whose target is the feature, but for `noise` now and then.
  static models::ModelSet learned(const wire::StreamSpec& spec, std::uint64_t rows, double noise) {
    models::ModelSet models = first_models(spec);
    for (std::uint64_t i = 0; i < rows; ++i) {
      const double x = static_cast<double>(i % 100);
      const double row[] = {x, x + (i % 10 == 9 ? noise : 0)};
      models.learn({.data = row, .count = 1, .stride = 2, .features = 1, .weighted = false, .first_index = i});
    }
    return models;
  }

  const wire::StreamSpec kTwo = {
      .features = {"x"}, .target = "y", .models = {{"main", "least_squares", {}}, {"other", "sgd", {}}}};
};

TEST_F(ExpositionTest, TellsOfTheDaemon) {
  gauges.workers = 2;
  gauges.producers = 3;
  gauges.outstanding_bytes = 1'000;
  gauges.unread_bytes = 200;
  gauges.unsent_bytes = 30;
  gauges.window_bytes = 400;
  EXPECT_THAT(exposed().samples,
              IsSupersetOf({Pair("accrue_build_info{version=\"1.2.3\"}", 1.0), Pair("accrue_workers", 2.0),
                            Pair("accrue_producers", 3.0), Pair("accrue_degraded", 0.0),
                            Pair("accrue_outstanding_bytes", 1'000.0), Pair("accrue_memory_bytes", 1'230.0),
                            Pair("accrue_memory_limit_bytes", std::exp2(30)), Pair("accrue_window_bytes", 400.0),
                            Pair("accrue_streams", 0.0), Pair("accrue_streams_exposed", 0.0)}));
  const double before = std::chrono::duration<double>(began.time_since_epoch()).count();
  EXPECT_NEAR(exposed().samples.at("accrue_start_time_seconds"), before, 60);
  health.set_degraded("the disk is full");
  EXPECT_THAT(exposed().samples, Contains(Pair("accrue_degraded", 1.0)));
}

TEST_F(ExpositionTest, TellsWhatTheReceiverKnowsOfAStream) {
  const auto of_stream = add_stream(1, "s");
  of_stream->rows = 500;
  of_stream->rejected[static_cast<std::size_t>(wire::RejectReason::kWeight)] = 4;
  of_stream->queued_rows = 50;
  of_stream->queued_bytes = 6'000;
  of_stream->producers = 2;
  of_stream->outstanding_bytes = 5'000;
  gauges.window_bytes = 4'000;
  EXPECT_THAT(exposed().samples,
              IsSupersetOf({Pair("accrue_stream_rows_total{stream=\"s\"}", 500.0),
                            Pair("accrue_stream_rows_rejected_total{stream=\"s\",reason=\"weight\"}", 4.0),
                            Pair("accrue_stream_rows_rejected_total{stream=\"s\",reason=\"not_finite\"}", 0.0),
                            Pair("accrue_stream_queued_rows{stream=\"s\"}", 50.0),
                            Pair("accrue_stream_queued_bytes{stream=\"s\"}", 6'000.0),
                            Pair("accrue_stream_producers{stream=\"s\"}", 2.0),
                            Pair("accrue_stream_credit_bytes{stream=\"s\"}", 3'000.0), Pair("accrue_streams", 1.0)}));
  gauges.window_bytes = 2'000;  // less than was granted before
  EXPECT_THAT(exposed().samples, Contains(Pair("accrue_stream_credit_bytes{stream=\"s\"}", 0.0)));
}

TEST_F(ExpositionTest, AStreamHasNoEpochsAgeBeforeItsFirst) {
  add_stream(1, "s");
  EXPECT_THAT(exposed().samples, Contains(Pair("accrue_stream_epoch{stream=\"s\"}", 0.0)));
  EXPECT_THAT(exposed().types, Not(Contains(Key("accrue_stream_epoch_age_seconds"))));
  const auto before = std::chrono::steady_clock::now();
  publish("s", 7, 90, learned(board.find("s")->spec, 90, 1));
  const auto samples = exposed().samples;
  const double at_most = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  EXPECT_THAT(samples, IsSupersetOf({Pair("accrue_stream_epoch{stream=\"s\"}", 7.0),
                                     Pair("accrue_stream_epoch_rows{stream=\"s\"}", 90.0)}));
  EXPECT_THAT(samples.at("accrue_stream_epoch_age_seconds{stream=\"s\"}"), AllOf(Ge(0), Le(at_most)));
}

TEST_F(ExpositionTest, TellsTheProgressiveErrorOfEveryModelAndWindow) {
  add_stream(1, "s", kTwo);
  publish("s", 1, 3'000, learned(kTwo, 3'000, 5));
  const auto snapshot = board.find("s");
  const auto samples = exposed().samples;
  for (const char* name : {"main", "other"}) {
    const models::Model& model = *snapshot->model(name);
    const std::string labels = std::string("{stream=\"s\",model=\"") + name + "\"";
    const auto expect = [&](const std::string& window, const models::ErrorMeans& error) {
      const std::string of_window = labels + ",window=\"" + window + "\"}";
      EXPECT_DOUBLE_EQ(samples.at("accrue_model_mean_squared_error" + of_window), error.mse());
      EXPECT_DOUBLE_EQ(samples.at("accrue_model_clipped_mean_squared_error" + of_window), error.mse_clipped());
      EXPECT_DOUBLE_EQ(samples.at("accrue_model_mean_absolute_error" + of_window), error.mae());
      EXPECT_DOUBLE_EQ(samples.at("accrue_model_r2" + of_window), error.r2());
    };
    expect("lifetime", model.error());
    expect("1000", model.metrics().last(1'000).error);
    expect("10000", model.metrics().last(10'000).error);
    expect("100000", model.metrics().last(100'000).error);
    EXPECT_EQ(samples.at("accrue_model_rows" + labels + "}"), 3'000);
    const models::Coverages coverage = model.metrics().coverage();
    EXPECT_DOUBLE_EQ(samples.at("accrue_model_interval_coverage_ratio" + labels + ",kind=\"conformal\"}"),
                     coverage.conformal.rate());
  }
  EXPECT_NE(samples.at("accrue_model_r2{stream=\"s\",model=\"main\",window=\"lifetime\"}"),
            samples.at("accrue_model_r2{stream=\"s\",model=\"main\",window=\"1000\"}"));
  EXPECT_THAT(samples,
              Contains(Key("accrue_model_interval_coverage_ratio{stream=\"s\",model=\"main\",kind=\"variance\"}")));
  EXPECT_THAT(
      samples,
      Not(Contains(Key("accrue_model_interval_coverage_ratio{stream=\"s\",model=\"other\",kind=\"variance\"}"))))
      << "sgd knows no variance";
}

TEST_F(ExpositionTest, LeavesOutFiguresThatAreNotDefined) {
  add_stream(1, "s");
  EXPECT_THAT(exposed().types, Not(Contains(Key("accrue_model_mean_squared_error")))) << "without a row";
  publish("s", 1, 1, learned(board.find("s")->spec, 1, 0));
  const Exposed now = exposed();
  EXPECT_THAT(now.types, Contains(Key("accrue_model_mean_squared_error")));
  EXPECT_THAT(now.types, Not(Contains(Key("accrue_model_r2")))) << "of targets that do not differ";
  for (const auto& [name, value] : now.samples) EXPECT_FALSE(std::isnan(value)) << name;
}

TEST_F(ExpositionTest, TellsWhoseThePredictionsAre) {
  add_stream(1, "s", kTwo);
  EXPECT_THAT(exposed().samples, IsSupersetOf({Pair("accrue_model_champion{stream=\"s\",model=\"main\"}", 1.0),
                                               Pair("accrue_model_champion{stream=\"s\",model=\"other\"}", 0.0)}));
  models::ModelSet models = first_models(kTwo);
  models.promote("other");
  publish("s", 1, 0, std::move(models));
  EXPECT_THAT(exposed().samples, IsSupersetOf({Pair("accrue_model_champion{stream=\"s\",model=\"main\"}", 0.0),
                                               Pair("accrue_model_champion{stream=\"s\",model=\"other\"}", 1.0)}));
}

TEST_F(ExpositionTest, TellsOfDrifts) {
  add_stream(1, "s");
  models::ModelSet models = learned(board.find("s")->spec, 5'000, 1);
  for (std::uint64_t i = 5'000; i < 7'000; ++i) {
    const double row[] = {1, static_cast<double>(i % 2 == 0 ? 1'000 : -1'000)};
    models.learn({.data = row, .count = 1, .stride = 2, .features = 1, .weighted = false, .first_index = i});
  }
  const std::uint64_t alarms = models.champion().drift().alarms();
  ASSERT_GT(alarms, 0u);
  publish("s", 1, 7'000, std::move(models));
  EXPECT_THAT(exposed().samples,
              Contains(Pair("accrue_model_drifts{stream=\"s\",model=\"least_squares\"}", static_cast<double>(alarms))));
}

TEST_F(ExpositionTest, TellsOfKeysWhereAModelHasThem) {
  add_stream_of_everything();  // of four keys, of which it may hold two
  const auto figures = *board.find("everything")->model("each")->learner().keys();
  ASSERT_GT(figures.evicted, 0u);
  const auto samples = exposed().samples;
  EXPECT_THAT(samples, IsSupersetOf({Pair("accrue_model_keys{stream=\"everything\",model=\"each\"}", 2.0),
                                     Pair("accrue_model_keys_evicted{stream=\"everything\",model=\"each\"}",
                                          static_cast<double>(figures.evicted))}));
  EXPECT_THAT(samples, Not(Contains(Key("accrue_model_keys{stream=\"everything\",model=\"main\"}"))));
}

TEST_F(ExpositionTest, TellsOfLateLabelsWhereRowsHaveAnId) {
  const wire::StreamSpec spec{.features = {"x"}, .target = "y", .id = "i", .label_ttl_rows = 4};
  add_stream(1, "s", spec);
  add_stream(2, "other");
  models::ModelSet models = first_models(spec);
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const double rows[][3] = {{1, kNone, 1},                                               // expires
                            {1, 1, 2},     {kNone, 1, 9}, {kNone, 1, 9}, {kNone, 1, 9},  // three of no features
                            {1, kNone, 3}, {1, kNone, 4}, {1, kNone, 4}};                // two wait, one is repeated
  models.learn({.data = &rows[0][0], .count = 8, .stride = 3, .features = 1, .weighted = false, .id_column = 2});
  publish("s", 1, 8, std::move(models));
  const auto samples = exposed().samples;
  EXPECT_THAT(samples, IsSupersetOf({Pair("accrue_stream_late_labels{stream=\"s\",state=\"waiting\"}", 2.0),
                                     Pair("accrue_stream_late_labels{stream=\"s\",state=\"expired\"}", 1.0),
                                     Pair("accrue_stream_late_labels{stream=\"s\",state=\"unknown\"}", 3.0),
                                     Pair("accrue_stream_late_labels{stream=\"s\",state=\"repeated\"}", 1.0)}));
  EXPECT_THAT(samples, Not(Contains(Key(StartsWith("accrue_stream_late_labels{stream=\"other\"")))));
}

TEST_F(ExpositionTest, TellsHowLongThingsTake) {
  add_stream(1, "s", kTwo);
  latencies.predicted("s", "main", microseconds(20));
  latencies.predicted("s", "main", microseconds(700));
  latencies.made_durable("s", milliseconds(30), milliseconds(130));
  latencies.made_durable("s", milliseconds(40), {});  // an epoch without rows
  latencies.committed(milliseconds(4));
  const auto samples = exposed().samples;
  EXPECT_THAT(
      samples,
      IsSupersetOf({Pair("accrue_prediction_duration_seconds_bucket{stream=\"s\",model=\"main\",le=\"1e-05\"}", 0.0),
                    Pair("accrue_prediction_duration_seconds_bucket{stream=\"s\",model=\"main\",le=\"2.5e-05\"}", 1.0),
                    Pair("accrue_prediction_duration_seconds_bucket{stream=\"s\",model=\"main\",le=\"0.001\"}", 2.0),
                    Pair("accrue_prediction_duration_seconds_bucket{stream=\"s\",model=\"main\",le=\"+Inf\"}", 2.0),
                    Pair("accrue_prediction_duration_seconds_count{stream=\"s\",model=\"main\"}", 2.0),
                    Pair("accrue_epoch_duration_seconds_count{stream=\"s\"}", 2.0),
                    Pair("accrue_epoch_duration_seconds_bucket{stream=\"s\",le=\"0.05\"}", 2.0),
                    Pair("accrue_epoch_first_row_wait_seconds_count{stream=\"s\"}", 1.0),
                    Pair("accrue_store_commit_duration_seconds_bucket{le=\"0.005\"}", 1.0)}));
  EXPECT_NEAR(samples.at("accrue_prediction_duration_seconds_sum{stream=\"s\",model=\"main\"}"), 720e-6, 1e-9);
  EXPECT_NEAR(samples.at("accrue_epoch_first_row_wait_seconds_sum{stream=\"s\"}"), 0.13, 1e-9);
}

TEST_F(ExpositionTest, NothingIsLeftOfADroppedStreamOrModel) {
  add_stream(1, "s", kTwo);
  latencies.predicted("s", "other", microseconds(20));
  models::ModelSet models = first_models(kTwo);
  models.drop("other");
  publish("s", 1, 0, std::move(models));
  EXPECT_THAT(exposition.text(), Not(HasSubstr("\"other\"")));
  board.remove("s");  // the committer is quicker than the receiver's gauges
  EXPECT_THAT(exposition.text(), Not(HasSubstr("\"s\"")));
  gauges.streams.remove(1);
  EXPECT_THAT(exposed().samples, Contains(Pair("accrue_streams", 0.0)));
}

TEST_F(ExpositionTest, OfTooManyStreamsTheOldestAreTold) {
  constexpr std::uint64_t kStreams = 10'000;
  for (std::uint64_t id = kStreams; id > 0; --id) add_stream(id, "s" + std::to_string(id));
  const auto samples = exposed().samples;
  EXPECT_EQ(samples.at("accrue_streams"), kStreams);
  const auto told = static_cast<std::uint64_t>(samples.at("accrue_streams_exposed"));
  EXPECT_GT(told, 100u);
  EXPECT_LT(samples.size(), Exposition::kMaxSamples + 100);
  EXPECT_THAT(samples, Contains(Key("accrue_stream_epoch{stream=\"s" + std::to_string(told) + "\"}")));
  EXPECT_THAT(samples, Not(Contains(Key("accrue_stream_epoch{stream=\"s" + std::to_string(told + 1) + "\"}"))));
}

TEST_F(ExpositionTest, MayBeReadWhileEverythingChanges) {
  add_stream(1, "s", kTwo);
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) exposition.text();
  });
  for (std::uint64_t epoch = 1; epoch <= 200; ++epoch) {
    const auto other = add_stream(2, "other");
    ingest::StreamGauges::add(other->rows, 1);
    latencies.predicted("s", "main", microseconds(20));
    latencies.made_durable("other", milliseconds(1), {});
    publish("s", epoch, epoch, learned(kTwo, 10, 1));
    health.set_degraded(epoch % 2 == 0 ? "why" : "");
    gauges.streams.remove(2);
    latencies.drop("other");
    board.remove("other");
  }
  stop = true;
  reader.join();
  EXPECT_THAT(exposed().samples, Contains(Pair("accrue_stream_epoch{stream=\"s\"}", 200.0)));
}

TEST_F(ExpositionTest, METRICSmdListsWhatThereIs) {
  add_stream_of_everything();
  std::map<std::string, std::vector<std::string>> documented;  // type and labels
  std::ifstream in(ACCRUE_SOURCE_DIR "/daemon/METRICS.md");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| accrue_")) continue;
    std::istringstream words(line);
    std::string bar, name, word;
    words >> bar >> name >> bar;
    while (words >> word && word != "|") documented[name].push_back(word);
    while (words >> word && word != "|") documented[name].push_back(word.substr(0, word.find(',')));
  }
  const Exposed now = exposed();
  std::map<std::string, std::vector<std::string>> told;
  for (const auto& [name, type] : now.types) {
    told[name] = now.labels(type == "histogram" ? name + "_count" : name);
    told[name].insert(told[name].begin(), type);
  }
  EXPECT_EQ(documented, told);
}

TEST_F(ExpositionTest, PromtoolHasNothingToSay) {
  add_stream_of_everything();
  const tests::Finished checked = tests::promtool({"check", "metrics"}, exposition.text());
  EXPECT_EQ(checked.exit_code, 0);
  EXPECT_EQ(checked.output + checked.error_output, "");
}

}  // namespace
}  // namespace accrue::daemon
