#include "daemon/query_service.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "daemon/answers.hpp"
#include "daemon/dense_query.hpp"
#include "daemon/older_parts.hpp"
#include "daemon/sparse_query.hpp"
#include "ingest/link.hpp"
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

std::uint64_t since_1970(std::int64_t unix_ms) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(unix_ms, 0));
}

}  // namespace

QueryService::QueryService(zmq::socket_t socket, DaemonFacts facts, std::filesystem::path store_file,
                           const SnapshotBoard& board, const Health& health, ingest::ClientMemory& memory,
                           const ingest::Gauges& gauges, Latencies& latencies)
    : clients_(std::move(socket)),
      facts_(std::move(facts)),
      board_(board),
      health_(health),
      memory_(memory),
      gauges_(gauges),
      latencies_(latencies),
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
  wire::Bytes reply;
  if (error != wire::DecodeError::kNone) {
    reply = refusal(0, ErrorCode::kMalformed, "", std::string("a query is ") + to_string(error));
  } else if (!(replies<wire::Predict>(reply) || replies<wire::GetCoef>(reply) || replies<wire::GetMetrics>(reply) ||
               replies<wire::GetModels>(reply) || replies<wire::GetStatus>(reply) || replies<wire::GetEpochs>(reply) ||
               replies<wire::GetHistory>(reply))) {
    reply = refusal(0, ErrorCode::kUnknownType, "",
                    "the query socket knows no well-formed message of type " + std::to_string(frame_.type()));
  }
  (void)ingest::send_to_client(clients_, memory_, client, std::move(reply));
}

template <class Query>
bool QueryService::replies(wire::Bytes& reply) {
  Query query;
  if (frame_.type() != Query::kType || frame_.read(query) != wire::DecodeError::kNone) return false;
  reply = reply_to(query);
  return true;
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

wire::Bytes QueryService::reply_to(wire::Predict& query) {
  const auto begin = Latencies::Clock::now();
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
  if (query.interval) {
    const auto margins = std::as_bytes(std::span<const double>(margins_));
    reply.margins.assign(margins.begin(), margins.end());
    reply.conformal_margin = model->metrics().conformal().half_width(*query.interval);
  }
  wire::Bytes answer = wire::encode(reply);
  latencies_.predicted(query.stream, model->spec().name, Latencies::Clock::now() - begin);
  return answer;
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
  std::span<const double> rows;
  if (std::string problem = read_dense_rows(query, spec, model, copied_, rows); !problem.empty()) {
    if (with_key) {
      problem += "; model '" + model.spec().name + "' groups by key, so behind the features stands '" + spec.key + "'";
    }
    return problem;
  }
  if (model.learner().needs_key() && !with_key) {  // it is a feature
    rows = with_key_behind(rows, spec);
    ++columns;
  }
  values_.resize(query.count);
  predict_rows(snapshot, model, rows.data(), columns);
  if (!query.interval) return {};
  margins_.resize(query.count);
  const double deviations = models::normal_half_width(*query.interval);
  snapshot.predictor(model).variance_rows(rows.data(), columns, margins_);
  for (double& margin : margins_) margin = deviations * std::sqrt(margin);
  return {};
}

std::string QueryService::predict_sparse(const wire::Predict& query, const Snapshot& snapshot,
                                         const models::Model& model) {
  wire::SparseParts rows{};
  std::string problem = read_sparse_rows(query, snapshot.spec.dimension, copied_, rows);
  if (!problem.empty()) return problem;
  const models::Predictor& predictor = snapshot.predictor(model);
  values_.resize(query.count);
  for (std::size_t i = 0; i < query.count; ++i) {
    values_[i] = predictor.predict_sparse(rows.row_columns(i), rows.row_values(i).data());
  }
  margins_.assign(query.count, std::numeric_limits<double>::quiet_NaN());  // no learner of sparse rows knows a variance
  return {};
}

void QueryService::predict_rows(const Snapshot& snapshot, const models::Model& model, const double* rows,
                                std::size_t columns) {
  const models::Predictor& predictor = snapshot.predictor(model);
  const std::optional<models::KeyFigures> keys = model.learner().keys();
  if (!keys || keys->evicted == 0) return predictor.predict_rows(rows, columns, values_);
  OlderParts older(history_.store_file(), snapshot, model);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const double* row = rows + i * columns;
    const models::Factor* known = older.find(row[columns - 1]);
    values_[i] = known ? predictor.predict_with(row, *known) : predictor.predict(row);
  }
}

