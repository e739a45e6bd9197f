#include "daemon/query_service.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "daemon/answers.hpp"
#include "daemon/older_parts.hpp"
#include "daemon/sparse_query.hpp"
#include "ingest/link.hpp"
#include "ingest/wire/friendly_rows.hpp"
#include "ingest/wire/usable.hpp"
#include "models/normal_quantile.hpp"

namespace accrue::daemon {
namespace {

using wire::ErrorCode;

constexpr std::size_t kLargeQuestionBytes = 65'536;

wire::Bytes refusal(std::uint64_t request, ErrorCode code, const std::string& about, const std::string& text) {
  return wire::encode(wire::Error{request, code, about, text});
}

wire::Bytes unknown_stream(std::uint64_t request, const std::string& stream) {
  return refusal(request, ErrorCode::kUnknownStream, stream, "there is no stream '" + stream.substr(0, 128) + "'");
}

wire::Bytes unknown_model(std::uint64_t request, const Snapshot& snapshot, const std::string& model) {
  std::string names;
  for (const models::Model& one : snapshot.models.models()) names += (names.empty() ? "" : ", ") + one.spec().name;
  return refusal(request, ErrorCode::kUnknownModel, snapshot.stream,
                 "stream '" + snapshot.stream + "' has no model '" + model.substr(0, 128) + "' in epoch " +
                     std::to_string(snapshot.epoch) + "; it has " + names);
}

wire::Bytes no_model_yet(std::uint64_t request, const std::string& stream, const std::string& model) {
  const std::string who = "stream '" + stream + "'" + (model.empty() ? "" : ", model '" + model + "',");
  return refusal(request, ErrorCode::kNoModelYet, stream, who + " has learned no rows yet");
}

wire::Bytes not_read(std::uint64_t request, const std::string& stream, const std::runtime_error& error) {
  const bool not_kept = dynamic_cast<const EpochNotKept*>(&error) != nullptr;
  return refusal(request, not_kept ? ErrorCode::kUnknownEpoch : ErrorCode::kStoreFailed, stream, error.what());
}

// Whether a row to predict has the key behind its features: where the model goes by one that is not among them.
bool has_key_behind(const wire::StreamSpec& spec, const models::Model& model) {
  return model.learner().needs_key() && spec.column(spec.key) >= spec.features.size();
}

// The rows of a query as float64, whatever form they came in; a sentence about what is wrong with them otherwise.
std::string read_rows(const wire::Predict& query, const wire::StreamSpec& spec, const models::Model& model,
                      std::vector<double>& rows) {
  const std::size_t features = model.features();
  const std::size_t columns = features + (has_key_behind(spec, model) ? 1 : 0);
  const std::size_t values = query.count * columns;
  if (query.rows.friendly) {
    if (wire::friendly_count(query.rows) != query.count) return "the count is not the number of rows";
    std::vector<std::string> names = spec.features;
    if (columns > features) names.push_back(spec.key);
    const wire::Columns given(std::move(names));
    rows.resize(values);
    for (std::size_t i = 0; i < query.count; ++i) {
      if (const auto problem =
              read_friendly_row(query.rows, i, given, wire::Absent::kMissing, {rows.data() + i * columns, columns})) {
        return "row " + std::to_string(i) + ": " + to_string(*problem);
      }
    }
  } else if (query.rows.bin.size() != values * size_of(query.dtype)) {
    return "the rows are " + std::to_string(query.rows.bin.size()) + " bytes, where " + std::to_string(query.count) +
           " rows of " + std::to_string(columns) + " features are " + std::to_string(values * size_of(query.dtype));
  } else if (query.dtype == wire::DataType::kFloat64) {
    rows.resize(values);
    std::memcpy(rows.data(), query.rows.bin.data(), values * sizeof(double));
  } else {
    std::vector<float> narrow(values);
    std::memcpy(narrow.data(), query.rows.bin.data(), values * sizeof(float));
    rows.assign(narrow.begin(), narrow.end());
  }
  if (wire::all_surely_usable(rows.data(), rows.size())) return {};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::abs(rows[i]) <= wire::kMaxMagnitude) continue;
    const std::size_t column = i % columns;
    const bool missing = std::isnan(rows[i]);
    if (missing && column < features && model.takes_missing(column)) continue;
    const std::string& name = column < features ? spec.features[column] : spec.key;
    return "row " + std::to_string(i / columns) + ": " + name +
           (missing ? " is missing" : " is not a number within 1e150");
  }
  return {};
}

}  // namespace

QueryService::QueryService(zmq::socket_t socket, DaemonFacts facts, std::filesystem::path store_file,
                           const SnapshotBoard& board, const Health& health, ingest::ClientMemory& memory,
                           const ingest::Gauges& gauges)
    : clients_(std::move(socket)),
      facts_(std::move(facts)),
      board_(board),
      health_(health),
      memory_(memory),
      gauges_(gauges),
      history_(std::move(store_file)) {}

