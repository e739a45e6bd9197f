#include "daemon/http/answers_json.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/doubles.hpp"
#include "daemon/spec_json.hpp"

namespace accrue::daemon::http {
namespace {

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const wire::Coverage& coverage) {
  return {
      {"rows", coverage.n}, {"rate", optional_json(coverage.rate)}, {"mean_width", optional_json(coverage.mean_width)}};
}

Json json_of(const wire::Estimate& estimate) {
  return {{"estimate", estimate.estimate},
          {"std_error", optional_json(estimate.std_error)},
          {"t", optional_json(estimate.t)}};
}

// What all that tells errors has in common.
template <class Figures>
void put_errors(Json& json, const Figures& figures) {
  json["mse"] = optional_json(figures.mse);
  json["mae"] = optional_json(figures.mae);
  json["rmse"] = optional_json(figures.rmse);
  json["r2"] = optional_json(figures.r2);
  json["mape"] = optional_json(figures.mape);
  json["bias"] = optional_json(figures.bias);
  json["mse_clipped"] = optional_json(figures.mse_clipped);
  json["mae_clipped"] = optional_json(figures.mae_clipped);
}

std::vector<double> doubles_of(wire::BytesView bytes) {
  std::vector<double> memory;
  const std::size_t count = bytes.size() / sizeof(double);
  const std::span<const double> values = as_doubles(bytes.data(), count, wire::DataType::kFloat64, memory);
  return {values.begin(), values.end()};
}

}  // namespace

