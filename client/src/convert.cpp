#include "client/src/convert.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

namespace accrue {

const char* to_string(PartitionBy by) { return wire::to_string(static_cast<wire::PartitionBy>(by)); }

namespace client {
namespace {

Error::Kind kind_of(wire::ErrorCode code) {
  switch (code) {
    case wire::ErrorCode::kUnknownStream: return Error::Kind::kUnknownStream;
    case wire::ErrorCode::kSpecMismatch: return Error::Kind::kSpecMismatch;
    case wire::ErrorCode::kNoModelYet: return Error::Kind::kNoModelYet;
    case wire::ErrorCode::kUnknownEpoch: return Error::Kind::kUnknownEpoch;
    case wire::ErrorCode::kRolledBack: return Error::Kind::kRolledBack;
    case wire::ErrorCode::kUnknownModel: return Error::Kind::kUnknownModel;
    case wire::ErrorCode::kModelExists:
    case wire::ErrorCode::kBadSpec:
    case wire::ErrorCode::kBadRows: return Error::Kind::kInvalid;
    default: return Error::Kind::kRefused;
  }
}

// The two are one list, each in its header.
constexpr bool same(PartitionBy ours, wire::PartitionBy theirs) {
  return static_cast<std::uint8_t>(ours) == static_cast<std::uint8_t>(theirs);
}
static_assert(same(PartitionBy::kRoundRobin, wire::PartitionBy::kRoundRobin));
static_assert(same(PartitionBy::kHash, wire::PartitionBy::kHash));
static_assert(same(PartitionBy::kRandom, wire::PartitionBy::kRandom));
static_assert(same(PartitionBy::kWeighted, wire::PartitionBy::kWeighted));
static_assert(same(PartitionBy::kLeastLoaded, wire::PartitionBy::kLeastLoaded));
static_assert(same(PartitionBy::kRange, wire::PartitionBy::kRange));
static_assert(same(PartitionBy::kTimeWindow, wire::PartitionBy::kTimeWindow));

Estimate estimate_from(const wire::Estimate& estimate) {
  return {.estimate = estimate.estimate, .std_error = estimate.std_error, .t = estimate.t};
}

ModelSpec model_from(wire::ModelSpec spec) {
  ModelSpec model{.name = std::move(spec.name), .learner = std::move(spec.learner)};
  for (auto& [key, value] : spec.settings) model.settings.push_back({.key = std::move(key), .value = std::move(value)});
  return model;
}

StreamStatus stream_from(wire::StreamStatus stream) {
  StreamStatus result{.name = std::move(stream.name),
                      .spec = from_wire(std::move(stream.spec)),
                      .epoch = stream.epoch,
                      .rows = stream.rows,
                      .mse = stream.mse,
                      .rejected = {},
                      .labels = std::nullopt};
  if (const auto& labels = stream.labels) {
    result.labels = {.waiting = labels->waiting,
                     .expired = labels->expired,
                     .unknown = labels->unknown,
                     .repeated = labels->repeated};
  }
  for (const wire::RejectedRows& rejected : stream.rejected) {
    result.rejected.push_back({.reason = to_string(rejected.reason), .rows = rejected.rows});
  }
  return result;
}

std::vector<double> numbers_from(wire::BytesView bytes) {
  std::vector<double> numbers(bytes.size() / sizeof(double));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(double));
  return numbers;
}

Coverage coverage_from(const wire::Coverage& coverage) {
  return {.rows = coverage.n, .rate = coverage.rate, .mean_width = coverage.mean_width};
}

ErrorFigures figures_from(const wire::ErrorFigures& error) {
  return {.window = error.window,
          .rows = error.n,
          .mse = error.mse,
          .mae = error.mae,
          .rmse = error.rmse,
          .r2 = error.r2,
          .mape = error.mape,
          .bias = error.bias,
          .mse_clipped = error.mse_clipped,
          .mae_clipped = error.mae_clipped,
          .conformal = coverage_from(error.conformal),
          .variance = coverage_from(error.variance)};
}

}  // namespace

wire::ModelSpec to_wire(const ModelSpec& spec) {
  wire::ModelSpec model{.name = spec.name, .learner = spec.learner};
  for (const auto& [key, value] : spec.settings) model.settings.push_back({.key = key, .value = value});
  return model;
}

wire::StreamSpec to_wire(const StreamSpec& spec) {
  wire::StreamSpec result{.features = spec.features,
                          .target = spec.target,
                          .weighted = spec.weighted,
                          .key = spec.key,
                          .intercept = spec.intercept,
                          .ridge = spec.ridge,
                          .partitions = spec.partitions,
                          .partition_by = static_cast<wire::PartitionBy>(spec.partition_by),
                          .partition_seed = spec.partition_seed,
                          .partition_weights = spec.partition_weights,
                          .partition_cuts = spec.partition_cuts,
                          .partition_window_s = spec.partition_window_s,
                          .time = spec.time,
                          .id = spec.id,
                          .label_ttl_rows = spec.label_ttl_rows,
                          .label_ttl_s = spec.label_ttl_s,
                          .dimension = spec.dimension};
  for (const ModelSpec& model : spec.models) result.models.push_back(to_wire(model));
  return result;
}

StreamSpec from_wire(wire::StreamSpec spec) {
  StreamSpec result{.features = std::move(spec.features),
                    .target = std::move(spec.target),
                    .weighted = spec.weighted,
                    .key = std::move(spec.key),
                    .intercept = spec.intercept,
                    .ridge = spec.ridge,
                    .partitions = spec.partitions,
                    .partition_by = static_cast<PartitionBy>(spec.partition_by),
                    .partition_seed = spec.partition_seed,
                    .partition_weights = std::move(spec.partition_weights),
                    .partition_cuts = std::move(spec.partition_cuts),
                    .partition_window_s = spec.partition_window_s,
                    .time = std::move(spec.time),
                    .id = std::move(spec.id),
                    .label_ttl_rows = spec.label_ttl_rows,
                    .label_ttl_s = spec.label_ttl_s,
                    .dimension = spec.dimension};
  for (wire::ModelSpec& model : spec.models) result.models.push_back(model_from(std::move(model)));
  return result;
}

Prediction from_wire(const wire::Prediction& prediction) {
  return {.epoch = prediction.epoch,
          .rows = prediction.rows,
          .values = numbers_from(prediction.values),
          .margins = numbers_from(prediction.margins),
          .conformal_margin = prediction.conformal_margin};
}

Coefficients from_wire(wire::Coef coef) {
  Coefficients result{.model = std::move(coef.model),
                      .epoch = coef.epoch,
                      .rows = coef.rows,
                      .names = std::move(coef.names),
                      .intercept = std::nullopt,
                      .coefficients = {},
                      .residual_std = coef.residual_std,
                      .r2 = coef.r2,
                      .rank = coef.rank,
                      .condition = coef.condition,
                      .left_out = coef.left_out};
  if (coef.intercept) result.intercept = estimate_from(*coef.intercept);
  for (const wire::Estimate& estimate : coef.coefficients) result.coefficients.push_back(estimate_from(estimate));
  return result;
}

Metrics from_wire(wire::Metrics metrics) {
  Metrics result{.model = std::move(metrics.model),
                 .epoch = metrics.epoch,
                 .rows = metrics.rows,
                 .mse = metrics.mse,
                 .mae = metrics.mae,
                 .rmse = metrics.rmse,
                 .r2 = metrics.r2,
                 .mse_clipped = metrics.mse_clipped,
                 .mae_clipped = metrics.mae_clipped,
                 .mape = metrics.mape,
                 .bias = metrics.bias,
                 .conformal = coverage_from(metrics.conformal),
                 .variance = coverage_from(metrics.variance),
                 .drifts = metrics.drifts,
                 .last_drift_row = metrics.last_drift_row,
                 .keys = metrics.keys,
                 .evicted_keys = metrics.evicted_keys};
  for (const wire::ErrorFigures& figures : metrics.last) result.last.push_back(figures_from(figures));
  return result;
}

Models from_wire(wire::Models models) {
  Models result{.epoch = models.epoch, .models = {}};
  for (wire::ModelStatus& model : models.models) {
    result.models.push_back({.spec = model_from(std::move(model.spec)),
                             .champion = model.champion,
                             .rows = model.rows,
                             .mse = model.mse,
                             .mae = model.mae,
                             .r2 = model.r2,
                             .mse_clipped = model.mse_clipped,
                             .mae_clipped = model.mae_clipped});
  }
  return result;
}

KeptEpochs from_wire(const wire::Epochs& epochs) {
  using std::chrono::milliseconds, std::chrono::system_clock;
  constexpr auto kLatest =
      static_cast<std::uint64_t>(std::chrono::floor<milliseconds>(system_clock::duration::max()).count());
  KeptEpochs result{.kept = epochs.kept, .epochs = {}};
  for (const wire::KeptEpoch& epoch : epochs.epochs) {
    const milliseconds since_1970(std::min(epoch.committed_unix_ms, kLatest));
    result.epochs.push_back({.epoch = epoch.epoch,
                             .rows = epoch.rows,
                             .committed = system_clock::time_point(since_1970),
                             .mse = epoch.mse,
                             .mse_clipped = epoch.mse_clipped});
  }
  return result;
}

Status from_wire(wire::Status status) {
  Status result{.version = std::move(status.version),
                .pid = status.pid,
                .uptime_s = status.uptime_s,
                .data_dir = std::move(status.data_dir),
                .workers = status.workers,
                .producers = status.producers,
                .outstanding_bytes = status.outstanding_bytes,
                .degraded = std::move(status.degraded),
                .streams = {},
                .memory_bytes = status.memory_bytes,
                .memory_limit_bytes = status.memory_limit_bytes};
  for (wire::StreamStatus& stream : status.streams) result.streams.push_back(stream_from(std::move(stream)));
  return result;
}

Error from_wire(const wire::Error& error) {
  return {kind_of(error.code), error.text.empty() ? std::string("refused: ") + to_string(error.code) : error.text};
}

std::string describe(wire::RejectReason reason) {
  switch (reason) {
    case wire::RejectReason::kNotFinite: return "a value is not a finite number";
    case wire::RejectReason::kMagnitude: return "a value is beyond 1e150, or is after weighting";
    case wire::RejectReason::kWeight: return "the weight is negative";
    case wire::RejectReason::kRowLength:
      return "not the stream's number of columns, or more values than a row may have";
    case wire::RejectReason::kMissingColumn: return "a column is missing";
    case wire::RejectReason::kUnknownColumn: return "a column is not one of the stream's";
    case wire::RejectReason::kNotANumber: return "a value is not a number";
    case wire::RejectReason::kBadIndex: return "the features' numbers do not increase, or are not below the dimension";
  }
  return "refused";
}

std::string query_endpoint(const std::string& endpoint, const std::string& named) {
  const bool tcp = endpoint.starts_with("tcp://") && named.starts_with("tcp://");
  if (!tcp) return named;
  return endpoint.substr(0, endpoint.rfind(':')) + named.substr(named.rfind(':'));
}

}  // namespace client
}  // namespace accrue
