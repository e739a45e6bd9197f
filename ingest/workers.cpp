#include "ingest/workers.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "ingest/wire/assert.hpp"

namespace accrue::ingest {

zmq::message_t row_memory(std::size_t bytes) {
  zmq::message_t memory(std::max(bytes, kTinyMessageBytes + 1));
  ACCRUE_ASSERT(reinterpret_cast<std::uintptr_t>(memory.data()) % alignof(double) == 0);
  return memory;
}

Workers::StreamIds Workers::join(const WorkerId& id, const std::string& name, TimePoint now) {
  const std::uint32_t number = next_number_++;
  numbers_.emplace(id, number);
  workers_.emplace(number, Worker{id, name, now});
  return placement_.join(number);
}

Workers::StreamIds Workers::leave(const WorkerId& id) {
  const auto left = numbers_.extract(id);
  ACCRUE_ASSERT(!left.empty());
  workers_.erase(left.mapped());
  return placement_.leave(left.mapped());
}

std::optional<WorkerId> Workers::find(const std::string& name) const {
  for (const auto& [number, worker] : workers_) {
    if (worker.name == name) return worker.id;
  }
  return std::nullopt;
}

std::vector<WorkerId> Workers::silent(TimePoint now, std::chrono::milliseconds limit) {
  const bool was_away = now - looked_ > limit / 2;
  looked_ = now;
  std::vector<WorkerId> silent;
  for (auto& [number, worker] : workers_) {
    if (was_away) worker.heard = now;
    if (now - worker.heard > limit) silent.push_back(worker.id);
  }
  return silent;
}

void Workers::open(const Stream& stream, const std::vector<wire::Bytes>& states) {
  for (std::uint32_t partition = 0; partition < stream.spec.partitions; ++partition) {
    const wire::Bytes state = partition < states.size() ? states[partition] : wire::Bytes();
    outbox_.to_worker(holder(stream, partition).id,
                      wire::encode(OpenPartition{stream.id, stream.generation, partition, stream.spec, state}));
  }
}

void Workers::close(const Stream& stream) {
  for (const auto& [number, worker] : workers_) outbox_.to_worker(worker.id, wire::encode(CloseStream{stream.id}));
}

void Workers::cut(const Stream& stream, std::uint64_t epoch) {
  std::set<WorkerId> told;
  for (std::uint32_t partition = 0; partition < stream.spec.partitions; ++partition) {
    const WorkerId& id = holder(stream, partition).id;
    if (told.insert(id).second) outbox_.to_worker(id, wire::encode(Barrier{stream.id, epoch}));
  }
}

void Workers::deliver(const Stream& stream, const std::shared_ptr<StreamProducer>& producer, std::size_t batch_bytes,
                      ScreenedBatch batch) {
  if (batch.count == 0) {
    producer->log.accept(batch_bytes, 0);
    return;
  }
  const auto load_of = [&](std::uint32_t partition) { return holder(stream, partition).waiting; };
  if (const auto partition = stream.partitioner.of_batch({producer->name, batch.sequence}, load_of)) {
    producer->log.accept(batch_bytes, 1);
    send(stream, *partition, producer, std::move(batch));
    return;
  }
  auto parts = batch.dtype == wire::DataType::kFloat64 ? split<double>(stream, batch) : split<float>(stream, batch);
  const auto filled = std::count_if(parts.begin(), parts.end(), [](const auto& part) { return part.count > 0; });
  producer->log.accept(batch_bytes, static_cast<std::uint32_t>(filled));
  for (std::uint32_t partition = 0; partition < parts.size(); ++partition) {
    if (parts[partition].count > 0) send(stream, partition, producer, std::move(parts[partition]));
  }
}

bool Workers::applied(const WorkerId& id, std::uint64_t ordinal, const OnApplied& on_applied) {
  Worker& worker = workers_.at(numbers_.at(id));
  const std::uint64_t already = worker.delivered - worker.tickets.size();
  if (ordinal > worker.delivered) return false;
  for (std::uint64_t next = already; next < ordinal; ++next) {
    const Ticket ticket = std::move(worker.tickets.front());
    worker.tickets.pop_front();
    worker.waiting -= ticket.values;
    ticket.producer->log.applied_delivery(ticket.sequence);
    on_applied(ticket.stream_id, ticket.producer);
  }
  return true;
}

void Workers::send(const Stream& stream, std::uint32_t partition, const std::shared_ptr<StreamProducer>& producer,
                   ScreenedBatch batch) {
  Worker& worker = holder(stream, partition);
  const std::uint64_t values = batch.count * stream.columns.size();
  worker.tickets.push_back({stream.id, producer, batch.sequence, values});
  worker.waiting += values;
  const Deliver message{
      stream.id, partition, ++worker.delivered, batch.dtype, static_cast<std::uint32_t>(batch.count), batch.offset};
  outbox_.to_worker(worker.id, wire::encode(message), std::move(batch.frame));
}

template <class Real>
std::vector<ScreenedBatch> Workers::split(const Stream& stream, const ScreenedBatch& batch) const {
  const std::size_t columns = stream.columns.size();
  const auto* rows = reinterpret_cast<const Real*>(static_cast<const std::byte*>(batch.frame.data()) + batch.offset);

  std::vector<std::uint32_t> partition_of(batch.count);
  stream.partitioner.of_rows(rows, batch.count, columns, partition_of.data());
  std::vector<ScreenedBatch> parts(stream.partitioner.partitions());
  for (const std::uint32_t partition : partition_of) ++parts[partition].count;
  std::vector<Real*> next(parts.size());
  for (std::size_t p = 0; p < parts.size(); ++p) {
    parts[p].sequence = batch.sequence;
    parts[p].dtype = batch.dtype;
    parts[p].frame = row_memory(parts[p].count * columns * sizeof(Real));
    next[p] = parts[p].frame.data<Real>();
  }
  for (std::size_t i = 0; i < batch.count; ++i) {
    std::memcpy(next[partition_of[i]], rows + i * columns, columns * sizeof(Real));
    next[partition_of[i]] += columns;
  }
  return parts;
}

}  // namespace accrue::ingest
