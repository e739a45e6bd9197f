// Server-sent events (WHATWG HTML, 9.2) to one listener: "metrics" for an epoch of a stream, "drift", "recovery" and
// "degraded", each with JSON as its data.
//
// One thread: the listener's.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "daemon/events.hpp"
#include "daemon/snapshot.hpp"

namespace accrue::daemon::http {

// A place among those who may listen at once; given back with the object.
class ListenersPlace {
 public:
  explicit ListenersPlace(std::atomic<int>& listeners) : listeners_(listeners), number_(++listeners) {}
  ~ListenersPlace() { --listeners_; }
  ListenersPlace(const ListenersPlace&) = delete;
  ListenersPlace& operator=(const ListenersPlace&) = delete;

  bool taken() const;

 private:
  std::atomic<int>& listeners_;
  const int number_;
};

class EventStream {
 public:
  // Of all streams where `stream` is empty; from what was told after `last_event_id` on, if that is one.
  EventStream(Events& events, const SnapshotBoard& board, std::string stream, const std::string& last_event_id);

  // The next event, or a comment that keeps the connection alive; empty when the daemon stops.
  std::string next_piece();

 private:
  std::string piece_of(const Event& event);

  Events& events_;
  const SnapshotBoard& board_;
  const std::string stream_;
  std::uint64_t last_;
  bool begun_ = false;
  std::map<std::string, std::uint64_t> told_epochs_;  // by stream: several events may be of one snapshot
};

}  // namespace accrue::daemon::http
