// What an operator asks of a stream, and what becomes of it: to drop it, to roll it back, to change its models.
#include <algorithm>
#include <utility>

#include "ingest/intake.hpp"

namespace accrue::ingest {

using wire::ErrorCode;

namespace {

constexpr std::size_t kMaxRollbacks = 16;  // of one stream that wait

}  // namespace

void Intake::on_drop(const SessionId& id, const wire::Drop& drop) {
  Stream* stream = streams_.find(drop.stream);
  if (!stream) return refuse_unknown(id, drop.stream);
  const auto tell = [&](const SessionId& other, std::uint64_t request = 0) {
    refuse(other, ErrorCode::kUnknownStream, drop.stream, "stream '" + drop.stream + "' has been dropped", request);
  };
  std::vector<SessionId> bereft = std::move(stream->opening);
  for (const auto& [name, producer] : stream->producers) bereft.push_back(producer->session);
  for (const SessionId& other : bereft) {
    if (!other.empty() && other != id) tell(other);
  }
  if (const auto rollbacks = rollbacks_.extract(stream->id)) {
    for (const Rollback& rollback : rollbacks.mapped()) tell(rollback.session, rollback.request);
  }
  for (const ModelRequest& change : stream->models.take_waiting()) tell(change.session, change.request);
  streams_.drop(*stream);
  drops_[drop.stream].insert(id);
}

void Intake::on_dropped(const StreamDropped& dropped) {
  const auto pending = drops_.extract(dropped.name);
  if (pending.empty()) return;  // one stream of the name after another was dropped: the first answer served all
  for (const SessionId& id : pending.mapped()) {
    if (dropped.error.empty()) {
      say(id, wire::Dropped{dropped.name});
    } else {
      refuse(id, ErrorCode::kStoreFailed, dropped.name, dropped.error);
    }
  }
}

void Intake::on_rollback(const SessionId& id, const wire::Rollback& rollback) {
  Stream* stream = streams_.find(rollback.stream);
  if (!stream) return refuse_unknown(id, rollback.stream, rollback.request);
  std::deque<Rollback>& waiting = rollbacks_[stream->id];
  if (waiting.size() >= kMaxRollbacks) {
    refuse(id, ErrorCode::kTooMany, rollback.stream,
           std::to_string(kMaxRollbacks) + " rollbacks of stream '" + rollback.stream + "' are waiting",
           rollback.request);
    return;
  }
  waiting.push_back({id, rollback.request, rollback.epoch});
  begin_next_rollback(*stream);
}

// One at a time, and when the stream is not being rewound already: each ends with one RecoveredStream.
void Intake::begin_next_rollback(Stream& stream) {
  const auto waiting = rollbacks_.find(stream.id);
  if (waiting == rollbacks_.end() || stream.phase == Stream::Phase::kRewinding) return;
  Rollback& next = waiting->second.front();
  if (!std::exchange(next.asked, true)) streams_.roll_back(stream, next.epoch);
}

void Intake::on_recovered(RecoveredStream recovered) {
  const std::uint64_t id = recovered.id;
  if (!streams_.find(id)) return;  // dropped meanwhile
  streams_.add(std::move(recovered));
  begin_next_rollback(*streams_.find(id));
}

void Intake::on_rolled_back(const StreamRolledBack& rolled_back) {
  const auto waiting = rollbacks_.find(rolled_back.stream_id);
  if (waiting == rollbacks_.end()) return;  // dropped meanwhile
  Stream& stream = *streams_.find(rolled_back.stream_id);
  const Rollback done = std::move(waiting->second.front());
  waiting->second.pop_front();
  if (waiting->second.empty()) rollbacks_.erase(waiting);
  if (rolled_back.error.empty()) {
    say(done.session, wire::RolledBack{done.request, stream.name, rolled_back.epoch});
  } else {
    refuse(done.session, rolled_back.code, stream.name, rolled_back.error, done.request);
  }
  begin_next_rollback(stream);
}

// A feature that may be missing in rows of the stream, and that models of the other specification do not take so.
std::string Intake::lacks_missing(const Stream& stream, const wire::StreamSpec& models) const {
  if (!stream.gate.takes_missing()) return {};
  const Gate gate(models, options_.streams.features_that_may_be_missing(models));
  for (std::size_t i = 0; i < stream.spec.features.size(); ++i) {
    if (stream.gate.may_be_missing(i) && !gate.may_be_missing(i)) return stream.spec.features[i];
  }
  return {};
}

void Intake::on_add_model(const SessionId& id, const wire::AddModel& add) {
  const Stream* stream = streams_.find(add.stream);
  if (!stream) return refuse_unknown(id, add.stream, add.request);
  wire::StreamSpec alone = stream->spec;
  alone.intercept = true;
  alone.ridge = 0;
  alone.models = {add.model};
  if (const std::string problem = problem_with(alone); !problem.empty()) {
    return refuse(id, ErrorCode::kBadSpec, add.stream, "stream '" + add.stream + "' cannot have this model: " + problem,
                  add.request);
  }
  if (const std::string feature = lacks_missing(*stream, alone); !feature.empty()) {
    return refuse(id, ErrorCode::kBadSpec, add.stream,
                  "stream '" + add.stream + "' cannot have this model: its rows may lack '" + feature +
                      "', which the model's transforms have to take: begin them with impute(mean)",
                  add.request);
  }
  on_change(id, add.stream, add.request, {ModelChange::Kind::kAdd, add.model});
}

void Intake::on_change(const SessionId& id, const std::string& stream_name, std::uint64_t request, ModelChange change) {
  Stream* stream = streams_.find(stream_name);
  if (!stream) return refuse_unknown(id, stream_name, request);
  if (stopping_) return;  // the next daemon is asked
  if (stream->models.full()) {
    return refuse(id, ErrorCode::kTooMany, stream_name,
                  std::to_string(ModelRoster::kMaxWaiting) + " changes of the models of stream '" + stream_name +
                      "' are waiting to be durable",
                  request);
  }
  streams_.change_models(*stream, {id, request, std::move(change)});
}

}  // namespace accrue::ingest
