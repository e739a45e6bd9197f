#include "ingest/stream_table.hpp"

#include <algorithm>

#include "ingest/wire/assert.hpp"

namespace accrue::ingest {

StreamTable::StreamTable(StreamTableOptions options, Outbox& outbox, Gauges& gauges, Credit& credit, OnOpen on_open)
    : options_(std::move(options)),
      outbox_(outbox),
      gauges_(gauges),
      credit_(credit),
      on_open_(std::move(on_open)),
      workers_(outbox) {}

Stream* StreamTable::find(std::uint64_t stream_id) {
  const auto found = streams_.find(stream_id);
  return found == streams_.end() ? nullptr : found->second.get();
}

Stream* StreamTable::find(const std::string& name) {
  const auto found = ids_.find(name);
  return found == ids_.end() ? nullptr : streams_.at(found->second).get();
}

// ---- a stream's life ----

void StreamTable::add(RecoveredStream recovered, std::vector<SessionId> opening) {
  std::vector<bool> may_be_missing = options_.features_that_may_be_missing(recovered.spec);
  auto stream = std::make_unique<Stream>(std::move(recovered), std::move(may_be_missing));
  stream->opening = std::move(opening);
  if (Stream* before = find(stream->id)) {
    if (before->epoch_in_flight()) --in_flight_;
    credit_.give_back(before->held_bytes());
    stream->take_over(*before);
    for (const auto& [name, producer] : stream->producers) {
      if (producer->rewound) ask_to_reopen(*stream, *producer);
    }
  } else {
    workers_.place(*stream);
    gauges_.streams.add(stream->id, stream->gauges);
  }
  Stream& added = *stream;
  ids_[added.name] = added.id;
  streams_[added.id] = std::move(stream);
  open_if_possible(added);
}

void StreamTable::open_if_possible(Stream& stream) {
  if (stream.phase != Stream::Phase::kWaiting || !crew_complete_ || workers_.count() == 0) return;
  workers_.open(stream, std::exchange(stream.states, {}));
  stream.phase = Stream::Phase::kLearning;
  apply_changes(stream);
  for (const SessionId& session : std::exchange(stream.opening, {})) on_open_(session, stream);
}

void StreamTable::open_what_waits() {
  for (const auto& [id, stream] : streams_) open_if_possible(*stream);
}

// The stream's partitions are not where they were: it goes on from its newest epoch.
void StreamTable::rewind(Stream& stream) {
  if (stream.phase == Stream::Phase::kLearning) go_back(stream, wire::encode(Rewind{stream.id}));
}

void StreamTable::roll_back(Stream& stream, std::uint64_t epoch) {
  ACCRUE_ASSERT(stream.phase != Stream::Phase::kRewinding);
  go_back(stream, wire::encode(RollBackStream{stream.id, epoch, stream.take_epoch_number()}));
}

void StreamTable::go_back(Stream& stream, const wire::Bytes& asked_of_committer) {
  stream.phase = Stream::Phase::kRewinding;
  ++stream.generation;
  std::erase(dirty_, stream.id);
  workers_.close(stream);
  outbox_.to_committer(asked_of_committer);
}

void StreamTable::drop(Stream& stream) {
  credit_.give_back(stream.held_bytes());
  workers_.close(stream);
  workers_.forget(stream);
  gauges_.streams.remove(stream.id);
  outbox_.to_committer(wire::encode(DropStream{stream.id, stream.name}));
  std::erase(dirty_, stream.id);
  if (stream.epoch_in_flight()) --in_flight_;
  ids_.erase(stream.name);
  streams_.erase(stream.id);
}

// ---- changes of models ----

void StreamTable::change_models(Stream& stream, ModelRequest request) {
  stream.models.ask(std::move(request));
  if (stream.phase == Stream::Phase::kLearning) apply_changes(stream);
}

void StreamTable::apply_changes(Stream& stream) {
  while (const ModelRequest* next = stream.models.next()) {
    const bool repeated = stream.models.repeated(next->change);
    const auto problem = repeated ? std::nullopt : stream.models.problem_with(next->change, stream.name);
    if (problem) {
      const wire::Error error{next->request, problem->code, stream.name, problem->text};
      outbox_.to_client(next->session, wire::encode(error));
      stream.models.refuse_next();
      continue;
    }
    if (!repeated) workers_.change_models(stream, next->change);
    stream.models.apply_next();
    if (!stream.dirty()) dirty_.push_back(stream.id);
    stream.hurry_models();
  }
}

// ---- batches, epochs and acknowledgements ----

void StreamTable::deliver(Stream& stream, const std::shared_ptr<StreamProducer>& producer, std::size_t bytes,
                          ScreenedBatch batch, TimePoint now) {
  const std::size_t rows = batch.count;
  const std::size_t held_before = producer->log.held_bytes();
  workers_.deliver(stream, producer, bytes, std::move(batch));
  const std::size_t held = producer->log.held_bytes() - held_before;
  credit_.take(held);
  StreamGauges::add(stream.gauges->rows, rows);
  StreamGauges::add(stream.gauges->queued_rows, rows);
  StreamGauges::add(stream.gauges->queued_bytes, held);
  StreamGauges::add(stream.gauges->outstanding_bytes, bytes);
  if (rows == 0) ack_later(stream, producer);
  if (!stream.dirty()) dirty_.push_back(stream.id);
  stream.changed(now, rows);
  // So that it can go on sending while they become durable.
  if (producer->log.outstanding_bytes() > credit_.window_bytes() / 2) stream.hurry();
}

void StreamTable::ack_later(const Stream& stream, const std::shared_ptr<StreamProducer>& producer) {
  if (std::exchange(producer->ack_due, true)) return;
  acks_due_.emplace_back(stream.id, producer);
}

void StreamTable::acknowledge(std::uint64_t stream_id, const StreamProducer& producer) {
  if (producer.session.empty()) return;
  const wire::Ack ack{stream_id, producer.log.applied(), producer.log.durable(), credit_.window_bytes()};
  outbox_.to_client(producer.session, wire::encode(ack));
}

void StreamTable::ask_to_reopen(const Stream& stream, const StreamProducer& producer) {
  wire::Error error{
      0, wire::ErrorCode::kSequenceGap, stream.name,
      "stream '" + stream.name + "' went back to its last epoch: open it again, and send again what is not in it"};
  if (producer.rolled_back_to != 0) {
    error.code = wire::ErrorCode::kRolledBack;
    error.text = "stream '" + stream.name + "' was rolled back to epoch " + std::to_string(producer.rolled_back_to) +
                 " by an operator: batches after " + std::to_string(producer.log.durable()) +
                 " are not in it; open it again to go on from there";
  }
  outbox_.to_client(producer.session, wire::encode(error));
}

void StreamTable::cut(Stream& stream, TimePoint now) {
  const EpochCut cut = stream.cut(now);
  ++in_flight_;
  outbox_.to_committer(wire::encode(cut));
  workers_.cut(stream, cut.epoch);
}

void StreamTable::on_durable(const EpochDurable& durable, TimePoint now) {
  Stream* stream = find(durable.stream_id);
  if (!stream) return;  // dropped meanwhile
  --in_flight_;
  credit_.give_back(stream->made_durable(durable.epoch));
  options_.on_durable(stream->name, stream->durations(now));
  for (const ModelRequest& done : stream->models.made_durable()) {
    outbox_.to_client(done.session, wire::encode(wire::ModelsChanged{done.request, stream->name, durable.epoch}));
  }
  for (const auto& [name, producer] : stream->producers) {
    if (!producer->session.empty()) ack_later(*stream, producer);
  }
}

TimePoint StreamTable::settle(TimePoint now) {
  TimePoint next = TimePoint::max();
  std::vector<std::uint64_t> still_dirty;
  for (const std::uint64_t id : dirty_) {
    Stream& stream = *streams_.at(id);
    if (stream.due(now, options_.epoch_interval, options_.epoch_rows)) {
      cut(stream, now);
      continue;
    }
    still_dirty.push_back(id);
    if (!stream.epoch_in_flight()) next = std::min(next, stream.deadline(options_.epoch_interval));
  }
  dirty_ = std::move(still_dirty);
  for (const auto& [stream_id, producer] : std::exchange(acks_due_, {})) {
    producer->ack_due = false;
    acknowledge(stream_id, *producer);
  }
  return next;
}

void StreamTable::hurry() {
  for (const std::uint64_t id : dirty_) streams_.at(id)->hurry();
}

// ---- workers ----

void StreamTable::on_worker(const WorkerId& id, wire::BytesView message, TimePoint now) {
  const auto read = [&](auto& into) { return frame_.read(into) == wire::DecodeError::kNone; };
  if (frame_.parse(message) != wire::DecodeError::kNone) return dismiss(id, "it sent what cannot be decoded");
  if (Join join; frame_.type() == Join::kType && read(join)) return on_join(id, join, now);
  if (!workers_.has(id)) return outbox_.to_worker(id, wire::encode(Stranger{}));
  workers_.heard(id, now);
  if (frame_.type() == Alive::kType) return;
  if (frame_.type() == Leave::kType) return lose_worker(id, "it left");
  if (PartitionState state; frame_.type() == PartitionState::kType && read(state)) {
    if (learning(state.stream_id, state.generation)) outbox_.to_committer(message);
    return;
  }
  if (Share share; frame_.type() == Share::kType && read(share)) {
    const Stream* stream = learning(share.stream_id, share.generation);
    if (stream) workers_.pass_on(*stream, id, message);
    return;
  }
  if (Applied applied; frame_.type() == Applied::kType && read(applied)) {
    const auto on_applied = [&](std::uint64_t stream_id, const std::shared_ptr<StreamProducer>& producer) {
      if (const Stream* stream = find(stream_id)) ack_later(*stream, producer);
    };
    if (workers_.applied(id, applied.ordinal, on_applied)) return;
  }
  dismiss(id, "it sent what no worker sends");
}

void StreamTable::on_join(const WorkerId& id, const Join& join, TimePoint now) {
  if (join.version != options_.version) {
    return dismiss(id, "it is of version '" + join.version + "', this daemon of '" + options_.version + "'");
  }
  if (workers_.has(id)) return;  // it has only said it twice
  const auto moved = workers_.join(id, join.name, now);
  gauges_.workers = static_cast<std::uint32_t>(workers_.count());
  outbox_.worker_joined(join.name);
  for (const std::uint64_t stream_id : moved) rewind(*streams_.at(stream_id));
  if (!first_joined_) first_joined_ = now;
  if (workers_.count() >= options_.workers) crew_complete_ = true;
  open_what_waits();
}

void StreamTable::on_worker_lost(const WorkerId& id) {
  if (workers_.has(id)) lose_worker(id, "its connection is gone");
}

void StreamTable::on_worker_gone(const WorkerGone& gone) {
  if (const auto id = workers_.find(gone.name)) lose_worker(*id, "its process ended");
}

void StreamTable::look_for_silent_workers(TimePoint now) {
  for (const WorkerId& id : workers_.silent(now, options_.worker_silence)) lose_worker(id, "it fell silent");
  if (crew_complete_ || !first_joined_ || now < *first_joined_ + options_.worker_patience) return;
  crew_complete_ = true;
  open_what_waits();
}

void StreamTable::dismiss(const WorkerId& id, const std::string& why) {
  outbox_.to_worker(id, wire::encode(Dismiss{why}));
  if (workers_.has(id)) lose_worker(id, why);
}

void StreamTable::lose_worker(const WorkerId& id, const std::string& why) {
  outbox_.worker_lost(workers_.name_of(id), why);
  for (const std::uint64_t stream_id : workers_.leave(id)) rewind(*streams_.at(stream_id));
  gauges_.workers = static_cast<std::uint32_t>(workers_.count());
}

// What is said of an earlier generation is void: the stream was rewound since.
const Stream* StreamTable::learning(std::uint64_t stream_id, std::uint64_t generation) {
  const Stream* stream = find(stream_id);
  const bool current = stream && stream->phase == Stream::Phase::kLearning && stream->generation == generation;
  return current ? stream : nullptr;
}

}  // namespace accrue::ingest