void QueryService::run() {
  ingest::SessionId client;
  zmq::message_t message;
  try {
    for (;;) {
      ingest::await_from(clients_, client, message, memory_);
      if (message.size() > kLargeQuestionBytes && memory_.crowded()) continue;  // whoever reads answers asks again
      answer(client, ingest::view(message));
    }
  } catch (const zmq::error_t& error) {
    if (error.num() != ETERM) throw;
  }
}

void QueryService::answer(const ingest::SessionId& client, wire::BytesView message) {
  const wire::DecodeError error = frame_.parse(message);
  wire::Bytes reply = refusal(0, ErrorCode::kMalformed, "", std::string("a query is ") + to_string(error));
  if (error == wire::DecodeError::kNone) {
    reply = refusal(0, ErrorCode::kUnknownType, "",
                    "the query socket knows no well-formed message of type " + std::to_string(frame_.type()));
    if (wire::Predict query; frame_.type() == query.kType && frame_.read(query) == wire::DecodeError::kNone) {
      reply = predict(query);
    } else if (wire::GetCoef query; frame_.type() == query.kType && frame_.read(query) == wire::DecodeError::kNone) {
      reply = coef(query);
    } else if (wire::GetMetrics query; frame_.type() == query.kType && frame_.read(query) == wire::DecodeError::kNone) {
      reply = metrics(query);
    } else if (wire::GetModels query; frame_.type() == query.kType && frame_.read(query) == wire::DecodeError::kNone) {
      reply = models(query);
    } else if (wire::GetStatus query; frame_.type() == query.kType && frame_.read(query) == wire::DecodeError::kNone) {
      reply = status(query);
    } else if (wire::GetEpochs query; frame_.type() == query.kType && frame_.read(query) == wire::DecodeError::kNone) {
      reply = epochs(query);
    }
  }
  (void)ingest::send_to_client(clients_, memory_, client, std::move(reply));
}

QueryService::Subject QueryService::subject(std::uint64_t request, const std::string& stream,
                                            std::optional<std::uint64_t> epoch, const std::string& model) {
  const auto refuse = [](wire::Bytes refused) { return Subject{nullptr, nullptr, std::move(refused)}; };
  auto snapshot = board_.find(stream);
  if (!snapshot) return refuse(unknown_stream(request, stream));
  try {
    if (epoch && *epoch != snapshot->epoch) snapshot = history_.snapshot(stream, *epoch);
  } catch (const std::runtime_error& error) {
    return refuse(not_read(request, stream, error));
  }
  const models::Model* found = snapshot->model(model);
  if (!found) return refuse(unknown_model(request, *snapshot, model));
  // Not the learner's: it may have begun anew since, after a drift.
  if (!found->metrics().any()) return refuse(no_model_yet(request, stream, model));
  return {std::move(snapshot), found, {}};
}

wire::Bytes QueryService::predict(wire::Predict query) {
  const auto [snapshot, model, refused] = subject(query.request, query.stream, query.epoch, query.model);
  if (!snapshot) return refused;
  const auto refuse = [&query](const std::string& why) {
    return refusal(query.request, ErrorCode::kBadRows, query.stream, why);
  };
  if (query.interval && !(*query.interval > 0 && *query.interval < 1)) {
    return refuse("an interval's level is above 0 and below 1");
  }
  try {
    const std::string problem =
        snapshot->spec.sparse() ? predict_sparse(query, *snapshot, *model) : predict_dense(query, *snapshot, *model);
    if (!problem.empty()) return refuse(problem);
  } catch (const std::runtime_error& error) {
    return not_read(query.request, query.stream, error);
  }
  wire::Prediction reply{.request = query.request,
                         .epoch = snapshot->epoch,
                         .rows = model->learner().rows(),
                         .values = std::as_bytes(std::span<const double>(values_)),
                         .model = query.model};
  if (!query.interval) return wire::encode(reply);
  const auto margins = std::as_bytes(std::span<const double>(margins_));
  reply.margins.assign(margins.begin(), margins.end());
  reply.conformal_margin = model->metrics().conformal().half_width(*query.interval);
  return wire::encode(reply);
}

// Fills values_ and, where intervals are asked for, margins_. Returns what is wrong with the rows, if anything is;
// throws std::runtime_error where the store is needed and cannot be read. Likewise predict_sparse.
std::string QueryService::predict_dense(wire::Predict& query, const Snapshot& snapshot, const models::Model& model) {
  const wire::StreamSpec& spec = snapshot.spec;
  const bool with_key = has_key_behind(spec, model);
  std::size_t columns = spec.features.size() + (with_key ? 1 : 0);
  if (query.count == 0) {
    query.count = static_cast<std::uint32_t>(query.rows.bin.size() / (columns * size_of(query.dtype)));
  }
  if (std::string problem = read_rows(query, spec, model, rows_); !problem.empty()) {
    if (with_key) {
      problem += "; model '" + model.spec().name + "' groups by key, so behind the features stands '" + spec.key + "'";
    }
    return problem;
  }
  if (model.learner().needs_key() && !with_key) columns = append_key(spec);  // it is a feature
  values_.resize(query.count);
  predict_rows(snapshot, model, columns);
  if (!query.interval) return {};
  margins_.resize(query.count);
  const double deviations = models::normal_half_width(*query.interval);
  snapshot.predictor(model).variance_rows(rows_.data(), columns, margins_);
  for (double& margin : margins_) margin = deviations * std::sqrt(margin);
  return {};
}