// Rows whose key is a feature, with the key behind the features of each too, in copied_.
std::span<const double> QueryService::with_key_behind(std::span<const double> rows, const wire::StreamSpec& spec) {
  const auto features = static_cast<std::ptrdiff_t>(spec.features.size());
  const auto key = static_cast<std::ptrdiff_t>(spec.column(spec.key));
  std::vector<double> keyed;
  keyed.reserve(rows.size() + rows.size() / spec.features.size());
  for (auto row = rows.begin(); row != rows.end(); row += features) {
    keyed.insert(keyed.end(), row, row + features);
    keyed.push_back(row[key]);
  }
  copied_ = std::move(keyed);  // which may hold the rows until now
  return copied_;
}

wire::Bytes QueryService::reply_to(const wire::GetCoef& query) {
  const auto [snapshot, model, refused] = subject(query.request, query.stream, query.epoch, query.model);
  if (!snapshot) return refused;
  wire::Coef reply = coef_of(*snapshot, *model);
  reply.request = query.request;
  return wire::encode(reply);
}

wire::Bytes QueryService::reply_to(const wire::GetMetrics& query) const {
  const auto snapshot = board_.find(query.stream);
  if (!snapshot) return unknown_stream(query.request, query.stream);
  const models::Model* model = snapshot->model(query.model);
  if (!model) return unknown_model(query.request, *snapshot, query.model);
  wire::Metrics reply = metrics_of(*snapshot, *model);
  reply.request = query.request;
  return wire::encode(reply);
}

wire::Bytes QueryService::reply_to(const wire::GetModels& query) const {
  const auto snapshot = board_.find(query.stream);
  if (!snapshot) return unknown_stream(query.request, query.stream);
  wire::Models reply = models_of(*snapshot);
  reply.request = query.request;
  return wire::encode(reply);
}

wire::Bytes QueryService::reply_to(const wire::GetStatus& query) const {
  wire::Status reply;
  reply.request = query.request;
  reply.version = facts_.version;
  reply.pid = static_cast<std::uint64_t>(::getpid());
  reply.uptime_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - facts_.started).count();
  reply.data_dir = facts_.data_dir;
  reply.workers = gauges_.workers;
  reply.producers = gauges_.producers;
  reply.outstanding_bytes = gauges_.outstanding_bytes;
  reply.memory_bytes = gauges_.memory_bytes();
  reply.memory_limit_bytes = facts_.memory_limit_bytes;
  reply.degraded = health_.degraded();
  for (const auto& snapshot : board_.all()) reply.streams.push_back(status_of(*snapshot));
  return wire::encode(reply);
}

wire::Bytes QueryService::reply_to(const wire::GetEpochs& query) const {
  if (!board_.find(query.stream)) return unknown_stream(query.request, query.stream);
  try {
    const History::Epochs found = history_.epochs(query.stream, wire::kMaxEpochsListed);
    wire::Epochs reply{query.request, found.kept, {}};
    for (const KeptEpoch& epoch : found.newest) {
      reply.epochs.push_back(
          {epoch.epoch, epoch.rows, since_1970(epoch.committed_unix_ms), epoch.mse, epoch.mse_clipped});
    }
    return wire::encode(reply);
  } catch (const std::runtime_error& error) {
    return refusal(query.request, ErrorCode::kStoreFailed, query.stream, error.what());
  }
}

// Of a model that was dropped there may be a history still.
wire::Bytes QueryService::reply_to(const wire::GetHistory& query) const {
  const auto snapshot = board_.find(query.stream);
  if (!snapshot) return unknown_stream(query.request, query.stream);
  const models::Model* model = snapshot->model(query.model);
  wire::History reply{query.request, model ? model->spec().name : query.model, {}};
  try {
    reply.points = history_.figures(query.stream, reply.model, query.span, query.from_epoch, wire::kMaxEpochsListed);
    if (!model && reply.points.empty()) return unknown_model(query.request, *snapshot, query.model);
    return wire::encode(reply);
  } catch (const std::runtime_error& error) {
    return refusal(query.request, ErrorCode::kStoreFailed, query.stream, error.what());
  }
}

}  // namespace accrue::daemon
