// Runs simulated histories, one for every seed, and says which seed fails and how to see it again.
#include <cstdint>
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include "tests/crash/simulation.hpp"

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1'000;
  CLI::App app("Simulated histories of crashes, each a function of its seed");
  app.add_option("--first", first, "the first seed")->capture_default_str();
  app.add_option("--seeds", seeds, "how many")->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::off);  // the daemon's own log of what is done to it

  accrue::tests::HistoryCounts counts;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    try {
      counts += accrue::tests::simulate(seed);
    } catch (const std::exception& error) {
      std::cerr << "seed " << seed << ": " << error.what() << "\nagain with: make simulate FIRST=" << seed
                << " SEEDS=1\n";
      return 1;
    }
  }
  std::cout << "histories " << seeds << " (seeds " << first << " to " << first + seeds - 1 << "), events "
            << counts.events << "\nrows promised " << counts.rows_promised << ", epochs checked "
            << counts.epochs_checked << "\nkills " << counts.daemon_kills << ", power cuts " << counts.power_cuts
            << ", of both while writing " << counts.kills_while_writing << "\ndisk outages " << counts.disk_outages
            << ", connections cut " << counts.cut_connections << ", producers died " << counts.producer_deaths
            << ", workers ended, hung or joined " << counts.worker_faults << "\nchanges of models that became durable "
            << counts.model_changes
            << "\nacknowledged rows lost 0, learned twice 0, states that differ from the serial reference 0\n";
}