std::string QueryService::predict_sparse(const wire::Predict& query, const Snapshot& snapshot,
                                         const models::Model& model) {
  wire::SparseParts rows{};
  std::string problem = read_sparse_rows(query, snapshot.spec.dimension, rows_, rows);
  if (!problem.empty()) return problem;
  const models::Predictor& predictor = snapshot.predictor(model);
  values_.resize(query.count);
  for (std::size_t i = 0; i < query.count; ++i) {
    values_[i] = predictor.predict_sparse(rows.row_columns(i), rows.row_values(i).data());
  }
  margins_.assign(query.count, std::numeric_limits<double>::quiet_NaN());  // no learner of sparse rows knows a variance
  return {};
}

void QueryService::predict_rows(const Snapshot& snapshot, const models::Model& model, std::size_t columns) {
  const models::Predictor& predictor = snapshot.predictor(model);
  const std::optional<models::KeyFigures> keys = model.learner().keys();
  if (!keys || keys->evicted == 0) return predictor.predict_rows(rows_.data(), columns, values_);
  OlderParts older(history_.store_file(), snapshot, model);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const double* row = rows_.data() + i * columns;
    const models::Factor* known = older.find(row[columns - 1]);
    values_[i] = known ? predictor.predict_with(row, *known) : predictor.predict(row);
  }
}

// Lets the key, which is a feature, stand behind the features of each row too. Returns the columns of a row.
std::size_t QueryService::append_key(const wire::StreamSpec& spec) {
  const std::size_t features = spec.features.size();
  const std::size_t key = spec.column(spec.key);
  std::vector<double> keyed;
  keyed.reserve(rows_.size() + rows_.size() / features);
  for (auto row = rows_.begin(); row != rows_.end(); row += static_cast<std::ptrdiff_t>(features)) {
    keyed.insert(keyed.end(), row, row + static_cast<std::ptrdiff_t>(features));
    keyed.push_back(row[static_cast<std::ptrdiff_t>(key)]);
  }
  rows_ = std::move(keyed);
  return features + 1;
}

wire::Bytes QueryService::coef(const wire::GetCoef& query) {
  const auto [snapshot, model, refused] = subject(query.request, query.stream, query.epoch, query.model);
  if (!snapshot) return refused;
  wire::Coef reply = coef_of(*snapshot, *model);
  reply.request = query.request;
  return wire::encode(reply);
}

wire::Bytes QueryService::metrics(const wire::GetMetrics& query) const {
  const auto snapshot = board_.find(query.stream);
  if (!snapshot) return unknown_stream(query.request, query.stream);
  const models::Model* model = snapshot->model(query.model);
  if (!model) return unknown_model(query.request, *snapshot, query.model);
  wire::Metrics reply = metrics_of(*snapshot, *model);
  reply.request = query.request;
  return wire::encode(reply);
}

wire::Bytes QueryService::models(const wire::GetModels& query) const {
  const auto snapshot = board_.find(query.stream);
  if (!snapshot) return unknown_stream(query.request, query.stream);
  wire::Models reply = models_of(*snapshot);
  reply.request = query.request;
  return wire::encode(reply);
}

wire::Bytes QueryService::status(const wire::GetStatus& query) const {
  wire::Status reply;
  reply.request = query.request;
  reply.version = facts_.version;
  reply.pid = static_cast<std::uint64_t>(::getpid());
  reply.uptime_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - facts_.started).count();
  reply.data_dir = facts_.data_dir;
  reply.workers = gauges_.workers;
  reply.producers = gauges_.producers;
  reply.outstanding_bytes = gauges_.outstanding_bytes;
  reply.memory_bytes = gauges_.outstanding_bytes + gauges_.unread_bytes + gauges_.unsent_bytes;
  reply.memory_limit_bytes = facts_.memory_limit_bytes;
  reply.degraded = health_.degraded();
  for (const auto& snapshot : board_.all()) reply.streams.push_back(status_of(*snapshot));
  return wire::encode(reply);
}

wire::Bytes QueryService::epochs(const wire::GetEpochs& query) const {
  if (!board_.find(query.stream)) return unknown_stream(query.request, query.stream);
  try {
    const History::Epochs found = history_.epochs(query.stream, wire::kMaxEpochsListed);
    wire::Epochs reply{query.request, found.kept, {}};
    for (const KeptEpoch& epoch : found.newest) {
      const std::int64_t since_1970 = std::max<std::int64_t>(epoch.committed_unix_ms, 0);
      reply.epochs.push_back(
          {epoch.epoch, epoch.rows, static_cast<std::uint64_t>(since_1970), epoch.mse, epoch.mse_clipped});
    }
    return wire::encode(reply);
  } catch (const std::runtime_error& error) {
    return refusal(query.request, ErrorCode::kStoreFailed, query.stream, error.what());
  }
}

}  // namespace accrue::daemon
