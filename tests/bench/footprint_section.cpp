#include <filesystem>
#include <stdexcept>
#include <thread>

#include "tests/bench/flows.hpp"
#include "tests/bench/sections.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/process_usage.hpp"

namespace accrue::bench {
namespace {

constexpr double kMebibyte = 1'048'576;

double stripped_size_mb() {
  const tests::TemporaryDirectory directory;
  const std::filesystem::path copy = directory.path() / "accrued";
  const auto strip = tests::run({"/usr/bin/strip", "-o", copy.string(), ACCRUED_PATH});
  if (strip.exit_code != 0) throw std::runtime_error("strip: " + strip.error_output);
  return static_cast<double>(std::filesystem::file_size(copy)) / kMebibyte;
}

// Its share of one core, in percent, while nothing is asked of it.
double idle_cpu_percent(tests::Daemon& daemon, Seconds time) {
  const double before = tests::cpu_seconds(daemon.process().pid()).value();
  const auto begin = Clock::now();
  std::this_thread::sleep_for(time);
  return (tests::cpu_seconds(daemon.process().pid()).value() - before) / seconds_since(begin) * 100;
}

}  // namespace

void measure_footprint(Report& report, const Effort& effort) {
  report.add("binary_stripped/accrue", "MiB", stripped_size_mb());
  for (int round = -1; round < effort.rounds; ++round) {
    const auto begin = Clock::now();
    tests::Daemon daemon({}, {.http = true});  // as it is for those who say nothing
    const double listening = seconds_since(begin) * 1e3;
    Client client({.endpoint = daemon.endpoint()});
    (void)client.status();
    const double answering = seconds_since(begin) * 1e3;
    const double memory = tests::memory_mb(daemon.process().pid(), "VmRSS").value();
    if (round >= 0) {
      report.add("start_listening/accrue", "ms", listening);
      report.add("start_answering/accrue", "ms", answering);
      report.add("memory_idle/accrue", "MiB", memory);
    }
    daemon.stop();
  }
}

void measure_idle_streams(Report& report, const Effort& effort) {
  constexpr std::size_t kRowsAStream = 16;
  constexpr std::size_t kStreamsAClient = 250;
  const Rows rows(kFeatures);
  tests::Daemon daemon(kQuiet, {.http = true});
  const ClientOptions options{.endpoint = daemon.endpoint(), .timeout = std::chrono::minutes(2)};
  {
    std::vector<Client> clients;
    std::vector<Stream> streams;
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < effort.idle_streams; ++i) {
      if (i % kStreamsAClient == 0) clients.emplace_back(options);
      streams.push_back(clients.back().stream("s" + std::to_string(i), stream_spec(kFeatures)));
    }
    report.add("idle_streams_created/accrue", "streams/s",
               static_cast<double>(effort.idle_streams) / seconds_since(begin));
    for (Stream& stream : streams) stream.push_rows(rows.batch(0, kRowsAStream));
    for (Stream& stream : streams) stream.flush();
    report.add("idle_streams_cpu_connected/accrue", "% of a core", idle_cpu_percent(daemon, effort.idle));
  }
  report.add("idle_streams_cpu/accrue", "% of a core", idle_cpu_percent(daemon, effort.idle));
  report.add("idle_streams_memory/accrue", "MiB", tests::memory_mb(daemon.process().pid(), "VmRSS").value());
}

}  // namespace accrue::bench
