// Figures of the ingest side that other threads may read at any time, for status.
#pragma once

#include <atomic>
#include <cstdint>

namespace accrue::ingest {

struct Gauges {
  std::atomic<std::uint32_t> workers{0};            // that are here
  std::atomic<std::uint64_t> producers{0};          // sessions that have said Hello and are still heard of
  std::atomic<std::uint64_t> outstanding_bytes{0};  // memory granted to batches accepted and not yet durable
  std::atomic<std::uint64_t> unread_bytes{0};  // of messages from clients that have not come whole, or not been read
  std::atomic<std::uint64_t> unsent_bytes{0};  // of messages to clients
};

}  // namespace accrue::ingest
