// How long a killed daemon is away: from kill -9 to the first row that is durable again, with many streams to recover.
#include <chrono>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <benchmark/benchmark.h>

#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

constexpr std::size_t kFeatures = 32;
constexpr std::size_t kRows = 100;

StreamSpec spec() {
  StreamSpec spec{.target = "y"};
  for (std::size_t i = 0; i < kFeatures; ++i) spec.features.push_back("x" + std::to_string(i));
  return spec;
}

std::vector<double> rows() {
  std::vector<double> values;
  for (std::size_t i = 0; i < kRows * (kFeatures + 1); ++i) values.push_back(static_cast<double>(i * 7'919 % 1'009));
  return values;
}

void kill_to_first_acknowledgement(benchmark::State& state) {
  Daemon daemon;
  {
    Client client({.endpoint = daemon.endpoint()});
    std::vector<Stream> streams;
    for (int i = 0; i < state.range(0); ++i) streams.push_back(client.stream("s" + std::to_string(i), spec()));
    for (Stream& stream : streams) stream.push_rows(rows());
    for (Stream& stream : streams) stream.flush();
  }
  for (auto _ : state) {
    const auto killed = std::chrono::steady_clock::now();
    daemon.kill();
    daemon.start();
    Client client({.endpoint = daemon.endpoint()});
    Stream stream = client.stream("s0");
    stream.push_rows(rows());
    stream.flush();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count());
  }
}
BENCHMARK(kill_to_first_acknowledgement)
    ->ArgName("streams_of_32_features")
    ->Arg(1)
    ->Arg(1'000)
    ->Iterations(5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace accrue::tests
