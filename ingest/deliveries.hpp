// Rows on their way to the workers: which worker holds a partition, what has been delivered to it and what it has
// learned, and so how much it has to do. A batch that stays whole travels in the memory it arrived in. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "ingest/outbox.hpp"
#include "ingest/placement.hpp"

namespace accrue::ingest {

// ZeroMQ keeps the tiniest messages inside the message object, which moves; larger ones have memory that stays put.
inline constexpr std::size_t kTinyMessageBytes = 64;

// Memory for rows that is aligned for them, before and after it travels.
zmq::message_t row_memory(std::size_t bytes);

// A screened batch: `count` rows that begin at byte `offset` of `frame`, aligned for their type.
struct ScreenedBatch {
  std::uint64_t sequence = 0;
  wire::DataType dtype = wire::DataType::kFloat64;
  std::size_t count = 0;
  std::size_t offset = 0;
  zmq::message_t frame;
};

class Deliveries {
 public:
  Deliveries(std::uint32_t workers, Outbox& outbox) : outbox_(outbox), placement_(workers), workers_(workers) {}

  // Gives the stream's partitions to workers, until it is closed.
  void open(const Stream& stream) { placement_.open(stream.id, stream.spec.partitions); }
  void close(const Stream& stream) { placement_.close(stream.id); }
  std::uint32_t worker_of(std::uint64_t stream_id, std::uint32_t partition) const {
    return placement_.worker_of(stream_id, partition);
  }

  // Sends the rows to the workers of their partitions; the producer's log has them as accepted when this returns.
  void deliver(const Stream& stream, const std::shared_ptr<StreamProducer>& producer, std::size_t batch_bytes,
               ScreenedBatch batch);

  // A worker has learned everything up to `ordinal`; calls back for every delivery that this completes.
  using OnApplied = std::function<void(std::uint64_t stream_id, const std::shared_ptr<StreamProducer>&)>;
  void applied(const Applied& applied, const OnApplied& on_applied);

 private:
  struct Ticket {
    std::uint64_t stream_id;
    std::shared_ptr<StreamProducer> producer;
    std::uint64_t sequence;
    std::uint64_t values;  // numbers of its rows: what it costs to learn them grows with it
  };
  struct Worker {
    std::uint64_t delivered = 0;  // ordinals given out
    std::deque<Ticket> tickets;   // of those not yet applied, oldest first
    std::uint64_t waiting = 0;    // values of all tickets
  };

  void send(const Stream& stream, std::uint32_t partition, const std::shared_ptr<StreamProducer>& producer,
            ScreenedBatch batch);
  template <class Real>
  std::vector<ScreenedBatch> split(const Stream& stream, const ScreenedBatch& batch) const;

  Outbox& outbox_;
  Placement placement_;
  std::vector<Worker> workers_;
};

}  // namespace accrue::ingest
