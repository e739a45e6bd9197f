// One simulated history: producers push rows to a daemon over a network, on a disk and in a time that are all made up
// from one seed, and all of them fail. After every crash and at the end the store must hold exactly the rows of the
// batches it says it holds, all that was acknowledged as durable among them, and equal the serial reference.
//
// What can happen: messages are delayed between any two parts, on the way to the daemon also doubled and reordered;
// connections are cut; the daemon is killed, also in the middle of a write to the store, with the power on or off; the
// disk fails or is full for a while; a producer dies and a new process goes on under its name; the wall clock jumps.
// Meanwhile models are added, promoted and dropped.
#pragma once

#include <cstdint>

namespace accrue::tests {

// What happened, so that a simulation in which nothing does is seen to be empty.
struct HistoryCounts {
  std::uint64_t events = 0;
  std::uint64_t rows_promised = 0;
  std::uint64_t epochs_checked = 0;
  std::uint64_t daemon_kills = 0;
  std::uint64_t kills_while_writing = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t disk_outages = 0;
  std::uint64_t cut_connections = 0;
  std::uint64_t producer_deaths = 0;
  std::uint64_t worker_faults = 0;  // ends, hangs and joins
  std::uint64_t model_changes = 0;  // that were called durable

  HistoryCounts& operator+=(const HistoryCounts& other);
};

// Throws std::runtime_error that says what was wrong.
HistoryCounts simulate(std::uint64_t seed);

}  // namespace accrue::tests
