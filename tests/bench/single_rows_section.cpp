#include "tests/bench/applied_relay.hpp"
#include "tests/bench/flows.hpp"
#include "tests/bench/sections.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::bench {
namespace {

// A row at a time with nothing else on its way: milliseconds from the call until the daemon has said that it is
// applied, which the client library's linger and a relay's hop are part of.
void measure_trickle(Report& report, const Effort& effort, const Rows& rows) {
  tests::Daemon daemon;
  AppliedRelay relay(daemon.endpoint());
  Client client({.endpoint = relay.endpoint()});
  Stream stream = client.stream(kStream, stream_spec(kFeatures));
  const std::size_t count = std::max<std::size_t>(effort.round_trips / 10, 1);
  std::size_t next = 0;
  for (int round = -1; round < effort.rounds; ++round) {
    std::vector<double> taken;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t before = relay.applied();
      const std::span<const double> row = rows.batch(next++, 1);
      const auto begin = Clock::now();
      stream.push(row.first(kFeatures), row.back());
      taken.push_back(Seconds(relay.applied_after(before) - begin).count() * 1e3);
    }
    if (round < 0) continue;
    report.add("trickle_applied_p50/accrue", "ms", quantile(taken, 0.50));
    report.add("trickle_applied_p99/accrue", "ms", quantile(taken, 0.99));
    const std::span<const double> row = rows.batch(next++, 1);
    const auto begin = Clock::now();
    stream.push(row.first(kFeatures), row.back());
    stream.flush();
    report.add("trickle_durable/accrue", "ms", seconds_since(begin) * 1e3);
  }
}

}  // namespace

void measure_single_rows(Report& report, const Effort& effort) {
  const Rows rows(kFeatures);
  {
    tests::Daemon daemon;
    Client client({.endpoint = daemon.endpoint()});
    Stream stream = client.stream(kStream, stream_spec(kFeatures));
    for (int round = -1; round < effort.rounds; ++round) {
      const double rate = accrue_single_rows(stream, rows, effort.flow);
      if (round >= 0) report.add("push_single/accrue", "rows/s", rate);
    }
  }
  measure_trickle(report, effort, rows);
}

}  // namespace accrue::bench
