#include "ingest/workers.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "ingest/exchange.hpp"
#include "ingest/wire/assert.hpp"
#include "ingest/wire/fixed_width.hpp"

namespace accrue::ingest {

zmq::message_t row_memory(std::size_t bytes) {
  zmq::message_t memory(std::max(bytes, kTinyMessageBytes + 1));
  ACCRUE_ASSERT(reinterpret_cast<std::uintptr_t>(memory.data()) % alignof(double) == 0);
  return memory;
}

namespace {

bool has_rows(const ScreenedBatch& batch) { return batch.count > 0; }

template <class Real>
const Real* rows_of(const ScreenedBatch& batch) {
  return reinterpret_cast<const Real*>(static_cast<const std::byte*>(batch.frame.data()) + batch.offset);
}

// By row.
std::vector<std::uint32_t> partitions_of(const Stream& stream, const ScreenedBatch& batch) {
  std::vector<std::uint32_t> partitions(batch.count);
  const auto find = [&](const auto* rows) {
    stream.partitioner.of_rows(rows, batch.count, stream.columns.size(), partitions.data());
  };
  batch.dtype == wire::DataType::kFloat64 ? find(rows_of<double>(batch)) : find(rows_of<float>(batch));
  return partitions;
}

// The rows from `begin` to before `end`, copied into a batch for each partition, their places behind them.
std::vector<ScreenedBatch> dealt(const Stream& stream, const ScreenedBatch& batch,
                                 const std::vector<std::uint32_t>& partitions, std::size_t begin, std::size_t end) {
  const std::size_t row_bytes = stream.columns.size() * wire::size_of(batch.dtype);
  std::vector<ScreenedBatch> parts(stream.spec.partitions);
  for (std::size_t i = begin; i < end; ++i) ++parts[partitions[i]].count;
  struct Next {
    std::byte* row;
    std::byte* place;
  };
  std::vector<Next> next(parts.size());
  for (std::size_t p = 0; p < parts.size(); ++p) {
    parts[p].sequence = batch.sequence;
    parts[p].dtype = batch.dtype;
    parts[p].picked = true;
    if (!has_rows(parts[p])) continue;
    parts[p].frame = row_memory(parts[p].count * (row_bytes + sizeof(Place)));
    next[p].row = parts[p].frame.data<std::byte>();
    next[p].place = next[p].row + parts[p].count * row_bytes;
  }
  const std::byte* rows = rows_of<std::byte>(batch);
  for (std::size_t i = begin; i < end; ++i) {
    auto& [row, place] = next[partitions[i]];
    const auto here = static_cast<Place>(i);
    std::memcpy(row, rows + i * row_bytes, row_bytes);
    std::memcpy(place, &here, sizeof(here));
    row += row_bytes;
    place += sizeof(here);
  }
  return parts;
}

}  // namespace

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
  for (const WorkerId& id : holders(stream)) outbox_.to_worker(id, wire::encode(Barrier{stream.id, epoch}));
}

std::set<WorkerId> Workers::holders(const Stream& stream) {
  std::set<WorkerId> ids;
  for (std::uint32_t partition = 0; partition < stream.spec.partitions; ++partition) {
    ids.insert(holder(stream, partition).id);
  }
  return ids;
}

void Workers::deliver(const Stream& stream, const std::shared_ptr<StreamProducer>& producer, std::size_t batch_bytes,
                      ScreenedBatch batch) {
  if (batch.count == 0) return producer->log.accept(batch_bytes, 0);
  const bool alone = stream.spec.partitions == 1;  // it has nobody to see
  const std::uint64_t after = stream.rows + batch.count;
  const std::size_t columns = stream.columns.size() + stream.spec.dimension;
  const auto load_of = [&](std::uint32_t partition) { return holder(stream, partition).waiting; };
  if (const auto partition = stream.partitioner.of_batch({producer->name, batch.sequence}, load_of)) {
    producer->log.accept(batch_bytes, 1);
    send(stream, *partition, producer, std::move(batch));
    if (!alone && exchange_due(stream.rows, after, columns)) exchange(stream, after);
    return;
  }
  const std::vector<std::uint32_t> partitions = partitions_of(stream, batch);
  std::vector<std::vector<ScreenedBatch>> pieces;  // between exchanges, by partition
  std::uint32_t deliveries = 0;
  for (std::size_t begin = 0; begin < batch.count;) {
    const std::uint64_t until_next = alone ? batch.count : next_exchange(stream.rows + begin, columns) - stream.rows;
    const std::size_t end = std::min<std::uint64_t>(batch.count, until_next);
    pieces.push_back(dealt(stream, batch, partitions, begin, end));
    deliveries += static_cast<std::uint32_t>(std::count_if(pieces.back().begin(), pieces.back().end(), has_rows));
    begin = end;
  }
  producer->log.accept(batch_bytes, deliveries, batch.count * sizeof(Place));
  std::uint64_t rows = stream.rows;
  for (std::vector<ScreenedBatch>& piece : pieces) {
    const std::uint64_t before = rows;
    for (std::uint32_t partition = 0; partition < piece.size(); ++partition) {
      rows += piece[partition].count;
      if (has_rows(piece[partition])) send(stream, partition, producer, std::move(piece[partition]));
    }
    if (!alone && exchange_due(before, rows, columns)) exchange(stream, rows);
  }
}

void Workers::exchange(const Stream& stream, std::uint64_t rows) {
  for (const WorkerId& id : holders(stream)) outbox_.to_worker(id, wire::encode(Exchange{stream.id, rows}));
}

void Workers::change_models(const Stream& stream, const ModelChange& change) {
  for (const WorkerId& id : holders(stream)) outbox_.to_worker(id, wire::encode(ChangeModels{stream.id, change}));
}

void Workers::pass_on(const Stream& stream, const WorkerId& from, wire::BytesView message) {
  for (const WorkerId& id : holders(stream)) {
    if (id != from) outbox_.to_worker(id, message);
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
  const std::uint64_t values = batch.count * stream.columns.size() + batch.nonzeros;
  worker.tickets.push_back({stream.id, producer, batch.sequence, values});
  worker.waiting += values;
  const Deliver message{
      stream.id,    partition,   ++worker.delivered, batch.dtype,   static_cast<std::uint32_t>(batch.count),
      batch.offset, stream.rows, batch.picked,       batch.nonzeros};
  std::array<std::byte, wire::kFixedBytes<Deliver>> bytes;
  wire::write_fixed(message, bytes.data());
  outbox_.to_worker(worker.id, bytes, std::move(batch.frame));
}

}  // namespace accrue::ingest
