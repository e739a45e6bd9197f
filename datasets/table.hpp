// A data set in memory: named features and a target, one row after the other in the order of the source.
// A plain value; reading it from several threads is fine.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace accrue::datasets {

struct Table {
  std::vector<std::string> feature_names;
  std::string target_name;
  std::size_t rows = 0;
  std::vector<double> values;  // row-major, rows x columns(); a row is the features, then the target

  std::size_t columns() const { return feature_names.size() + 1; }
  std::span<const double> row(std::size_t i) const { return {values.data() + i * columns(), columns()}; }
};

}  // namespace accrue::datasets
