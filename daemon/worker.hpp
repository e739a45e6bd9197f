// A worker's mind without its sockets: it owns partitions, learns their rows in the order they come, and hands the
// committer a copy of their states at every barrier. No two workers share a model, so there is no lock here.
//
// One thread. Its messages are ingest/pipeline_messages.hpp's.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "ingest/pipeline_messages.hpp"
#include "models/model.hpp"

namespace accrue::daemon {

class Worker {
 public:
  Worker(std::uint32_t index, ingest::Say to_receiver, ingest::Say to_committer);

  // `rows` is the second frame of a message that has one.
  void on_message(wire::BytesView message, wire::BytesView rows);

  // To be called when nothing more is waiting, and now and then while there is: tells the receiver what is learned.
  void report_applied();
  std::uint64_t unreported() const { return applied_ - reported_; }  // deliveries

  bool stopped() const { return stopped_; }

 private:
  struct Partition {
    wire::StreamSpec spec;
    std::size_t columns;
    models::Model model;
  };

  void open(const ingest::OpenPartition& open);
  void close(const ingest::ClosePartition& close);
  void learn(const ingest::Deliver& deliver, wire::BytesView rows);
  void report_states(const ingest::Barrier& barrier);

  const std::uint32_t index_;
  const ingest::Say to_receiver_;
  const ingest::Say to_committer_;
  wire::Frame frame_;
  std::unordered_map<std::uint64_t, std::map<std::uint32_t, Partition>> streams_;
  std::uint64_t applied_ = 0;   // ordinal of the last delivery learned
  std::uint64_t reported_ = 0;  // ... that the receiver has been told of
  std::vector<double> widened_;
  bool stopped_ = false;
};

}  // namespace accrue::daemon