std::string rfc3339(std::uint64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof text - length, ".%03uZ", static_cast<unsigned>(unix_ms % 1'000));
  return text;
}

Json json_of(const wire::Status& status) {
  return {{"version", status.version},
          {"pid", status.pid},
          {"uptime_s", status.uptime_s},
          {"data_dir", status.data_dir},
          {"workers", status.workers},
          {"producers", status.producers},
          {"streams", status.streams.size()},
          {"outstanding_bytes", status.outstanding_bytes},
          {"memory_bytes", status.memory_bytes},
          {"memory_limit_bytes", status.memory_limit_bytes},
          {"degraded", status.degraded.empty() ? Json() : Json(status.degraded)}};
}

Json json_of(const wire::StreamStatus& stream) {
  Json rejected = Json::object();
  for (const auto& [reason, rows] : stream.rejected) rejected[to_string(reason)] = rows;
  Json json = {{"name", stream.name},
               {"epoch", stream.epoch},
               {"rows", stream.rows},
               {"mse", optional_json(stream.mse)},
               {"rejected", std::move(rejected)}};
  if (stream.labels) {
    json["labels"] = {{"waiting", stream.labels->waiting},
                      {"expired", stream.labels->expired},
                      {"unknown", stream.labels->unknown},
                      {"repeated", stream.labels->repeated}};
  }
  json["spec"] = daemon::json_of(stream.spec);
  return json;
}

Json json_of(const wire::Models& models) {
  Json list = Json::array();
  for (const wire::ModelStatus& model : models.models) {
    Json json = daemon::json_of(model.spec);
    json["champion"] = model.champion;
    json["rows"] = model.rows;
    json["mse"] = optional_json(model.mse);
    json["mae"] = optional_json(model.mae);
    json["r2"] = optional_json(model.r2);
    json["mse_clipped"] = optional_json(model.mse_clipped);
    json["mae_clipped"] = optional_json(model.mae_clipped);
    list.push_back(std::move(json));
  }
  return {{"epoch", models.epoch}, {"models", std::move(list)}};
}

Json json_of(const wire::Coef& coef) {
  Json coefficients = Json::array();
  for (std::size_t i = 0; i < coef.coefficients.size(); ++i) {
    Json one = {{"name", coef.names[i]}};
    one.update(json_of(coef.coefficients[i]));
    coefficients.push_back(std::move(one));
  }
  return {{"model", coef.model},
          {"epoch", coef.epoch},
          {"rows", coef.rows},
          {"intercept", coef.intercept ? json_of(*coef.intercept) : Json()},
          {"coefficients", std::move(coefficients)},
          {"left_out", coef.left_out},
          {"residual_std", optional_json(coef.residual_std)},
          {"r2", optional_json(coef.r2)},
          {"rank", coef.rank},
          {"condition", optional_json(coef.condition)}};
}

Json json_of(const wire::Metrics& metrics) {
  Json json = {{"model", metrics.model}, {"epoch", metrics.epoch}, {"rows", metrics.rows}};
  put_errors(json, metrics);
  json["conformal"] = json_of(metrics.conformal);
  json["variance"] = json_of(metrics.variance);
  json["drifts"] = metrics.drifts;
  json["last_drift_row"] = optional_json(metrics.last_drift_row);
  json["keys"] = optional_json(metrics.keys);
  json["evicted_keys"] = optional_json(metrics.evicted_keys);
  Json windows = Json::array();
  for (const wire::ErrorFigures& last : metrics.last) {
    Json window = {{"window", last.window}, {"rows", last.n}};
    put_errors(window, last);
    window["conformal"] = json_of(last.conformal);
    window["variance"] = json_of(last.variance);
    windows.push_back(std::move(window));
  }
  json["last"] = std::move(windows);
  return json;
}

Json json_of(const wire::History& history) {
  Json points = Json::array();
  for (const wire::HistoryPoint& point : history.points) {
    Json json = {{"epoch", point.epoch}, {"committed", rfc3339(point.committed_unix_ms)}, {"rows", point.n}};
    put_errors(json, point);
    json["conformal_coverage"] = optional_json(point.conformal_coverage);
    json["conformal_width"] = optional_json(point.conformal_width);
    json["model_coverage"] = optional_json(point.model_coverage);
    json["model_width"] = optional_json(point.model_width);
    points.push_back(std::move(json));
  }
  return {{"model", history.model}, {"points", std::move(points)}};
}

Json json_of(const wire::Epochs& epochs) {
  Json list = Json::array();
  for (const wire::KeptEpoch& epoch : epochs.epochs) {
    list.push_back({{"epoch", epoch.epoch},
                    {"rows", epoch.rows},
                    {"committed", rfc3339(epoch.committed_unix_ms)},
                    {"mse", optional_json(epoch.mse)},
                    {"mse_clipped", optional_json(epoch.mse_clipped)}});
  }
  return {{"kept", epochs.kept}, {"epochs", std::move(list)}};
}

Json json_of(const wire::Prediction& prediction) {
  const std::vector<double> values = doubles_of(prediction.values);
  Json json = {{"epoch", prediction.epoch}, {"rows", prediction.rows}, {"predictions", values}};
  if (prediction.margins.empty()) return json;
  const auto interval = [](double value, double margin) {
    return std::isnan(margin) ? Json() : Json{{"lower", value - margin}, {"upper", value + margin}};
  };
  const std::vector<double> margins = doubles_of(prediction.margins);
  Json own = Json::array();
  Json conformal = Json::array();
  for (std::size_t i = 0; i < values.size(); ++i) {
    own.push_back(interval(values[i], margins[i]));
    conformal.push_back(prediction.conformal_margin ? interval(values[i], *prediction.conformal_margin) : Json());
  }
  json["intervals"] = std::move(own);
  json["conformal_intervals"] = std::move(conformal);
  return json;
}

Json json_of(const Learned& learned) {
  Json rejections = Json::array();
  for (const Rejection& rejection : learned.rejections) {
    rejections.push_back({{"row", rejection.row},
                          {"reason", to_string(rejection.reason)},
                          {"field", rejection.field.empty() ? Json() : Json(rejection.field)}});
  }
  return {{"rows", learned.rows},
          {"learned", learned.rows - learned.rejected - learned.repeated},
          {"rejected", learned.rejected},
          {"repeated", learned.repeated},
          {"rejections", std::move(rejections)}};
}

}  // namespace accrue::daemon::http
