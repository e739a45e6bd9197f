// The partitions of one stream that a worker holds: it learns their rows in the order they come, lets them see what the
// others have learned at every exchange, and hands out their states at every barrier.
//
// After an Exchange whatever the receiver sends of the stream waits, in order, until the shares of all partitions are
// here. One thread. Its messages are ingest/pipeline_messages.hpp's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include <zmq.hpp>

#include "daemon/sparse_delivery.hpp"
#include "ingest/pipeline_messages.hpp"
#include "models/model_set.hpp"

namespace accrue::daemon {

class HeldStream {
 public:
  // `learned` is called with the ordinal of every delivery that need not be kept any more.
  using Learned = std::function<void(std::uint64_t ordinal)>;
  HeldStream(const ingest::OpenPartition& first, ingest::Say to_receiver, Learned learned);

  void open(const ingest::OpenPartition& open);

  struct Delivery {
    ingest::Deliver what;
    zmq::message_t rows;
  };
  using Step = std::variant<Delivery, ingest::Exchange, ingest::ChangeModels, ingest::Barrier>;
  void take(Step step);

  void see(const ingest::Share& share);  // another worker's

  // Before it is forgotten: no delivery waits any more.
  void close();

 private:
  using Shares = std::map<std::uint32_t, wire::Bytes>;  // by partition

  void go_on();
  void act(const Step& step);
  void act(const Delivery& delivery);
  void act(const ingest::Exchange& exchange);
  void act(const ingest::ChangeModels& change);
  void act(const ingest::Barrier& barrier);
  void finish_exchange();

  const std::uint64_t id_;
  const std::uint64_t generation_;
  const wire::StreamSpec spec_;
  const std::size_t columns_;
  const std::size_t time_column_;
  const std::size_t key_column_;
  const std::size_t id_column_;
  const ingest::Say to_receiver_;
  const Learned learned_;
  std::map<std::uint32_t, models::ModelSet> partitions_;
  std::optional<std::uint64_t> awaited_;    // the exchange whose shares are not all here
  std::map<std::uint64_t, Shares> shares_;  // by exchange
  std::deque<Step> waiting_;                // meanwhile
  std::vector<double> copied_;
  std::vector<std::uint64_t> indices_;
  SparseDelivery sparse_;
};

}  // namespace accrue::daemon
