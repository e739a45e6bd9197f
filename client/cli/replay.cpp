// accrue replay california: the whole way of a data set, through the client library into the daemon and back, and how
// good what it learned is beside batch least squares. Every figure is measured in the run that prints it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/cli/batch_fit.hpp"
#include "client/cli/commands.hpp"
#include "client/cli/feed.hpp"
#include "client/cli/model_spec.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "datasets/synthetic.hpp"

namespace accrue::cli {
namespace {

constexpr std::uint64_t kSyntheticSeed = 1;
constexpr std::size_t kRowsPerRequest = 4'096;
constexpr std::size_t kWarmUps = 50;
constexpr std::size_t kRoundTrips = 1'000;

struct Source {
  datasets::Table table;
  bool synthetic = false;
  std::string label() const { return synthetic ? "synthetic" : "california"; }
};

Source load() {
  if (const auto file = datasets::find_california()) return {datasets::read_california(*file), false};
  complain(
      "the California housing data is not here (scripts/fetch-datasets gets it); replaying a synthetic table with "
      "the same columns instead");
  return {datasets::synthetic_california(kSyntheticSeed), true};
}

datasets::Table shuffled(const datasets::Table& table, std::uint64_t seed) {
  datasets::Table result = table;
  result.values.clear();
  for (const std::size_t i : datasets::permutation(table.rows, seed)) {
    const auto row = table.row(i);
    result.values.insert(result.values.end(), row.begin(), row.end());
  }
  return result;
}

Stream open_empty(Client& client, const ReplayOptions& options, const datasets::Table& table) {
  const auto existing = find_stream(client, options.stream);
  if (existing && existing->rows > 0) {
    throw std::runtime_error("stream '" + options.stream + "' already has " + counted_rows(existing->rows) +
                             "; choose another --stream or drop it");
  }
  StreamSpec spec;
  spec.features = table.feature_names;
  spec.target = table.target_name;
  for (const std::string& learner : options.learners) spec.models.push_back({.name = learner, .learner = learner});
  set_partitioning(spec, options.partitioning);
  auto columns = table.feature_names;
  if (!spec.key.empty() && std::find(columns.begin(), columns.end(), spec.key) == columns.end()) {
    throw std::runtime_error("the data has no feature '" + spec.key + "' to be the key");
  }
  columns.push_back(table.target_name);
  if (wants_cuts(spec)) spec.partition_cuts = cuts_from(table.values, columns, spec);
  return client.stream(options.stream, spec);
}

// All rows, at most `rate` a second where that is above 0, until they are durable.
void feed_table(const datasets::Table& table, const ReplayOptions& options, const std::string& label, Feed& feed) {
  Progress progress(label);
  const double started = steady_seconds();
  const double total = static_cast<double>(table.rows);
  for (std::size_t sent = 0; sent < table.rows;) {
    std::size_t due = std::min(table.rows, sent + options.batch_rows);
    if (options.rate > 0) {
      const double wait = started + static_cast<double>(sent) / options.rate - steady_seconds();
      if (wait > 0) std::this_thread::sleep_for(std::chrono::duration<double>(wait));
      const double allowed = 1 + (steady_seconds() - started) * options.rate;
      due = std::min(due, std::max(sent + 1, static_cast<std::size_t>(std::min(allowed, total))));
    }
    const std::size_t columns = table.columns();
    feed.push(std::span(table.values).subspan(sent * columns, (due - sent) * columns));
    sent = due;
    if (progress.due()) progress.draw(sent, static_cast<double>(sent) / total);
  }
  const FlushReport flushed = feed.flush();
  if (flushed.rejected_rows == 0) return;
  throw std::runtime_error("the daemon refused " + counted_rows(flushed.rejected_rows) +
                           "; the first: " + flushed.first_rejection);
}

std::vector<double> features_of(const datasets::Table& table, std::size_t begin, std::size_t end) {
  std::vector<double> features;
  for (std::size_t i = begin; i < end; ++i) {
    const auto row = table.row(i);
    features.insert(features.end(), row.begin(), row.end() - 1);
  }
  return features;
}

double in_sample_mse(const Client& client, const std::string& stream, const datasets::Table& table) {
  double squares = 0;
  for (std::size_t begin = 0; begin < table.rows; begin += kRowsPerRequest) {
    const std::size_t end = std::min(table.rows, begin + kRowsPerRequest);
    const auto predicted = client.predict(stream, features_of(table, begin, end)).values;
    for (std::size_t i = begin; i < end; ++i) {
      const double error = table.row(i).back() - predicted.at(i - begin);
      squares += error * error;
    }
  }
  return squares / static_cast<double>(table.rows);
}

// Sorted round-trip times of single predictions, in microseconds.
std::vector<double> round_trips_us(const Client& client, const std::string& stream, const datasets::Table& table) {
  std::vector<double> times;
  for (std::size_t i = 0; i < kWarmUps + kRoundTrips; ++i) {
    const auto row = table.row(i % table.rows);
    const double started = steady_seconds();
    (void)client.predict(stream, row.first(row.size() - 1));
    if (i >= kWarmUps) times.push_back(1e6 * (steady_seconds() - started));
  }
  std::sort(times.begin(), times.end());
  return times;
}

// Nearest rank.
double quantile(const std::vector<double>& sorted, double q) {
  const double rank = std::ceil(q * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

// Of what least squares has learned; null for another champion, which is not to agree.
Json largest_relative_difference(const Client& client, const ReplayOptions& options, const BatchFit& batch) {
  if (!options.learners.empty() && options.learners.front() != ModelSpec().learner) return {};
  const Coefficients learned = client.coef(options.stream);
  const auto relative = [](double is, double should) { return std::abs(is - should) / std::abs(should); };
  double largest = relative(learned.intercept.value().estimate, batch.intercept);
  for (std::size_t i = 0; i < batch.coefficients.size(); ++i) {
    largest = std::max(largest, relative(learned.coefficients.at(i).estimate, batch.coefficients[i]));
  }
  return largest;
}

Report evaluate(const Client& client, const ReplayOptions& options, const Source& source, const Feed& feed) {
  const std::vector<double> times = round_trips_us(client, options.stream, source.table);
  const double mse = in_sample_mse(client, options.stream, source.table);
  const Metrics progressive = client.metrics(options.stream);
  const BatchFit batch = fit_batch(source.table.values, source.table.feature_names.size());
  const Json coefficients = largest_relative_difference(client, options, batch);
  std::vector<Field> fields{{"data", "data", source.label()},
                            {"stream", "stream", options.stream},
                            {"order", "order", options.shuffle ? "shuffle" : "file"},
                            {"seed", "seed", options.shuffle ? Json(options.seed) : Json()},
                            {"partitions", "partitions", feed.stream().spec().partitions},
                            {"rows", "rows", progressive.rows},
                            {"seconds", "seconds, until durable", feed.seconds(), 4},
                            {"rows_per_s", "rows/s, until durable", feed.rows_per_second(), 4},
                            {"epochs", "durable epochs", progressive.epoch},
                            {"mse", "progressive MSE", progressive.mse.value()},
                            {"mse_clipped", "progressive MSE, clipped", progressive.mse_clipped.value()},
                            {"mae", "progressive MAE", progressive.mae.value()},
                            {"mae_clipped", "progressive MAE, clipped", progressive.mae_clipped.value()},
                            {"in_sample_mse", "in-sample MSE", mse, 13},
                            {"batch_mse", "in-sample MSE, batch least squares", batch.in_sample_mse, 13},
                            {"mse_difference", "their difference", mse - batch.in_sample_mse, 2},
                            {"coef_difference", "largest relative difference of a coefficient", coefficients, 2},
                            {"predict_p50_us", "prediction round trip p50, us", quantile(times, 0.50), 4},
                            {"predict_p99_us", "prediction round trip p99, us", quantile(times, 0.99), 4}};
  if (source.synthetic) {
    for (Field& field : fields) field.label = "synthetic: " + field.label;
  }
  Report report = record(std::move(fields));
  report.document["models"] = model_report(client.models(options.stream)).document;
  return report;
}

}  // namespace

int replay_california(const Connection& connection, const ReplayOptions& options) {
  Client client = connect(connection, options.batch_rows);
  (void)client.status();  // before anything is read or said: is there a daemon?
  Source source = load();
  if (options.shuffle) source.table = shuffled(source.table, options.seed);
  Feed feed(open_empty(client, options, source.table));
  feed_table(source.table, options, source.label(), feed);
  write_out(render(evaluate(client, options, source, feed), connection.format));
  if (connection.format != Format::kTable || options.learners.size() < 2) return 0;
  write_out("\n" + render(model_report(client.models(options.stream)), Format::kTable));
  return 0;
}

}  // namespace accrue::cli
