// What a client asks of the daemon's query socket, and the answers. An Error (messages.hpp) may answer each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ingest/wire/messages.hpp"

namespace accrue::wire {

// ---- client to the query socket ----

struct Predict {
  static constexpr std::uint8_t kType = 16;
  static constexpr std::size_t kFieldsAtFirst = 5;
  std::uint64_t request = 0;  // echoed in the answer
  std::string stream;
  DataType dtype = DataType::kFloat64;
  std::uint32_t count = 0;                  // 0 with a bin: as many as its length says
  Rows rows;                                // features, and the key where WIRE.md says so
  std::optional<std::uint64_t> epoch = {};  // answer from this kept epoch; the newest where it is left out
  std::string model = {};                   // answer from this model; the champion where it is left out
  std::optional<double> interval = {};      // the level of the intervals to answer with, above 0 and below 1
  auto fields() { return std::tie(request, stream, dtype, count, rows, epoch, model, interval); }
};

struct GetCoef {
  static constexpr std::uint8_t kType = 17;
  static constexpr std::size_t kFieldsAtFirst = 2;
  std::uint64_t request = 0;
  std::string stream;
  std::optional<std::uint64_t> epoch = {};  // as in Predict
  std::string model = {};                   // likewise
  auto fields() { return std::tie(request, stream, epoch, model); }
};

struct GetMetrics {
  static constexpr std::uint8_t kType = 18;
  static constexpr std::size_t kFieldsAtFirst = 2;
  std::uint64_t request = 0;
  std::string stream;
  std::string model = {};  // as in Predict
  auto fields() { return std::tie(request, stream, model); }
};

struct GetStatus {
  static constexpr std::uint8_t kType = 19;
  std::uint64_t request = 0;
  auto fields() { return std::tie(request); }
};

struct GetEpochs {
  static constexpr std::uint8_t kType = 20;
  std::uint64_t request = 0;
  std::string stream;
  auto fields() { return std::tie(request, stream); }
};

struct GetModels {
  static constexpr std::uint8_t kType = 21;
  std::uint64_t request = 0;
  std::string stream;
  auto fields() { return std::tie(request, stream); }
};

// Which rows a figure of the history is of.
enum class Span : std::uint8_t {
  kLifetime,  // all that the model has scored
  kEpoch,     // those since the epoch before
  kLast1000,  // the newest so many of the stream
  kLast10000,
  kLast100000,
};
constexpr std::uint8_t enumerators(Span) { return 5; }
const char* to_string(Span span);  // as the store has it: "lifetime", "epoch", "last_1000", ...
std::optional<Span> span_named(std::string_view name);

struct GetHistory {
  static constexpr std::uint8_t kType = 22;
  std::uint64_t request = 0;
  std::string stream;
  std::string model;  // as in Predict
  Span span = Span::kLast1000;
  std::uint64_t from_epoch = 0;  // of this epoch and later ones
  auto fields() { return std::tie(request, stream, model, span, from_epoch); }
};

// ---- the query socket to a client ----

struct Prediction {
  static constexpr std::uint8_t kType = 48;
  static constexpr std::size_t kFieldsAtFirst = 4;
  std::uint64_t request = 0;
  std::uint64_t epoch = 0;  // the snapshot that answered
  std::uint64_t rows = 0;   // rows that its model has learned
  BytesView values;         // float64, one a row
  std::string model = {};   // which, where one was asked for by name
  Bytes margins = {};       // float64: an interval reaches so far on either side, by the model's own variance; or NaN
  std::optional<double> conformal_margin = {};  // the same of the distribution-free intervals, which are all as wide
  auto fields() { return std::tie(request, epoch, rows, values, model, margins, conformal_margin); }
};

struct Estimate {
  double estimate = 0;
  std::optional<double> std_error;  // nil where it cannot be estimated
  std::optional<double> t;
  auto fields() { return std::tie(estimate, std_error, t); }
};

struct Coef {
  static constexpr std::uint8_t kType = 49;
  static constexpr std::size_t kFieldsAtFirst = 11;
  std::uint64_t request = 0;
  std::string model;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::vector<std::string> names;
  std::optional<Estimate> intercept;  // nil for a model without one
  std::vector<Estimate> coefficients;
  std::optional<double> residual_std;
  std::optional<double> r2;
  std::uint32_t rank = 0;
  std::optional<double> condition;  // nil when infinite
  std::uint64_t left_out = 0;       // coefficients that are not zero and not listed: of sparse rows, the smallest
  auto fields() {
    return std::tie(request, model, epoch, rows, names, intercept, coefficients, residual_std, r2, rank, condition,
                    left_out);
  }
};

// How often the 95% intervals that a model gave before each row held its target.
struct Coverage {
  std::uint64_t n = 0;  // rows that had an interval
  std::optional<double> rate, mean_width;
  auto fields() { return std::tie(n, rate, mean_width); }
  bool operator==(const Coverage&) const = default;
};

// Of some of the rows that a model has scored. Each figure is nil while undefined, as in Metrics.
struct ErrorFigures {
  static constexpr std::size_t kFieldsAtFirst = 10;
  std::uint64_t window = 0;  // of so many of the stream's newest rows
  std::uint64_t n = 0;       // rows
  std::optional<double> mse, mae, rmse, r2, mape, bias, mse_clipped, mae_clipped;
  Coverage conformal = {}, variance = {};  // of the two kinds of intervals (Prediction)
  auto fields() {
    return std::tie(window, n, mse, mae, rmse, r2, mape, bias, mse_clipped, mae_clipped, conformal, variance);
  }
  bool operator==(const ErrorFigures&) const = default;
};

struct Metrics {
  static constexpr std::uint8_t kType = 50;
  static constexpr std::size_t kFieldsAtFirst = 10;
  std::uint64_t request = 0;
  std::string model;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::optional<double> mse, mae, rmse, r2, mse_clipped, mae_clipped;  // nil while undefined
  std::optional<double> mape, bias;
  std::vector<ErrorFigures> last;               // by window
  Coverage conformal, variance;                 // of the two kinds of intervals (Prediction)
  std::uint64_t drifts = 0;                     // times the error has risen for good
  std::optional<std::uint64_t> last_drift_row;  // of the stream, from 0
  std::optional<std::uint64_t> keys;            // held, of a model of each; nil for others
  std::optional<std::uint64_t> evicted_keys;    // how often one was let go of, to the store; likewise
  auto fields() {
    return std::tie(request, model, epoch, rows, mse, mae, rmse, r2, mse_clipped, mae_clipped, mape, bias, last,
                    conformal, variance, drifts, last_drift_row, keys, evicted_keys);
  }
};

// Of a stream whose targets may come after their features (models/delayed_labels.hpp).
struct LateLabels {
  std::uint64_t waiting = 0;   // features that have no target yet
  std::uint64_t expired = 0;   // ... and had none in time
  std::uint64_t unknown = 0;   // targets that found no features, or came too late
  std::uint64_t repeated = 0;  // features of an id that waited already, which are left out
  auto fields() { return std::tie(waiting, expired, unknown, repeated); }
  bool operator==(const LateLabels&) const = default;
};

struct StreamStatus {
  static constexpr std::size_t kFieldsAtFirst = 6;
  std::string name;
  StreamSpec spec;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::optional<double> mse;
  std::vector<RejectedRows> rejected;
  std::optional<LateLabels> labels = {};  // of a stream with an id
  auto fields() { return std::tie(name, spec, epoch, rows, mse, rejected, labels); }
};

struct Status {
  static constexpr std::uint8_t kType = 51;
  static constexpr std::size_t kFieldsAtFirst = 10;
  std::uint64_t request = 0;
  std::string version;
  std::uint64_t pid = 0;
  double uptime_s = 0;
  std::string data_dir;
  std::uint32_t workers = 0;
  std::uint64_t producers = 0;          // connected
  std::uint64_t outstanding_bytes = 0;  // of batches accepted and not yet durable
  std::string degraded;                 // why nothing becomes durable at the moment; empty when all is well
  std::vector<StreamStatus> streams;
  std::uint64_t memory_bytes = 0;  // accounted for: batches not yet durable, messages in and out
  std::uint64_t memory_limit_bytes = 0;
  auto fields() {
    return std::tie(request, version, pid, uptime_s, data_dir, workers, producers, outstanding_bytes, degraded, streams,
                    memory_bytes, memory_limit_bytes);
  }
};

struct KeptEpoch {
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::uint64_t committed_unix_ms = 0;     // by the daemon's clock
  std::optional<double> mse, mse_clipped;  // progressive, as in Metrics
  auto fields() { return std::tie(epoch, rows, committed_unix_ms, mse, mse_clipped); }
};

struct Epochs {
  static constexpr std::uint8_t kType = 52;
  std::uint64_t request = 0;
  std::uint64_t kept = 0;         // how many are on disk
  std::vector<KeptEpoch> epochs;  // the newest of them, kMaxEpochsListed at most, newest first
  auto fields() { return std::tie(request, kept, epochs); }
};

struct ModelStatus {
  ModelSpec spec;
  bool champion = false;
  std::uint64_t rows = 0;                                        // that it has learned
  std::optional<double> mse, mae, r2, mse_clipped, mae_clipped;  // progressive, as in Metrics
  auto fields() { return std::tie(spec, champion, rows, mse, mae, r2, mse_clipped, mae_clipped); }
};

struct Models {
  static constexpr std::uint8_t kType = 53;
  std::uint64_t request = 0;
  std::uint64_t epoch = 0;
  std::vector<ModelStatus> models;  // in the order they were added
  auto fields() { return std::tie(request, epoch, models); }
};

// What a model's errors were as of an epoch. Each figure is nil while undefined, as in Metrics.
struct HistoryPoint {
  std::uint64_t epoch = 0;
  std::uint64_t committed_unix_ms = 0;  // by the daemon's clock
  std::uint64_t n = 0;                  // rows scored
  std::optional<double> mse, mae, rmse, r2, mape, bias, mse_clipped, mae_clipped;
  std::optional<double> conformal_coverage, conformal_width, model_coverage, model_width;  // of the 95% intervals
  auto fields() {
    return std::tie(epoch, committed_unix_ms, n, mse, mae, rmse, r2, mape, bias, mse_clipped, mae_clipped,
                    conformal_coverage, conformal_width, model_coverage, model_width);
  }
};

struct History {
  static constexpr std::uint8_t kType = 54;
  std::uint64_t request = 0;
  std::string model;
  std::vector<HistoryPoint> points;  // the newest of them, kMaxEpochsListed at most, oldest first
  auto fields() { return std::tie(request, model, points); }
};

}  // namespace accrue::wire
