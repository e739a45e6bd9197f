#include "daemon/committer.hpp"

#include <algorithm>
#include <utility>

#include "daemon/epoch_figures.hpp"
#include "daemon/evicted_keys.hpp"
#include "daemon/history.hpp"
#include "daemon/log.hpp"
#include "daemon/recovery.hpp"
#include "daemon/spec_json.hpp"
#include "daemon/stored_models.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::daemon {
namespace {

EpochRecord record_of(const ingest::EpochCut& cut, std::map<std::uint32_t, wire::Bytes>&& states) {
  EpochRecord record;
  record.stream = cut.stream_id;
  record.epoch = cut.epoch;
  record.rows = cut.rows;
  for (auto& [partition, state] : states) record.states.push_back({partition, std::move(state)});
  for (const auto& [producer, sequence] : cut.producers) record.producers.push_back({producer, sequence});
  record.departed = cut.departed;
  for (const auto& [reason, rows] : cut.rejected) record.rejections.push_back({to_string(reason), rows});
  return record;
}

}  // namespace

Committer::Committer(std::unique_ptr<Store> store, CommitterOptions options, const Publication& told,
                     ingest::Say to_receiver)
    : options_(std::move(options)),
      board_(told.board),
      health_(told.health),
      events_(told.events),
      latencies_(told.latencies),
      to_receiver_(std::move(to_receiver)),
      store_(std::move(store)) {}

void Committer::know(std::uint64_t stream_id, const std::string& name, const wire::StreamSpec& spec) {
  streams_[stream_id] = {name, spec};
  latencies_.add(name);
}

void Committer::on_message(wire::BytesView message) {
  ACCRUE_ASSERT(frame_.parse(message, wire::Sender::kTrusted) == wire::DecodeError::kNone);
  switch (frame_.type()) {
    case ingest::EpochCut::kType: {
      auto cut = ingest::read<ingest::EpochCut>(frame_);
      const std::uint64_t stream_id = cut.stream_id;
      gathering_.insert_or_assign(stream_id, Gathering{std::move(cut), {}, {}});
      break;
    }
    case ingest::PartitionState::kType: return gather(ingest::read<ingest::PartitionState>(frame_));
    case ingest::CreateStream::kType: return create(ingest::read<ingest::CreateStream>(frame_));
    case ingest::DropStream::kType: return drop(ingest::read<ingest::DropStream>(frame_));
    case ingest::Rewind::kType: return rewind(ingest::read<ingest::Rewind>(frame_).stream_id);
    case ingest::RollBackStream::kType: return roll_back(ingest::read<ingest::RollBackStream>(frame_));
    default: ACCRUE_ASSERT(frame_.type() == ingest::Stop::kType); stopped_ = true;
  }
}

void Committer::rewind(std::uint64_t stream_id) {
  gathering_.erase(stream_id);
  rewinds_.insert(stream_id);
}

void Committer::roll_back(const ingest::RollBackStream& wanted) {
  rewind(wanted.stream_id);
  rollbacks_[wanted.stream_id] = wanted;
}

void Committer::create(const ingest::CreateStream& create) {
  ingest::StreamCreated answer{create.name, 0, {}};
  try {
    answer.stream_id = store().create_stream(create.name, to_json(create.spec));
    store_worked();
    know(answer.stream_id, create.name, create.spec);
    board_.post(empty_snapshot(create.name, create.spec));
    log_info("stream_created", {{"stream", create.name}, {"id", answer.stream_id}});
  } catch (const StoreError& error) {
    answer.error = error.what();
    store_failed(answer.error);
  }
  to_receiver_(wire::encode(answer));
}

void Committer::drop(const ingest::DropStream& drop) {
  streams_.erase(drop.stream_id);
  gathering_.erase(drop.stream_id);
  rewinds_.erase(drop.stream_id);
  rollbacks_.erase(drop.stream_id);
  refused_copies_.erase(drop.stream_id);
  std::erase_if(ready_, [&](const EpochRecord& record) { return record.stream == drop.stream_id; });
  board_.remove(drop.name);
  latencies_.drop(drop.name);
  ingest::StreamDropped answer{drop.name, {}};
  try {
    store().drop_stream(drop.stream_id);
    store_worked();
    log_info("stream_dropped", {{"stream", drop.name}, {"id", drop.stream_id}});
  } catch (const StoreError& error) {
    answer.error = "stream '" + drop.name + "' may be there again after a restart: " + error.what();
    store_failed(answer.error);
  }
  to_receiver_(wire::encode(answer));
}

