#include "ingest/stream.hpp"

#include <algorithm>
#include <utility>

#include "ingest/wire/assert.hpp"

namespace accrue::ingest {
namespace {

ModelRoster roster_of(RecoveredStream& recovered, const wire::StreamSpec& spec) {
  if (!recovered.models.empty()) return {std::move(recovered.models), std::move(recovered.champion)};
  std::vector<std::string> models = spec.model_names();
  const std::string champion = models.front();
  return {std::move(models), champion};
}

}  // namespace

Stream::Stream(RecoveredStream recovered, std::vector<bool> may_be_missing)
    : id(recovered.id),
      name(std::move(recovered.name)),
      spec(std::move(recovered.spec)),
      columns(spec.columns()),
      gate(spec, std::move(may_be_missing)),
      partitioner(spec),
      states(std::move(recovered.states)),
      models(roster_of(recovered, spec)),
      rows(recovered.rows),
      gauges(std::make_shared<StreamGauges>(name)),
      rolled_back_to_(recovered.rolled_back_to),
      epoch_(recovered.epoch),
      rows_at_cut_(recovered.rows) {
  for (const auto& [reason, count] : recovered.rejected) rejected[static_cast<std::size_t>(reason)] = count;
  for (const ProducerMark& mark : recovered.producers) {
    StreamProducer known{.name = mark.producer, .log = Producer(mark.sequence), .cut = mark.sequence};
    producers.emplace(mark.producer, std::make_shared<StreamProducer>(std::move(known)));
  }
}

void Stream::take_over(Stream& before) {
  generation = before.generation;
  gauges = before.gauges;
  gauge_queue();
  opening = std::move(before.opening);
  for (ModelRequest& request : before.models.take_waiting()) models.ask(std::move(request));
  epoch_ = std::max(epoch_, before.epoch_);  // a number that was given once is not given again
  for (const auto* list : {&before.in_flight_departed_, &before.departed_}) {
    for (const std::string& departed : *list) depart(departed);
  }
  connections_ = before.connections_;
  for (const auto& [producer_name, old] : before.producers) {
    if (const auto same = producers.find(producer_name); same != producers.end()) same->second->came = old->came;
    if (old->session.empty()) continue;
    const std::shared_ptr<StreamProducer> known = producer(producer_name);
    known->session = std::exchange(old->session, {});
    known->rewound = true;
    known->rolled_back_to = rolled_back_to_ != 0 ? rolled_back_to_ : old->rolled_back_to;
  }
}

void Stream::changed(TimePoint now, std::uint64_t new_rows) {
  if (rows == rows_at_cut_) first_row_at_ = now;
  rows += new_rows;
  if (dirty_) return;
  dirty_ = true;
  dirty_since_ = now;
}

bool Stream::due(TimePoint now, std::chrono::milliseconds interval, std::uint64_t epoch_rows) const {
  if (!dirty_ || epoch_in_flight()) return false;
  return hurried_ || rows - rows_at_cut_ >= epoch_rows || now >= deadline(interval);
}

EpochCut Stream::cut(TimePoint now) {
  ACCRUE_ASSERT(!epoch_in_flight());
  cut_at_ = now;
  first_row_of_cut_at_.reset();
  if (rows != rows_at_cut_) first_row_of_cut_at_ = first_row_at_;
  EpochCut cut{id, ++epoch_, rows, {}, std::exchange(departed_, {}), {}};
  for (auto& [producer, state] : producers) {
    if (state->log.accepted() == state->cut) continue;
    state->cut = state->log.accepted();
    cut.producers.push_back({producer, state->cut});
  }
  for (std::uint8_t reason = 0; reason < wire::kRejectReasons; ++reason) {
    if (rejected[reason] > 0) cut.rejected.push_back({static_cast<wire::RejectReason>(reason), rejected[reason]});
  }
  models.cut();
  in_flight_ = epoch_;
  dirty_ = hurried_ = false;
  rows_at_cut_ = rows;
  in_flight_marks_ = cut.producers;
  in_flight_departed_ = cut.departed;
  return cut;
}

std::size_t Stream::made_durable(std::uint64_t epoch) {
  ACCRUE_ASSERT(epoch_in_flight() && epoch == in_flight_);
  in_flight_ = 0;
  std::size_t released = 0;
  for (const ProducerMark& mark : in_flight_marks_) {
    released += producers.at(mark.producer)->log.made_durable(mark.sequence);
  }
  in_flight_marks_.clear();
  in_flight_departed_.clear();
  gauge_queue();
  return released;
}

EpochDurations Stream::durations(TimePoint now) const {
  EpochDurations durations{now - cut_at_, {}};
  if (first_row_of_cut_at_) durations.since_first_row = now - *first_row_of_cut_at_;
  return durations;
}

// While no epoch is in flight: what came after the last cut is what is not durable.
void Stream::gauge_queue() {
  std::uint64_t outstanding_bytes = 0;
  for (const auto& [producer_name, producer] : producers) outstanding_bytes += producer->log.outstanding_bytes();
  StreamGauges::set(gauges->queued_rows, rows - rows_at_cut_);
  StreamGauges::set(gauges->queued_bytes, held_bytes());
  StreamGauges::set(gauges->outstanding_bytes, outstanding_bytes);
}

std::size_t Stream::held_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [producer_name, producer] : producers) bytes += producer->log.held_bytes();
  return bytes;
}

void Stream::connect(StreamProducer& producer, const SessionId& session) {
  if (producer.session.empty()) StreamGauges::add(gauges->producers, 1);
  producer.session = session;
  producer.came = ++connections_;
}

void Stream::disconnect(StreamProducer& producer) {
  if (producer.session.empty()) return;
  StreamGauges::set(gauges->producers, gauges->producers - 1);
  producer.session.clear();
}

bool Stream::depart(const std::string& producer) {
  const auto found = producers.find(producer);
  if (found == producers.end()) return false;
  if (found->second->log.durable() != found->second->log.accepted()) return false;
  producers.erase(found);
  departed_.push_back(producer);
  return true;
}

std::shared_ptr<StreamProducer> Stream::producer(const std::string& producer_name) {
  auto& known = producers[producer_name];
  if (!known) known = std::make_shared<StreamProducer>(StreamProducer{.name = producer_name, .log = Producer(0)});
  return known;
}

}  // namespace accrue::ingest
