// Figures of the ingest side that other threads may read at any time, for status and for Prometheus.
//
// The receiver's thread alone writes those of the streams, with relaxed stores: each figure is right, and two of them
// may be of different moments.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ingest/wire/messages.hpp"

namespace accrue::ingest {

// Of one stream, since the daemon started or the stream was created.
class StreamGauges {
 public:
  using Figure = std::atomic<std::uint64_t>;

  explicit StreamGauges(std::string stream) : name(std::move(stream)) {}

  const std::string name;
  Figure rows{0};                                       // accepted; those sent again after a rewind count again
  std::array<Figure, wire::kRejectReasons> rejected{};  // rows, by reason; likewise
  Figure queued_rows{0};                                // accepted and not yet durable
  Figure queued_bytes{0};                               // memory that their batches take
  Figure outstanding_bytes{0};                          // the messages they came in: what counts against credit
  Figure producers{0};                                  // connected

  static void add(Figure& figure, std::uint64_t more) { set(figure, figure.load(std::memory_order_relaxed) + more); }
  static void set(Figure& figure, std::uint64_t value) { figure.store(value, std::memory_order_relaxed); }
};

// Those of all streams. Its lock is taken when a stream comes or goes, and to read the list.
class StreamGaugesList {
 public:
  void add(std::uint64_t stream_id, std::shared_ptr<const StreamGauges> gauges) {
    const std::scoped_lock lock(mutex_);
    by_id_[stream_id] = std::move(gauges);
  }
  void remove(std::uint64_t stream_id) {
    const std::scoped_lock lock(mutex_);
    by_id_.erase(stream_id);
  }
  std::vector<std::shared_ptr<const StreamGauges>> all() const {  // the oldest stream first
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<const StreamGauges>> gauges;
    gauges.reserve(by_id_.size());
    for (const auto& [id, of_stream] : by_id_) gauges.push_back(of_stream);
    return gauges;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<const StreamGauges>> by_id_;
};

struct Gauges {
  std::atomic<std::uint32_t> workers{0};            // that are here
  std::atomic<std::uint64_t> producers{0};          // sessions that have said Hello and are still heard of
  std::atomic<std::uint64_t> window_bytes{0};       // what a producer may have outstanding at present
  std::atomic<std::uint64_t> outstanding_bytes{0};  // memory granted to batches accepted and not yet durable
  std::atomic<std::uint64_t> unread_bytes{0};  // of messages from clients that have not come whole, or not been read
  std::atomic<std::uint64_t> unsent_bytes{0};  // of messages to clients
  StreamGaugesList streams;

  std::uint64_t memory_bytes() const { return outstanding_bytes + unread_bytes + unsent_bytes; }
};

}  // namespace accrue::ingest
