// What has happened in the daemon, for whoever listens: epochs published, drifts, recoveries, a disk that fails. The
// newest kKept are kept, so that a listener who was away for a moment misses nothing.
//
// Any thread. Telling takes a lock for as long as it takes to put one event in its place.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace accrue::daemon {

struct Event {
  enum class Kind : std::uint8_t {
    kEpoch,     // a stream's snapshot was published
    kDrift,     // a model's error has risen for good
    kRecovery,  // a stream goes on from an epoch that was on disk: after a start, the loss of a worker, a rollback
    kDegraded,  // epochs do not reach the disk, or do again
  };
  std::uint64_t id = 0;  // increasing, over restarts too; in microseconds since 1970 or soon after
  Kind kind{};
  std::string stream;           // empty where it is none in particular
  nlohmann::ordered_json data;  // of kEpoch nothing: the snapshot says it
};

class Events {
 public:
  static constexpr std::size_t kKept = 4'096;

  Events();

  void tell(Event::Kind kind, const std::string& stream, nlohmann::ordered_json data = {});

  // The first event after `id`, waiting for it until `deadline`; nothing when there is none by then, or once close()
  // was called.
  using TimePoint = std::chrono::steady_clock::time_point;
  std::optional<Event> next(std::uint64_t id, TimePoint deadline);
  std::uint64_t newest() const;  // what to give next() for what happens from now on

  void close();  // nobody is to wait any more
  bool closed() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable told_;
  std::deque<Event> events_;  // by id
  std::uint64_t newest_;
  bool closed_ = false;
};

}  // namespace accrue::daemon
