// A worker: owns partitions, learns their rows in the order they come, and hands the committer a copy of their states
// at every barrier. No two workers share a model, so there is no lock here.
//
// Construct anywhere, call run() on the worker's own thread; it returns after a Stop.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include <zmq.hpp>

#include "ingest/pipeline_messages.hpp"
#include "models/model.hpp"

namespace accrue::daemon {

class Worker {
 public:
  Worker(zmq::context_t& context, std::uint32_t index);
  void run();

 private:
  struct Partition {
    wire::StreamSpec spec;
    std::size_t columns;
    models::Model model;
  };

  bool handle(wire::BytesView message);  // false after a Stop
  void open(const ingest::OpenPartition& open);
  void learn(const ingest::Deliver& deliver, wire::BytesView rows);
  void report_states(const ingest::Barrier& barrier);
  void report_applied();

  const std::uint32_t index_;
  zmq::socket_t inbox_;
  zmq::socket_t receiver_;
  zmq::socket_t committer_;
  wire::Frame frame_;
  std::unordered_map<std::uint64_t, std::map<std::uint32_t, Partition>> streams_;
  std::uint64_t applied_ = 0;   // ordinal of the last delivery learned
  std::uint64_t reported_ = 0;  // ... that the receiver has been told of
  std::vector<double> widened_;
};

}  // namespace accrue::daemon
