// What a measuring program found: every run of every measurement, printed as it comes and written as JSON at the end,
// with the machine that it says something about. scripts/bench-page makes tests/bench/RESULTS.md of it.
//
// One thread. Errors: std::runtime_error where the file cannot be written.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace accrue::bench {

class Report {
 public:
  // One run. The name is WHAT/WHO, such as "ingest_4096/accrue".
  void add(const std::string& name, const std::string& unit, double value);

  // What must be known of all these figures.
  void warn(const std::string& text) { warning_ = text; }

  // The medians and spreads so far, one a line.
  void print() const;
  // {"machine": {...}, "warning": "", "measurements": {name: {unit, median, min, max, runs}}, "tables": {...}}
  void write(const std::filesystem::path& file) const;

  // A table of a scaling run: columns, and a row of numbers for each size.
  void add_table(const std::string& name, const std::vector<std::string>& columns,
                 const std::vector<std::vector<double>>& rows);

 private:
  struct Measurement {
    std::string unit;
    std::vector<double> runs;
  };
  std::string warning_;
  std::vector<std::string> order_;
  std::map<std::string, Measurement> measurements_;
  nlohmann::json tables_ = nlohmann::json::object();
};

// CPU, cores, vector instructions, kernel, compiler, commit and date.
nlohmann::json machine();

}  // namespace accrue::bench
