// A worker's mind without its socket and its clock: it owns partitions, which it learns from
// what the receiver sends. No two workers share a model, so there is no lock here.
//
// All it says goes to the receiver, on one connection for as long as it lives; a worker that the receiver takes for a
// stranger has lost what it held, and another joins in its place. One thread. Its messages are
// ingest/pipeline_messages.hpp's.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

#include <zmq.hpp>

#include "daemon/held_stream.hpp"
#include "ingest/pipeline_messages.hpp"

namespace accrue::daemon {

class Worker {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Says Join, under this name.
  Worker(const std::string& name, ingest::Say to_receiver, TimePoint now);

  // `rows` is the second frame of a message that has one.
  void on_message(wire::BytesView message, zmq::message_t rows);

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
  void open(const ingest::OpenPartition& open);
  void close(std::uint64_t stream_id);
  void learned(std::uint64_t ordinal);
  void dismissed(const std::string& reason);

  const ingest::Say to_receiver_;
  wire::Frame frame_;
  std::unordered_map<std::uint64_t, HeldStream> streams_;
  std::uint64_t applied_ = 0;             // every delivery up to this ordinal is learned
  std::set<std::uint64_t> ahead_;         // learned before some that wait for an exchange of their stream
  std::uint64_t reported_ = 0;            // what the receiver has been told of
  TimePoint spoke_;                       // in settle()
  Standing standing_ = Standing::kGood;
  std::string reason_;
};

}  // namespace accrue::daemon
