// Exposition: what the daemon tells Prometheus, as a text of its exposition format 0.0.4, for whoever serves it.
//
// text() may be called from any thread at any time. It takes locks for as long as it takes to copy a pointer or one
// stream's histograms, so neither rows nor predictions wait for a scrape.
//
// Names: accrue_..., in base units. A counter (..._total) counts since the daemon started and never goes back; what the
// newest epoch holds may go back, when a stream is rolled back, and is a gauge. A figure that is not defined, such as
// an error before the first row, is left out rather than NaN, which would make NaN of every sum and mean over it.
//
// A stream comes with all its models or not at all, the oldest first, until there are kMaxSamples lines, which is as
// much as Prometheus likes of one target: some 600 streams of one model, 4 MB, in 0.07 s. accrue_streams says how many
// there are, accrue_streams_exposed how many of them are told of.
// METRICS.md lists all.
#pragma once

#include <cstddef>
#include <string>

#include "daemon/daemon_facts.hpp"
#include "daemon/health.hpp"
#include "daemon/latencies.hpp"
#include "daemon/snapshot.hpp"
#include "ingest/gauges.hpp"

namespace accrue::daemon {

class Exposition {
 public:
  static constexpr std::size_t kMaxSamples = 50'000;
  // For the header of a HTTP answer.
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  Exposition(DaemonFacts facts, const SnapshotBoard& board, const Health& health, const ingest::Gauges& gauges,
             const Latencies& latencies);

  std::string text() const;

 private:
  const DaemonFacts facts_;
  const SnapshotBoard& board_;
  const Health& health_;
  const ingest::Gauges& gauges_;
  const Latencies& latencies_;
};

}  // namespace accrue::daemon
