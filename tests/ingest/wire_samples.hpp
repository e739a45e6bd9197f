// One message of every type, with the values that WIRE.md describes. Change none: the golden files hold their bytes,
// and every reader there ever was must go on reading them.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/queries.hpp"
#include "ingest/wire/sparse_rows.hpp"

namespace accrue::wire::samples {

inline const std::array<double, 3> kRow{4, 30, 210.5};
inline const std::array<double, 1> kPredicted{199.25};

inline StreamSpec spec() {
  StreamSpec spec;
  spec.features = {"rooms", "age"};
  spec.target = "price";
  spec.ridge = 0.5;
  spec.partitions = 2;
  return spec;
}

inline StreamSpec by_range() {
  StreamSpec spec = samples::spec();
  spec.key = "age";
  spec.partitions = 3;
  spec.partition_by = PartitionBy::kRange;
  spec.partition_cuts = {10, 30};
  return spec;
}

inline StreamSpec by_time_window() {
  StreamSpec spec = samples::spec();
  spec.key = "sold";
  spec.partition_by = PartitionBy::kTimeWindow;
  spec.partition_window_s = 3'600;
  return spec;
}

inline StreamSpec with_time() {
  StreamSpec spec = samples::spec();
  spec.time = "sold";
  return spec;
}

inline StreamSpec with_id() {
  StreamSpec spec = with_time();
  spec.partition_by = PartitionBy::kHash;
  spec.id = "visit";
  spec.label_ttl_rows = 50'000;
  spec.label_ttl_s = 1'800;
  return spec;
}

inline ModelSpec ridge_model() {
  return {.name = "ridge2", .learner = "least_squares", .settings = {{.key = "ridge", .value = "2"}}};
}

inline StreamSpec with_models() {
  StreamSpec spec = samples::spec();
  spec.ridge = 0;
  spec.models = {{.name = "flat", .learner = "least_squares", .settings = {{.key = "intercept", .value = "false"}}},
                 ridge_model()};
  return spec;
}

inline Bytes batch_in_place() {
  BatchFrame frame(3, 1);
  frame.append(kRow);
  return std::move(frame).seal(3, 7);
}

inline Predict predict() {
  return {.request = 8,
          .stream = "homes",
          .dtype = DataType::kFloat64,
          .count = 1,
          .rows = {.bin = std::as_bytes(std::span(kRow).first(2))}};
}

inline StreamSpec sparse() {
  StreamSpec spec;
  spec.target = "stars";
  spec.dimension = 1'000;
  return spec;
}

// Two rows: 3 is 1.5 and 70 is 2, of target 4; 3 is -0.25, of target 1.
inline Bytes sparse_bin(SparseForm form) {
  static constexpr std::array<std::uint32_t, 2> kColumns{3, 70};
  static constexpr std::array<double, 2> kValues{1.5, 2};
  static constexpr std::array<double, 1> kOther{-0.25};
  SparseRowsBin rows(form);
  rows.append(kColumns, kValues, 4, 1);
  rows.append(std::span(kColumns).first(1), kOther, 1, 1);
  Bytes bin(rows.bytes());
  rows.write(bin.data());
  return bin;
}
inline const Bytes kSparseRows = sparse_bin(SparseForm::kTarget);
inline const Bytes kSparseFeatures = sparse_bin(SparseForm::kFeatures);

inline Coef coef_sparse() {
  Coef coef;
  coef.request = 9;
  coef.model = "sgd";
  coef.epoch = 12;
  coef.rows = 1'000;
  coef.names = {"70"};
  coef.intercept = Estimate{.estimate = 1.5, .std_error = {}, .t = {}};
  coef.coefficients = {{.estimate = -0.125, .std_error = {}, .t = {}}};
  coef.left_out = 2;
  return coef;
}

inline Coef coef() {
  Coef coef;
  coef.request = 9;
  coef.model = "least_squares";
  coef.epoch = 12;
  coef.rows = 1'000;
  coef.names = {"rooms", "age"};
  coef.intercept = Estimate{.estimate = 1.5, .std_error = 0.25, .t = 6};
  coef.coefficients = {{.estimate = 50.25, .std_error = 0.5, .t = 100.5},
                       {.estimate = -0.125, .std_error = std::nullopt, .t = std::nullopt}};
  coef.residual_std = 2.5;
  coef.r2 = 0.75;
  coef.rank = 2;
  return coef;
}

inline Prediction prediction_interval() {
  static constexpr std::array<double, 1> kMargins{24.5};
  const auto margins = std::as_bytes(std::span(kMargins));
  return {.request = 8,
          .epoch = 12,
          .rows = 1'000,
          .values = std::as_bytes(std::span(kPredicted)),
          .margins = {margins.begin(), margins.end()},
          .conformal_margin = 31};
}

inline Metrics metrics() {
  Metrics metrics;
  metrics.request = 10;
  metrics.model = "least_squares";
  metrics.epoch = 12;
  metrics.rows = 1'000;
  metrics.mse = 6.25;
  metrics.mae = 1.75;
  metrics.rmse = 2.5;
  metrics.mse_clipped = 5.5;
  metrics.mae_clipped = 1.5;
  return metrics;
}

inline Metrics metrics_keys() {
  Metrics by_key = metrics();
  by_key.keys = 3;
  by_key.evicted_keys = 40;
  return by_key;
}

inline Metrics metrics_whole() {
  Metrics whole = metrics();
  whole.model = "ridge2";
  whole.r2 = 0.75;
  whole.mape = 0.25;
  whole.bias = -0.5;
  whole.last = {{.window = 1'000,
                 .n = 1'000,
                 .mse = 4,
                 .mae = 1.5,
                 .rmse = 2,
                 .r2 = {},
                 .mape = 0.25,
                 .bias = -0.5,
                 .mse_clipped = 4,
                 .mae_clipped = 1.5,
                 .conformal = {},
                 .variance = {}}};
  whole.conformal = {.n = 900, .rate = 0.95, .mean_width = 10};
  whole.drifts = 1;
  whole.last_drift_row = 700;
  return whole;
}

inline Metrics metrics_windows() {
  Metrics windows = metrics_whole();
  windows.last.front().conformal = {.n = 1'000, .rate = 0.9375, .mean_width = 9};
  return windows;
}

inline Status status() {
  StreamStatus stream;
  stream.name = "homes";
  stream.spec = spec();
  stream.epoch = 12;
  stream.rows = 1'000;
  stream.mse = 6.25;
  stream.rejected = {{.reason = RejectReason::kNotFinite, .rows = 3}};
  Status status;
  status.request = 11;
  status.version = "0.1.0";
  status.pid = 4'242;
  status.uptime_s = 61.5;
  status.data_dir = "/var/lib/accrue";
  status.workers = 2;
  status.producers = 1;
  status.outstanding_bytes = 4'096;
  status.streams = {stream};
  return status;
}

inline Status status_labels() {
  Status late = status();
  late.streams.front().spec = with_id();
  late.streams.front().labels = {.waiting = 7, .expired = 2, .unknown = 1, .repeated = 0};
  return late;
}

inline Status status_memory() {
  Status full = status();
  full.memory_bytes = 8'192;
  full.memory_limit_bytes = 1u << 30;
  return full;
}

inline Models models() {
  ModelStatus champion;
  champion.spec = {.name = "least_squares", .learner = "least_squares"};
  champion.champion = true;
  champion.rows = 1'000;
  champion.mse = 6.25;
  champion.mae = 1.75;
  champion.mse_clipped = 5.5;
  champion.mae_clipped = 1.5;
  ModelStatus added;
  added.spec = ridge_model();
  return {.request = 18, .epoch = 12, .models = {champion, added}};
}

inline Epochs epochs() {
  Epochs epochs;
  epochs.request = 13;
  epochs.kept = 2;
  epochs.epochs = {
      {.epoch = 12, .rows = 1'000, .committed_unix_ms = 1'700'000'000'100, .mse = 6.25, .mse_clipped = 5.5},
      {.epoch = 7,
       .rows = 1,
       .committed_unix_ms = 1'700'000'000'000,
       .mse = std::nullopt,
       .mse_clipped = std::nullopt}};
  return epochs;
}

inline History history() {
  HistoryPoint first;
  first.epoch = 7;
  first.committed_unix_ms = 1'700'000'000'000;
  HistoryPoint last;
  last.epoch = 12;
  last.committed_unix_ms = 1'700'000'000'100;
  last.n = 1'000;
  last.mse = 6.25;
  last.mae = 1.75;
  last.rmse = 2.5;
  last.r2 = 0.75;
  last.mape = 0.25;
  last.bias = -0.5;
  last.mse_clipped = 5.5;
  last.mae_clipped = 1.5;
  last.conformal_coverage = 0.9375;
  last.conformal_width = 9;
  return {.request = 19, .model = "ridge2", .points = {first, last}};
}

// Calls visit(name, message) for each.
template <class Visit>
void for_each(Visit visit) {
  visit("hello", Hello{.producer = "till-3", .ephemeral = true});
  visit("open_or_create", Open{.stream = "homes", .spec = spec()});
  visit("open_by_range", Open{.stream = "homes", .spec = by_range()});
  visit("open_by_time_window", Open{.stream = "homes", .spec = by_time_window()});
  visit("open_with_time", Open{.stream = "homes", .spec = with_time()});
  visit("open_with_id", Open{.stream = "homes", .spec = with_id()});
  visit("open_with_models", Open{.stream = "homes", .spec = with_models()});
  visit("open_sparse", Open{.stream = "reviews", .spec = sparse()});
  visit("open", Open{.stream = "homes", .spec = std::nullopt});
  visit("batch", Batch{.stream_id = 3,
                       .sequence = 7,
                       .dtype = DataType::kFloat64,
                       .count = 1,
                       .rows = {.bin = std::as_bytes(std::span(kRow))}});
  visit("batch_sparse",
        Batch{.stream_id = 3, .sequence = 7, .dtype = DataType::kFloat64, .count = 2, .rows = {.bin = kSparseRows}});
  visit("flush", Flush{.stream_id = 3});
  visit("ping", Ping{});
  visit("bye", Bye{});
  visit("drop", Drop{.stream = "homes"});
  visit("rollback", Rollback{.request = 14, .stream = "homes", .epoch = 7});
  visit("add_model", AddModel{.request = 15, .stream = "homes", .model = ridge_model()});
  visit("drop_model", DropModel{.request = 16, .stream = "homes", .model = "ridge2"});
  visit("promote_model", PromoteModel{.request = 17, .stream = "homes", .model = "ridge2"});
  visit("welcome",
        Welcome{.version = "0.1.0", .query_endpoint = "tcp://0.0.0.0:7701", .max_message_bytes = 16'777'216});
  visit(
      "opened",
      Opened{
          .stream = "homes", .stream_id = 3, .spec = spec(), .accepted = 6, .durable = 4, .window_bytes = 33'554'432});
  visit("ack", Ack{.stream_id = 3, .applied = 6, .durable = 4, .window_bytes = 33'554'432});
  visit("rows_rejected",
        RowsRejected{.stream_id = 3, .sequence = 7, .rows = 2, .first_row = 0, .reason = RejectReason::kMagnitude});
  visit("pong", Pong{});
  visit("error",
        Error{.request = 0, .code = ErrorCode::kUnknownStream, .about = "homes", .text = "there is no stream 'homes'"});
  visit("dropped", Dropped{.stream = "homes"});
  visit("rolled_back", RolledBack{.request = 14, .stream = "homes", .epoch = 13});
  visit("models_changed", ModelsChanged{.request = 15, .stream = "homes", .epoch = 13});
  visit("predict", predict());
  visit("predict_epoch", Predict{.request = 8,
                                 .stream = "homes",
                                 .dtype = DataType::kFloat64,
                                 .count = 1,
                                 .rows = {.bin = std::as_bytes(std::span(kRow).first(2))},
                                 .epoch = 7});
  visit("predict_model", Predict{.request = 8,
                                 .stream = "homes",
                                 .dtype = DataType::kFloat64,
                                 .count = 1,
                                 .rows = {.bin = std::as_bytes(std::span(kRow).first(2))},
                                 .model = "ridge2"});
  visit("predict_interval", Predict{.request = 8,
                                    .stream = "homes",
                                    .dtype = DataType::kFloat64,
                                    .count = 1,
                                    .rows = {.bin = std::as_bytes(std::span(kRow).first(2))},
                                    .interval = 0.95});
  visit("predict_sparse", Predict{.request = 8,
                                  .stream = "reviews",
                                  .dtype = DataType::kFloat64,
                                  .count = 2,
                                  .rows = {.bin = kSparseFeatures}});
  visit("get_coef", GetCoef{.request = 9, .stream = "homes"});
  visit("get_coef_epoch", GetCoef{.request = 9, .stream = "homes", .epoch = 7});
  visit("get_coef_model", GetCoef{.request = 9, .stream = "homes", .model = "ridge2"});
  visit("get_metrics", GetMetrics{.request = 10, .stream = "homes"});
  visit("get_metrics_model", GetMetrics{.request = 10, .stream = "homes", .model = "ridge2"});
  visit("get_status", GetStatus{.request = 11});
  visit("get_epochs", GetEpochs{.request = 13, .stream = "homes"});
  visit("get_models", GetModels{.request = 18, .stream = "homes"});
  visit("get_history",
        GetHistory{.request = 19, .stream = "homes", .model = "ridge2", .span = Span::kLast1000, .from_epoch = 7});
  visit("prediction",
        Prediction{.request = 8, .epoch = 12, .rows = 1'000, .values = std::as_bytes(std::span(kPredicted))});
  visit(
      "prediction_model",
      Prediction{
          .request = 8, .epoch = 12, .rows = 1'000, .values = std::as_bytes(std::span(kPredicted)), .model = "ridge2"});
  visit("prediction_interval", prediction_interval());
  visit("coef", coef());
  visit("coef_sparse", coef_sparse());
  visit("metrics", metrics());
  visit("metrics_whole", metrics_whole());
  visit("metrics_windows", metrics_windows());
  visit("metrics_keys", metrics_keys());
  visit("status", status());
  visit("status_memory", status_memory());
  visit("status_labels", status_labels());
  visit("epochs", epochs());
  visit("models", models());
  visit("history", history());
}

}  // namespace accrue::wire::samples
