// What several runs of one measurement say together, and where within a run most answers lie. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace accrue::bench {

// The smallest value that at least the given share of all values does not exceed; of none it is 0.
inline double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[std::min(values.size(), std::max<std::size_t>(static_cast<std::size_t>(rank), 1)) - 1];
}

// Of an even number of values it is the mean of the two in the middle.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace accrue::bench
