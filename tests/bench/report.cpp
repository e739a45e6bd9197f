#include "tests/bench/report.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <sys/utsname.h>

#include "tests/bench/statistics.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::bench {
namespace {

std::string cpu_line(const std::string& key) {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(key) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string commit() {
  const auto git = tests::run({"/usr/bin/git", "-C", ACCRUE_SOURCE_DIR, "describe", "--always", "--dirty"});
  return git.exit_code == 0 ? git.output.substr(0, git.output.find('\n')) : "unknown";
}

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc)};
}

}  // namespace

nlohmann::json machine() {
  const std::string flags = " " + cpu_line("flags") + " ";
  std::string vectors;
  for (const char* set : {"avx2", "fma", "avx512f"}) {
    if (flags.find(std::string(" ") + set + " ") != std::string::npos) vectors += std::string(set) + " ";
  }
  utsname system{};
  ::uname(&system);
  return {{"cpu", cpu_line("model name")},
          {"cores", std::thread::hardware_concurrency()},
          {"vector_instructions", vectors},
          {"kernel", std::string(system.sysname) + " " + system.release},
#ifdef __clang__
          {"compiler", std::string("Clang ") + __clang_version__},
#else
          {"compiler", std::string("GCC ") + __VERSION__},
#endif
          {"commit", commit()},
          {"date", now_utc()}};
}

void Report::add(const std::string& name, const std::string& unit, double value) {
  if (!measurements_.contains(name)) order_.push_back(name);
  Measurement& measurement = measurements_[name];
  measurement.unit = unit;
  measurement.runs.push_back(value);
  std::printf("%-44s %14.6g %s\n", name.c_str(), value, unit.c_str());
  std::fflush(stdout);
}

void Report::add_table(const std::string& name, const std::vector<std::string>& columns,
                       const std::vector<std::vector<double>>& rows) {
  tables_[name] = {{"columns", columns}, {"rows", rows}};
}

void Report::print() const {
  std::printf("\n%-44s %14s %14s %14s\n", "median of the runs", "median", "min", "max");
  for (const std::string& name : order_) {
    const Measurement& measurement = measurements_.at(name);
    const auto [least, most] = std::minmax_element(measurement.runs.begin(), measurement.runs.end());
    std::printf("%-44s %14.6g %14.6g %14.6g %s\n", name.c_str(), median(measurement.runs), *least, *most,
                measurement.unit.c_str());
  }
}

void Report::write(const std::filesystem::path& file) const {
  nlohmann::json document = {
      {"machine", machine()}, {"warning", warning_}, {"measurements", nlohmann::json::object()}, {"tables", tables_}};
  for (const std::string& name : order_) {
    const Measurement& measurement = measurements_.at(name);
    const auto [least, most] = std::minmax_element(measurement.runs.begin(), measurement.runs.end());
    document["measurements"][name] = {{"unit", measurement.unit},
                                      {"median", median(measurement.runs)},
                                      {"min", *least},
                                      {"max", *most},
                                      {"runs", measurement.runs}};
  }
  std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
  std::ofstream out(file);
  out << document.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace accrue::bench
