// The parts of `make bench` that need a running daemon. Each starts its own, in a directory of its own and configured
// as it is by default, and adds its runs to the report; what is compared runs by turns.
#pragma once

#include <string>

#include "tests/bench/report.hpp"
#include "tests/bench/rows.hpp"

namespace accrue::bench {

struct Effort {
  int rounds = 7;
  Seconds flow{1};                  // of one flow of rows
  std::size_t round_trips = 2'000;  // of one run
  std::size_t idle_streams = 10'000;
  Seconds idle{10};
};

inline constexpr std::size_t kFeatures = 8;
inline constexpr const char* kStream = "bench";

void measure_ingest(Report& report, const Effort& effort);       // batches, beside the references
void measure_single_rows(Report& report, const Effort& effort);  // one a call, and at a trickle
void measure_float32(Report& report, const Effort& effort);
void measure_predictions(Report& report, const Effort& effort);  // idle, while rows come flat out, and by batches
void measure_footprint(Report& report, const Effort& effort);    // start-up, size, memory
void measure_idle_streams(Report& report, const Effort& effort);

// What another process of this program does meanwhile: pushes rows to the stream until it is killed.
[[noreturn]] void push_flat_out(const std::string& endpoint);

}  // namespace accrue::bench
