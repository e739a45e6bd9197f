// One message of every type, with the values that WIRE.md describes. Change none: the golden files hold their bytes,
// and every reader there ever was must go on reading them.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/messages.hpp"

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

inline Bytes batch_in_place() {
  BatchFrame frame(3, 1);
  frame.append(kRow);
  return std::move(frame).seal(3, 7);
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

inline Status status_memory() {
  Status full = status();
  full.memory_bytes = 8'192;
  full.memory_limit_bytes = 1u << 30;
  return full;
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

// Calls visit(name, message) for each.
template <class Visit>
void for_each(Visit visit) {
  visit("hello", Hello{.producer = "till-3", .ephemeral = true});
  visit("open_or_create", Open{.stream = "homes", .spec = spec()});
  visit("open_by_range", Open{.stream = "homes", .spec = by_range()});
  visit("open_by_time_window", Open{.stream = "homes", .spec = by_time_window()});
  visit("open_with_time", Open{.stream = "homes", .spec = with_time()});
  visit("open", Open{.stream = "homes", .spec = std::nullopt});
  visit("batch", Batch{.stream_id = 3,
                       .sequence = 7,
                       .dtype = DataType::kFloat64,
                       .count = 1,
                       .rows = {.bin = std::as_bytes(std::span(kRow))}});
  visit("flush", Flush{.stream_id = 3});
  visit("ping", Ping{});
  visit("bye", Bye{});
  visit("drop", Drop{.stream = "homes"});
  visit("rollback", Rollback{.request = 14, .stream = "homes", .epoch = 7});
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
  visit("predict", Predict{.request = 8,
                           .stream = "homes",
                           .dtype = DataType::kFloat64,
                           .count = 1,
                           .rows = {.bin = std::as_bytes(std::span(kRow).first(2))}});
  visit("predict_epoch", Predict{.request = 8,
                                 .stream = "homes",
                                 .dtype = DataType::kFloat64,
                                 .count = 1,
                                 .rows = {.bin = std::as_bytes(std::span(kRow).first(2))},
                                 .epoch = 7});
  visit("get_coef", GetCoef{.request = 9, .stream = "homes"});
  visit("get_coef_epoch", GetCoef{.request = 9, .stream = "homes", .epoch = 7});
  visit("get_metrics", GetMetrics{.request = 10, .stream = "homes"});
  visit("get_status", GetStatus{.request = 11});
  visit("get_epochs", GetEpochs{.request = 13, .stream = "homes"});
  visit("prediction",
        Prediction{.request = 8, .epoch = 12, .rows = 1'000, .values = std::as_bytes(std::span(kPredicted))});
  visit("coef", coef());
  visit("metrics", metrics());
  visit("status", status());
  visit("status_memory", status_memory());
  visit("epochs", epochs());
}

}  // namespace accrue::wire::samples