// Publishes the stream's epoch if this was its last missing state.
void Committer::gather(const ingest::PartitionState& part) {
  const auto found = gathering_.find(part.stream_id);
  if (found == gathering_.end()) return;  // dropped meanwhile
  Gathering& epoch = found->second;
  ACCRUE_ASSERT(epoch.cut.epoch == part.epoch);
  epoch.states[part.partition].assign(part.state.begin(), part.state.end());
  add_evicted(part.evicted, epoch.evicted);
  const Known& stream = streams_.at(part.stream_id);
  if (epoch.states.size() < stream.spec.partitions) return;
  EpochRecord& record = ready_.emplace_back(record_of(epoch.cut, std::move(epoch.states)));
  record.evicted = in_order(std::move(epoch.evicted));
  std::string why;
  std::optional<models::ModelSet> models = merged_models(record.states, stream.spec, why);
  ACCRUE_ASSERT(models);  // our own workers have just encoded the states
  const auto before = board_.find(stream.name);
  add_figures(record, *models, before ? &before->models : nullptr);
  for (const ModelEvent& event : record.events) {
    log_info(event.event, {{"stream", stream.name}, {"model", event.model}, {"row", event.row}});
    events_.tell(Event::Kind::kDrift, stream.name,
                 {{"stream", stream.name}, {"epoch", record.epoch}, {"model", event.model}, {"row", event.row}});
  }
  Snapshot snapshot{stream.name, stream.spec, epoch.cut.epoch, epoch.cut.rows, epoch.cut.rejected, *std::move(models)};
  snapshot.evicted = record.evicted;
  latencies_.keep(stream.name, snapshot.models);
  board_.post(ready(std::move(snapshot)));
  events_.tell(Event::Kind::kEpoch, stream.name);
  gathering_.erase(found);
}

std::optional<Committer::TimePoint> Committer::settle(TimePoint now, std::int64_t unix_ms) {
  if (ready_.empty() && rewinds_.empty() && !degraded_) return std::nullopt;
  if (degraded_ && now < next_attempt_) return next_attempt_;
  if (use_store(unix_ms)) return std::nullopt;
  next_attempt_ = now + options_.retry;
  return next_attempt_;
}

bool Committer::use_store(std::int64_t unix_ms) {
  try {
    Store& opened = store();
    if (!ready_.empty()) {
      const auto begin = Latencies::Clock::now();
      opened.commit(ready_, unix_ms);
      latencies_.committed(Latencies::Clock::now() - begin);
    }
    for (const EpochRecord& record : std::exchange(ready_, {})) say_durable(record);
    if (!rewinds_.empty()) answer_rewinds(unix_ms);
  } catch (const StoreError& error) {
    refuse_rollbacks(error.what());
    store_failed(error.what());
    return false;
  }
  store_worked();
  return true;
}

void Committer::answer_rewinds(std::int64_t unix_ms) {
  for (const StreamRecord& stream : store_->streams()) {
    if (!rewinds_.contains(stream.id)) continue;
    std::optional<ingest::StreamRolledBack> rolled_back;
    const auto wanted = rollbacks_.find(stream.id);
    if (wanted != rollbacks_.end()) rolled_back = copy_epoch(stream, wanted->second, unix_ms);
    ingest::RecoveredStream recovered = recover(*store_, stream, board_);
    if (rolled_back && rolled_back->error.empty()) {
      recovered.rolled_back_to = wanted->second.epoch;
      log_info("stream_rolled_back", {{"stream", stream.name},
                                      {"to_epoch", wanted->second.epoch},
                                      {"epoch", recovered.epoch},
                                      {"rows", recovered.rows}});
    }
    tell_recovery(recovered, events_);
    log_info("stream_resumed", {{"stream", stream.name}, {"epoch", recovered.epoch}, {"rows", recovered.rows}});
    to_receiver_(wire::encode(recovered));
    if (rolled_back) to_receiver_(wire::encode(*rolled_back));
    if (rolled_back) rollbacks_.erase(wanted);
    rewinds_.erase(stream.id);
  }
}

