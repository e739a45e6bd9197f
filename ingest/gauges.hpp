// Figures of the ingest side that other threads may read at any time, for status.
#pragma once

#include <atomic>
#include <cstdint>

namespace accrue::ingest {

struct Gauges {
  std::atomic<std::uint32_t> workers{0};            // that are here
  std::atomic<std::uint64_t> producers{0};          // sessions that have said Hello and are still heard of
  std::atomic<std::uint64_t> outstanding_bytes{0};  // of batches accepted and not yet durable
};

}  // namespace accrue::ingest
