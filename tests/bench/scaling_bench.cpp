// How accrue's speed and memory grow with each thing that there may be much of: a table and a plot for each, of a
// daemon of its own at every size. `make bench-scaling` runs it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/cli/svg_plot.hpp"
#include "tests/bench/flows.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/wire_producer.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/process_usage.hpp"

namespace accrue::bench {
namespace {

constexpr const char* kStream = "bench";
constexpr std::size_t kFeatures = 8;
constexpr std::chrono::minutes kPatient{2};

struct Measured {
  double rows_per_second = 0;
  double memory_mb = 0;  // resident at most
};
using Measure = std::function<Measured(std::size_t size, Seconds time)>;

struct Dimension {
  std::string name;
  std::string label;
  std::vector<std::size_t> sizes;
  Measure measure;
};

Measured of(tests::Daemon& daemon, double rows_per_second) {
  return {rows_per_second, tests::memory_mb(daemon.process().pid(), "VmHWM").value()};
}

Measured with_features(std::size_t features, Seconds time) {
  const bool wide = features > 100;
  const std::size_t batch = wide ? 64 : 1'024;
  const std::size_t most_mb = wide ? 16 : 64;  // what is on its way has to be learned before the run ends
  const Rows rows(features, wide ? 1'024 : 16'384);
  if (wide) time *= 5;  // until there are some rows for each coefficient
  tests::Daemon daemon(kQuiet);
  Client client(
      {.endpoint = daemon.endpoint(), .batch_rows = batch, .max_unacknowledged_mb = most_mb, .timeout = kPatient});
  Stream stream = client.stream(kStream, stream_spec(features));
  return of(daemon, accrue_flow(stream, rows, batch, time));
}

Measured with_batch(std::size_t batch, Seconds time) {
  const Rows rows(kFeatures);
  tests::Daemon daemon(kQuiet);
  Client client({.endpoint = daemon.endpoint(), .batch_rows = batch, .timeout = kPatient});
  Stream stream = client.stream(kStream, stream_spec(kFeatures));
  return of(daemon, accrue_flow(stream, rows, batch, time));
}

// Of one stream; they share a thread here, each with an even share of what the daemon holds.
Measured with_producers(std::size_t producers, Seconds time) {
  constexpr std::size_t kBatch = 256;
  constexpr std::uint64_t kHeldBytes = 128u << 20;
  const Rows rows(kFeatures);
  tests::Daemon daemon(kQuiet);
  zmq::context_t context;
  context.set(zmq::ctxopt::max_sockets, 4'096);
  std::vector<std::unique_ptr<WireProducer>> all;
  for (std::size_t i = 0; i < producers; ++i) {
    all.push_back(std::make_unique<WireProducer>(context, daemon.endpoint(), "p" + std::to_string(i), kStream,
                                                 wire_spec(kFeatures), kHeldBytes / producers));
  }
  const auto begin = Clock::now();
  std::size_t batches = 0;
  while (Clock::now() - begin < time) {
    bool any = false;
    for (const auto& producer : all) {
      const bool sent = producer->try_send(rows.batch(batches, kBatch), kBatch);
      batches += sent ? 1 : 0;
      any = any || sent;
    }
    if (!any) all.front()->wait();
  }
  for (const auto& producer : all) producer->ask_flush();
  for (const auto& producer : all) producer->await_durable();
  return of(daemon, static_cast<double>(batches * kBatch) / seconds_since(begin));
}

// A batch for each in turn, by clients of some of them each.
Measured with_streams(std::size_t streams, Seconds time) {
  constexpr std::size_t kBatch = 256;
  constexpr std::size_t kStreamsAClient = 250;
  const Rows rows(kFeatures);
  tests::Daemon daemon(kQuiet);
  const ClientOptions options{.endpoint = daemon.endpoint(), .batch_rows = kBatch, .timeout = kPatient};
  std::vector<Client> clients;
  std::vector<Stream> all;
  for (std::size_t i = 0; i < streams; ++i) {
    if (i % kStreamsAClient == 0) clients.emplace_back(options);
    all.push_back(clients.back().stream("s" + std::to_string(i), stream_spec(kFeatures)));
  }
  const auto begin = Clock::now();
  std::size_t batches = 0;
  while (Clock::now() - begin < time) {
    all[batches % streams].push_rows(rows.batch(batches, kBatch));
    ++batches;
  }
  for (Stream& stream : all) stream.flush();
  return of(daemon, static_cast<double>(batches * kBatch) / seconds_since(begin));
}

Measured with_models(std::size_t models, Seconds time) {
  constexpr std::size_t kBatch = 1'024;
  const Rows rows(kFeatures);
  tests::Daemon daemon(kQuiet);
  Client client({.endpoint = daemon.endpoint(), .batch_rows = kBatch, .timeout = kPatient});
  StreamSpec spec = stream_spec(kFeatures);
  for (std::size_t i = 0; i < models; ++i) spec.models.push_back({.name = "m" + std::to_string(i)});
  Stream stream = client.stream(kStream, spec);
  return of(daemon, accrue_flow(stream, rows, kBatch, time));
}

// By time alone: a stream that learns fast would otherwise have its epoch for the rows it has learned.
Measured with_epoch_interval(std::size_t milliseconds, Seconds time) {
  constexpr std::size_t kBatch = 1'024;
  const Rows rows(kFeatures);
  tests::Daemon daemon({"--epoch-interval-ms", std::to_string(milliseconds), "--epoch-rows", "1000000000"});
  Client client({.endpoint = daemon.endpoint(), .batch_rows = kBatch, .timeout = kPatient});
  Stream stream = client.stream(kStream, stream_spec(kFeatures));
  return of(daemon, accrue_flow(stream, rows, kBatch, time));
}

const std::vector<Dimension> kDimensions = {
    {"features", "features (d)", {2, 4, 8, 16, 32, 64, 128, 256, 512, 1'000}, with_features},
    {"batch", "rows a batch", {1, 4, 16, 64, 256, 1'024, 4'096, 16'384, 65'536}, with_batch},
    {"producers", "producers", {1, 3, 10, 30, 100, 300, 1'000}, with_producers},
    {"streams", "streams", {1, 10, 100, 1'000, 3'000, 10'000}, with_streams},
    {"models", "models a stream", {1, 2, 4, 8, 16, 32}, with_models},
    {"epoch_interval", "epoch interval, ms", {1, 10, 100, 1'000, 10'000}, with_epoch_interval},
};

// The figure of each size that stands in that column. The plot's own axes are not logarithmic, and sizes and figures
// are spread over powers of ten.
void plot(const Dimension& dimension, const std::vector<std::vector<double>>& rows, std::size_t column,
          const std::string& what, const std::filesystem::path& to) {
  cli::Plot plot{.title = what + " by " + dimension.label,
                 .x_label = dimension.label + ", as a power of ten",
                 .y_label = what + ", as a power of ten",
                 .lines = {{what}}};
  for (const auto& row : rows) plot.lines[0].points.push_back({std::log10(row[0]), std::log10(row[column])});
  std::ofstream(to) << cli::svg(plot);
}

void measure(const Dimension& dimension, bool quick, int rounds, Report& report, const std::filesystem::path& plots) {
  std::vector<std::size_t> sizes = dimension.sizes;
  if (quick) sizes.resize(2);
  const Seconds time(quick ? 0.1 : 1.0);
  std::vector<std::vector<Measured>> runs(sizes.size());
  for (int round = 0; round < rounds; ++round) {  // all sizes by turns
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      runs[i].push_back(dimension.measure(sizes[i], time));
      std::printf("%-16s %8zu %14.6g rows/s %10.1f MiB\n", dimension.name.c_str(), sizes[i],
                  runs[i].back().rows_per_second, runs[i].back().memory_mb);
      std::fflush(stdout);
    }
  }
  std::vector<std::vector<double>> rows;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::sort(runs[i].begin(), runs[i].end(),
              [](const Measured& a, const Measured& b) { return a.rows_per_second < b.rows_per_second; });
    const Measured& middle = runs[i][runs[i].size() / 2];
    rows.push_back({static_cast<double>(sizes[i]), middle.rows_per_second, middle.memory_mb,
                    runs[i].front().rows_per_second, runs[i].back().rows_per_second});
  }
  report.add_table(dimension.name, {dimension.label, "rows/s (median)", "MiB", "rows/s (least)", "rows/s (most)"},
                   rows);
  std::filesystem::create_directories(plots);
  plot(dimension, rows, 1, "rows/s", plots / (dimension.name + "_rows.svg"));
  plot(dimension, rows, 2, "memory in MiB", plots / (dimension.name + "_memory.svg"));
}

}  // namespace
}  // namespace accrue::bench

int main(int argc, char** argv) {
  using namespace accrue::bench;
  CLI::App app("Measures how accrue's speed and memory grow");
  std::vector<std::string> only;
  std::string json = "scaling.json";
  std::string plots = "plots";
  int rounds = 3;
  bool quick = false;
  app.add_option("--only", only, "Some of: features, batch, producers, streams, models, epoch_interval");
  app.add_option("--json", json, "Where the tables are written");
  app.add_option("--plots", plots, "The directory of the plots");
  app.add_option("--rounds", rounds, "Runs of each size");
  app.add_flag("--quick", quick, "Only to see that it runs; the figures say nothing");
  CLI11_PARSE(app, argc, argv);
  try {
    const std::set<std::string> wanted(only.begin(), only.end());
    Report report;
    if (quick) report.warn("a quick run, to see that it runs: the figures say nothing");
    for (const Dimension& dimension : kDimensions) {
      if (!wanted.empty() && !wanted.contains(dimension.name)) continue;
      measure(dimension, quick, quick ? 1 : rounds, report, plots);
    }
    report.write(json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scaling_bench: %s\n", error.what());
    return 1;
  }
}