// An epoch that is not kept, or is damaged, is refused, and the store is as it was.
ingest::StreamRolledBack Committer::copy_epoch(const StreamRecord& stream, const ingest::RollBackStream& wanted,
                                               std::int64_t unix_ms) {
  const std::vector<std::uint64_t> kept = store_->epochs(stream.id);
  if (std::find(kept.begin(), kept.end(), wanted.epoch) == kept.end()) {
    const EpochRange range =
        kept.empty() ? EpochRange{} : EpochRange{.count = kept.size(), .oldest = kept.back(), .newest = kept.front()};
    return {stream.id, 0, wire::ErrorCode::kUnknownEpoch, not_kept(stream.name, wanted.epoch, range)};
  }
  std::string why;
  if (!merged_models(store_->load(stream.id, wanted.epoch).states, streams_.at(stream.id).spec, why)) {
    return {stream.id, 0, wire::ErrorCode::kStoreFailed,
            "epoch " + std::to_string(wanted.epoch) + " of stream '" + stream.name + "' is damaged: " + why};
  }
  store_->roll_back(stream.id, wanted.epoch, wanted.as, unix_ms);
  return {stream.id, wanted.as, {}, {}};
}

// The copy may have reached the disk all the same.
void Committer::refuse_rollbacks(const std::string& why) {
  for (const auto& [stream_id, wanted] : std::exchange(rollbacks_, {})) {
    refused_copies_[stream_id] = wanted.as;
    to_receiver_(wire::encode(
        ingest::StreamRolledBack{stream_id, 0, wire::ErrorCode::kStoreFailed,
                                 "stream '" + streams_.at(stream_id).name +
                                     "' is not rolled back, unless accrued ends before its store works: " + why}));
  }
}

Store& Committer::store() {
  if (!store_) {
    store_ = std::make_unique<Store>(options_.store_file, options_.store);
    reconcile();
  }
  return *store_;
}

// After a failure: makes the store hold no stream but ours and no rollback that was refused, and finds the epochs that
// did reach it.
void Committer::reconcile() {
  for (const StreamRecord& stream : store_->streams()) {
    if (!streams_.contains(stream.id)) store_->drop_stream(stream.id);
  }
  for (const auto& [stream_id, copy] : refused_copies_) {
    const std::vector<std::uint64_t> stored = store_->epochs(stream_id);
    if (!stored.empty() && stored.front() == copy) store_->rewind(stream_id, stored.at(1));
  }
  refused_copies_.clear();
  std::set<std::uint64_t> durable;  // streams whose waiting epoch is there
  for (const EpochRecord& record : ready_) {
    const std::vector<std::uint64_t> stored = store_->epochs(record.stream);
    if (!stored.empty() && stored.front() == record.epoch) durable.insert(record.stream);
  }
  std::erase_if(ready_, [&](const EpochRecord& record) {
    const bool is_durable = durable.contains(record.stream);
    if (is_durable) say_durable(record);
    return is_durable;
  });
}

void Committer::say_durable(const EpochRecord& record) {
  log_debug("epoch_durable",
            {{"stream", streams_.at(record.stream).name}, {"epoch", record.epoch}, {"rows", record.rows}});
  to_receiver_(wire::encode(ingest::EpochDurable{record.stream, record.epoch}));
}

// Epochs that wait say more than a small write that succeeds: the disk may have room for one and not for the other.
void Committer::store_worked() {
  if (!ready_.empty() || !std::exchange(degraded_, false)) return;
  health_.set_degraded({});
  events_.tell(Event::Kind::kDegraded, {}, {{"degraded", false}});
  log_info("store_recovered");
}

// What the operating system still holds of a failed write is unknown: the next use opens and verifies the store afresh.
void Committer::store_failed(const std::string& why) {
  store_.reset();
  if (!std::exchange(degraded_, true)) {
    log_error("store_degraded", {{"reason", why},
                                 {"meanwhile", "nothing becomes durable; learning and predicting go on"},
                                 {"retry_ms", options_.retry.count()}});
    events_.tell(Event::Kind::kDegraded, {}, {{"degraded", true}, {"reason", why}});
  }
  health_.set_degraded(why);
}

}  // namespace accrue::daemon
