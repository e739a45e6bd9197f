// accrue as its users have it, a daemon and a client in processes of their own, beside what moves the same bytes and
// learns nothing. `make bench` runs it; compare what it says as ratios, for they were measured by turns.
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/sections.hpp"

int main(int argc, char** argv) {
  using namespace accrue::bench;
  const std::vector<std::pair<std::string, std::function<void(Report&, const Effort&)>>> sections = {
      {"footprint", measure_footprint}, {"ingest", measure_ingest},       {"single", measure_single_rows},
      {"float32", measure_float32},     {"predict", measure_predictions}, {"idle", measure_idle_streams}};
  CLI::App app("Measures accrue beside raw ZeroMQ, TCP and memcpy");
  std::vector<std::string> only;
  std::string json = "socket_bench.json";
  std::string load_endpoint;
  Effort effort;
  bool quick = false;
  app.add_option("--only", only, "Some of: footprint, ingest, single, float32, predict, idle");
  app.add_option("--json", json, "Where the runs are written");
  app.add_option("--rounds", effort.rounds, "Runs of each measurement");
  app.add_flag("--quick", quick, "Only to see that it runs; the figures say nothing");
  app.add_option("--push-flat-out", load_endpoint, "Push to a daemon until killed")->group("");
  CLI11_PARSE(app, argc, argv);
  if (quick) {
    effort = {.rounds = 1, .flow = Seconds(0.2), .round_trips = 200, .idle_streams = 500, .idle = Seconds(1)};
  }
  try {
    if (!load_endpoint.empty()) push_flat_out(load_endpoint);
    const std::set<std::string> wanted(only.begin(), only.end());
    Report report;
    if (quick) report.warn("a quick run, to see that it runs: the figures say nothing");
    std::printf("%s\n", machine().dump(2).c_str());
    for (const auto& [name, measure] : sections) {
      if (!wanted.empty() && !wanted.contains(name)) continue;
      try {
        measure(report, effort);
      } catch (const std::exception& error) {  // the others say something all the same
        std::fprintf(stderr, "socket_bench: %s: %s\n", name.c_str(), error.what());
        report.warn(name + " was not measured: " + error.what());
      }
    }
    report.print();
    report.write(json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket_bench: %s\n", error.what());
    return 1;
  }
}
