// The workers that are here: which partitions each holds, what it has been delivered, and what it has learned of that,
// so how much it has to do. A batch that stays whole travels to its worker in the memory it arrived in. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingest/outbox.hpp"
#include "ingest/placement.hpp"

namespace accrue::ingest {

// ZeroMQ keeps the tiniest messages inside the message object, which moves; larger ones have memory that stays put.
inline constexpr std::size_t kTinyMessageBytes = 64;

// Memory for rows that is aligned for them, before and after it travels.
zmq::message_t row_memory(std::size_t bytes);

// A screened batch: `count` rows that begin at byte `offset` of `frame`, aligned for their type. Behind rows that were
// picked out of a batch stand their places in it.
struct ScreenedBatch {
  std::uint64_t sequence = 0;
  wire::DataType dtype = wire::DataType::kFloat64;
  std::size_t count = 0;
  std::size_t offset = 0;
  zmq::message_t frame;
  bool picked = false;
  std::size_t nonzeros = 0;  // of sparse rows: how many values they have
};

class Workers {
 public:
  explicit Workers(Outbox& outbox) : outbox_(outbox) {}

  // A worker is here, or is no more. They answer the streams of which a partition has moved.
  using StreamIds = std::vector<std::uint64_t>;
  StreamIds join(const WorkerId& id, const std::string& name, TimePoint now);
  StreamIds leave(const WorkerId& id);

  std::size_t count() const { return numbers_.size(); }
  bool has(const WorkerId& id) const { return numbers_.contains(id); }
  std::optional<WorkerId> find(const std::string& name) const;
  const std::string& name_of(const WorkerId& id) const { return workers_.at(numbers_.at(id)).name; }

  // The worker has been heard of. Those that were not for so long are silent; who has not looked for them for half of
  // that cannot tell, and hears them all now.
  void heard(const WorkerId& id, TimePoint now) { workers_.at(numbers_.at(id)).heard = now; }
  std::vector<WorkerId> silent(TimePoint now, std::chrono::milliseconds limit);

  // Decides who holds the stream's partitions, from now until it is forgotten.
  void place(const Stream& stream) { placement_.open(stream.id, stream.spec.partitions); }
  void forget(const Stream& stream) { placement_.close(stream.id); }

  // Gives the partitions to their workers, with their states, or with none to begin from nothing; takes them away.
  void open(const Stream& stream, const std::vector<wire::Bytes>& states);
  void close(const Stream& stream);

  // Sends the rows to the workers of their partitions, with the exchanges that fall due among them or after them; the
  // producer's log has them as accepted when this returns, stream.rows does not count them yet.
  void deliver(const Stream& stream, const std::shared_ptr<StreamProducer>& producer, std::size_t batch_bytes,
               ScreenedBatch batch);
  // Has every holder of a partition send its state.
  void cut(const Stream& stream, std::uint64_t epoch);

  // Has every holder of a partition change its models, at this place among the rows.
  void change_models(const Stream& stream, const ModelChange& change);

  // Gives what one worker says of a stream to the others that hold partitions of it.
  void pass_on(const Stream& stream, const WorkerId& from, wire::BytesView message);

  // A worker has learned everything up to `ordinal`; calls back for every delivery that this completes. False when it
  // was not delivered so much.
  using OnApplied = std::function<void(std::uint64_t stream_id, const std::shared_ptr<StreamProducer>&)>;
  [[nodiscard]] bool applied(const WorkerId& id, std::uint64_t ordinal, const OnApplied& on_applied);

 private:
  struct Ticket {
    std::uint64_t stream_id;
    std::shared_ptr<StreamProducer> producer;
    std::uint64_t sequence;
    std::uint64_t values;  // numbers of its rows: what it costs to learn them grows with it
  };
  struct Worker {
    WorkerId id;
    std::string name;
    TimePoint heard;
    std::uint64_t delivered = 0;   // ordinals given out
    std::deque<Ticket> tickets{};  // of those not yet applied, oldest first
    std::uint64_t waiting = 0;     // values of all tickets
  };

  Worker& holder(const Stream& stream, std::uint32_t partition) {
    return workers_.at(placement_.worker_of(stream.id, partition));
  }
  void send(const Stream& stream, std::uint32_t partition, const std::shared_ptr<StreamProducer>& producer,
            ScreenedBatch batch);
  std::set<WorkerId> holders(const Stream& stream);
  void exchange(const Stream& stream, std::uint64_t rows);

  Outbox& outbox_;
  Placement placement_;
  std::map<std::uint32_t, Worker> workers_;              // by number, which no other ever had
  std::unordered_map<WorkerId, std::uint32_t> numbers_;  // of those that are here
  std::uint32_t next_number_ = 0;
  TimePoint looked_{};
};

}  // namespace accrue::ingest
