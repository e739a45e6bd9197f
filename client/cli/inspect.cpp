// The commands that ask one question and show the answer, and those that take a stream away or back.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"

namespace accrue::cli {
namespace {

template <typename T>
Json nullable(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

// To the millisecond, as ISO 8601 has it.
std::string utc_text(std::chrono::system_clock::time_point time) {
  using std::chrono::floor, std::chrono::seconds, std::chrono::milliseconds, std::chrono::system_clock;
  const auto second = floor<seconds>(time);
  const std::time_t whole = system_clock::to_time_t(second);
  std::tm calendar{};
  gmtime_r(&whole, &calendar);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &calendar);
  std::snprintf(text.data() + size, text.size() - size, ".%03dZ",
                static_cast<int>(floor<milliseconds>(time - second).count()));
  return text.data();
}

std::uint64_t rejected_rows(const StreamStatus& stream) {
  std::uint64_t rows = 0;
  for (const RejectedRows& rejected : stream.rejected) rows += rejected.rows;
  return rows;
}

Json labels_document(const std::optional<LateLabels>& labels) {
  if (!labels) return nullptr;
  return {{"waiting", labels->waiting},
          {"expired", labels->expired},
          {"unknown", labels->unknown},
          {"repeated", labels->repeated}};
}

Json stream_document(const StreamStatus& stream) {
  Json rejected = Json::array();
  for (const auto& [reason, rows] : stream.rejected) rejected.push_back({{"reason", reason}, {"rows", rows}});
  const StreamSpec& spec = stream.spec;
  return {{"stream", stream.name},
          {"n", stream.rows},
          {"epoch", stream.epoch},
          {"mse", nullable(stream.mse)},
          {"rejected", rejected},
          {"labels", labels_document(stream.labels)},
          {"features", spec.features},
          {"dimension", spec.dimension},
          {"target", spec.target},
          {"weighted", spec.weighted},
          {"key", text_or_null(spec.key)},
          {"time", text_or_null(spec.time)},
          {"id", text_or_null(spec.id)},
          {"label_ttl_rows", spec.label_ttl_rows},
          {"label_ttl_s", spec.label_ttl_s},
          {"intercept", spec.intercept},
          {"ridge", spec.ridge},
          {"partitions", spec.partitions},
          {"partition_by", to_string(spec.partition_by)},
          {"partition_seed", spec.partition_seed},
          {"partition_weights", spec.partition_weights},
          {"partition_cuts", spec.partition_cuts},
          {"partition_window_s", spec.partition_window_s}};
}

Json stream_documents(const std::vector<StreamStatus>& streams) {
  Json documents = Json::array();
  for (const StreamStatus& stream : streams) documents.push_back(stream_document(stream));
  return documents;
}

Table stream_table(const std::vector<StreamStatus>& streams) {
  Table table{.columns = {{"stream", "stream"},
                          {"n", "rows"},
                          {"epoch", "epoch"},
                          {"mse", "progressive MSE"},
                          {"rejected", "rejected"},
                          {"feature_count", "features"},
                          {"target", "target"},
                          {"partitions", "partitions"}},
              .rows = {}};
  for (const StreamStatus& stream : streams) {
    table.rows.push_back({stream.name, stream.rows, stream.epoch, nullable(stream.mse), rejected_rows(stream),
                          std::max<std::size_t>(stream.spec.features.size(), stream.spec.dimension), stream.spec.target,
                          stream.spec.partitions});
  }
  return table;
}

// All streams; beneath the table, why rows of theirs were rejected.
Report stream_report(const std::vector<StreamStatus>& streams) {
  Report report{.document = stream_documents(streams), .table = stream_table(streams), .fields = {}};
  for (const StreamStatus& stream : streams) {
    for (const auto& [reason, rows] : stream.rejected) {
      report.fields.push_back({"rejected", "rejected of '" + stream.name + "'", counted_rows(rows) + ": " + reason});
    }
    if (const auto& labels = stream.labels) {
      report.fields.push_back({"labels", "labels of '" + stream.name + "'",
                               std::to_string(labels->waiting) + " awaited, " + std::to_string(labels->expired) +
                                   " expired, " + std::to_string(labels->unknown) + " of unknown rows, " +
                                   std::to_string(labels->repeated) + " of rows pushed again"});
    }
  }
  return report;
}

// For people, to whom a dash would say nothing.
std::string durability(const std::string& degraded) {
  if (degraded.empty()) return "ok";
  return "degraded: nothing becomes durable at the moment, and the daemon keeps trying; " + degraded;
}

void show(const Connection& connection, const Report& report) { write_out(render(report, connection.format)); }

}  // namespace

int coef(const Connection& connection, const std::string& stream, std::optional<std::uint64_t> epoch,
         const std::string& asked) {
  const Coefficients model = connect(connection).coef(stream, epoch, asked);
  Report report;
  report.table.columns = {{"name", "name"}, {"estimate", "estimate", 10}, {"std_error", "std. error"}, {"t", "t", 5}};
  Json intercept;
  if (const auto& at_zero = model.intercept) {
    intercept = {{"estimate", at_zero->estimate}, {"std_error", nullable(at_zero->std_error)}};
    report.table.rows.push_back({"(intercept)", at_zero->estimate, nullable(at_zero->std_error), nullable(at_zero->t)});
  }
  Json coefficients = Json::array();
  for (std::size_t i = 0; i < model.coefficients.size(); ++i) {
    const auto& [estimate, std_error, t] = model.coefficients[i];
    coefficients.push_back(
        {{"name", model.names.at(i)}, {"estimate", estimate}, {"std_error", nullable(std_error)}, {"t", nullable(t)}});
    report.table.rows.push_back({model.names[i], estimate, nullable(std_error), nullable(t)});
  }
  report.document = {{"stream", stream},
                     {"model", model.model},
                     {"epoch", model.epoch},
                     {"n", model.rows},
                     {"intercept", intercept},
                     {"coefficients", coefficients},
                     {"left_out", model.left_out},
                     {"residual_std", nullable(model.residual_std)},
                     {"r2", nullable(model.r2)},
                     {"rank", model.rank},
                     {"condition", nullable(model.condition)}};
  report.fields = {{"n", "rows", model.rows},
                   {"epoch", "epoch", model.epoch},
                   {"residual_std", "residual std.", nullable(model.residual_std)},
                   {"r2", "R2", nullable(model.r2)},
                   {"rank", "rank", model.rank},
                   {"condition", "condition", nullable(model.condition)}};
  if (model.left_out > 0) report.fields.push_back({"left_out", "smaller ones, not listed", model.left_out});
  show(connection, report);
  return 0;
}

int metrics(const Connection& connection, const std::string& stream, const std::string& model) {
  const Metrics found = connect(connection).metrics(stream, model);
  Report report = record({{"stream", "stream", stream},
                          {"model", "model", found.model},
                          {"epoch", "epoch", found.epoch},
                          {"n", "rows", found.rows},
                          {"mse", "progressive MSE", nullable(found.mse)},
                          {"mae", "progressive MAE", nullable(found.mae)},
                          {"rmse", "progressive RMSE", nullable(found.rmse)},
                          {"r2", "progressive R2", nullable(found.r2)},
                          {"mape", "progressive MAPE", nullable(found.mape)},
                          {"bias", "bias", nullable(found.bias)},
                          {"mse_clipped", "MSE, predictions clipped", nullable(found.mse_clipped)},
                          {"mae_clipped", "MAE, predictions clipped", nullable(found.mae_clipped)},
                          {"conformal_coverage", "coverage, 95% conformal", nullable(found.conformal.rate)},
                          {"conformal_width", "its mean width", nullable(found.conformal.mean_width)},
                          {"model_coverage", "coverage, 95% by the model", nullable(found.variance.rate)},
                          {"model_width", "its mean width", nullable(found.variance.mean_width)},
                          {"drifts", "drifts", found.drifts},
                          {"last_drift_row", "row of the last drift", nullable(found.last_drift_row)},
                          {"keys", "keys held", nullable(found.keys)},
                          {"evicted_keys", "keys evicted", nullable(found.evicted_keys)}});
  Json last = Json::array();
  for (const ErrorFigures& window : found.last) {
    const std::string rows = std::to_string(window.window);
    last.push_back({{"window", window.window},
                    {"n", window.rows},
                    {"mse", nullable(window.mse)},
                    {"mae", nullable(window.mae)},
                    {"rmse", nullable(window.rmse)},
                    {"r2", nullable(window.r2)},
                    {"mape", nullable(window.mape)},
                    {"bias", nullable(window.bias)},
                    {"mse_clipped", nullable(window.mse_clipped)},
                    {"mae_clipped", nullable(window.mae_clipped)},
                    {"conformal_coverage", nullable(window.conformal.rate)},
                    {"conformal_width", nullable(window.conformal.mean_width)},
                    {"model_coverage", nullable(window.variance.rate)},
                    {"model_width", nullable(window.variance.mean_width)}});
    report.fields.push_back({"mse_last_" + rows, "MSE, last " + rows + " rows", nullable(window.mse)});
    report.fields.push_back({"mae_last_" + rows, "MAE, last " + rows + " rows", nullable(window.mae)});
    report.fields.push_back({"conformal_coverage_last_" + rows, "coverage, 95% conformal, last " + rows + " rows",
                             nullable(window.conformal.rate)});
  }
  report.document["last"] = last;
  show(connection, report);
  return 0;
}

int epochs(const Connection& connection, const std::string& stream) {
  const KeptEpochs found = connect(connection).epochs(stream);
  Report report;
  report.table.columns = {{"epoch", "epoch"},
                          {"n", "rows"},
                          {"committed", "committed (UTC)"},
                          {"mse", "progressive MSE"},
                          {"mse_clipped", "MSE, clipped"}};
  Json documents = Json::array();
  for (const Epoch& epoch : found.epochs) {
    const std::string committed = utc_text(epoch.committed);
    documents.push_back({{"epoch", epoch.epoch},
                         {"n", epoch.rows},
                         {"committed", committed},
                         {"mse", nullable(epoch.mse)},
                         {"mse_clipped", nullable(epoch.mse_clipped)}});
    report.table.rows.push_back({epoch.epoch, epoch.rows, committed, nullable(epoch.mse), nullable(epoch.mse_clipped)});
  }
  report.document = {{"stream", stream}, {"kept", found.kept}, {"epochs", documents}};
  if (found.kept > found.epochs.size()) report.fields = {{"kept", "kept, of which the newest are shown", found.kept}};
  show(connection, report);
  return 0;
}

int status(const Connection& connection) {
  const Status found = connect(connection).status();
  Report report = record({{"version", "version", found.version},
                          {"pid", "pid", found.pid},
                          {"uptime_s", "uptime, s", found.uptime_s, 3},
                          {"data_dir", "data directory", found.data_dir},
                          {"workers", "workers", found.workers},
                          {"producers", "producers", found.producers},
                          {"outstanding_bytes", "bytes not yet durable", found.outstanding_bytes},
                          {"memory_bytes", "memory accounted, bytes", found.memory_bytes},
                          {"memory_limit_bytes", "memory limit, bytes", found.memory_limit_bytes},
                          {"degraded", "durability", text_or_null(found.degraded)}});
  if (connection.format == Format::kTable) report.fields.back().value = durability(found.degraded);
  const Report streams = stream_report(found.streams);
  report.document["streams"] = streams.document;
  show(connection, report);
  if (connection.format == Format::kTable && !found.streams.empty()) write_out("\n" + render(streams, Format::kTable));
  return 0;
}

int streams(const Connection& connection) {
  const Status found = connect(connection).status();
  if (connection.format == Format::kTable && found.streams.empty()) {
    write_out("no streams yet; create one with: accrue push STREAM FILE.csv\n");
    return 0;
  }
  show(connection, stream_report(found.streams));
  return 0;
}

int drop(const Connection& connection, const std::string& stream) {
  Client client = connect(connection);
  const StreamStatus dropped = existing_stream(client, stream);
  client.drop(stream);
  show(connection, record({{"dropped", "dropped", stream},
                           {"n", "rows it had learned", dropped.rows},
                           {"epoch", "epoch", dropped.epoch}}));
  return 0;
}

int rollback(const Connection& connection, const std::string& stream, std::uint64_t epoch) {
  Client client = connect(connection);
  const std::uint64_t copy = client.rollback(stream, epoch);
  const std::vector<Epoch> kept = client.epochs(stream).epochs;
  const auto made = std::find_if(kept.begin(), kept.end(), [&](const Epoch& one) { return one.epoch == copy; });
  show(connection, record({{"rolled_back", "rolled back", stream},
                           {"to_epoch", "to epoch", epoch},
                           {"epoch", "as epoch", copy},
                           {"n", "rows", made == kept.end() ? Json() : Json(made->rows)}}));
  return 0;
}

}  // namespace accrue::cli
