// A worker's mind without its socket and its clock: it owns partitions, learns their rows in the order they come, and
// hands out a copy of their states at every barrier. No two workers share a model, so there is no lock here.
//
// All it says goes to the receiver, on one connection for as long as it lives; a worker that the receiver takes for a
// stranger has lost what it held, and another joins in its place. One thread. Its messages are
// ingest/pipeline_messages.hpp's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingest/pipeline_messages.hpp"
#include "models/model.hpp"

namespace accrue::daemon {

class Worker {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Says Join, under this name.
  Worker(const std::string& name, ingest::Say to_receiver, TimePoint now);

  // `rows` is the second frame of a message that has one.
  void on_message(wire::BytesView message, wire::BytesView rows);

  // To be called when nothing more is waiting, now and then while there is, and at the latest when it last said: tells
  // the receiver what is learned, or at least that it is alive. Returns when it next has something to say.
  TimePoint settle(TimePoint now);

  std::uint64_t unreported() const { return applied_ - reported_; }  // deliveries

  // Says Leave.
  void leave();

  enum class Standing : std::uint8_t { kGood, kStranger, kDismissed };
  Standing standing() const { return standing_; }
  const std::string& reason() const { return reason_; }  // of a dismissal

 private:
  struct Partition {
    std::uint64_t generation;
    wire::StreamSpec spec;
    std::size_t columns;
    models::Model model;
  };

  void open(const ingest::OpenPartition& open);
  void learn(const ingest::Deliver& deliver, wire::BytesView rows);
  void dismissed(const std::string& reason);
  void report_states(const ingest::Barrier& barrier);

  const ingest::Say to_receiver_;
  wire::Frame frame_;
  std::unordered_map<std::uint64_t, std::map<std::uint32_t, Partition>> streams_;
  std::uint64_t applied_ = 0;   // ordinal of the last delivery learned
  std::uint64_t reported_ = 0;  // ... that the receiver has been told of
  TimePoint spoke_;             // in settle()
  std::vector<double> copied_;
  Standing standing_ = Standing::kGood;
  std::string reason_;
};

}  // namespace accrue::daemon
