#include <algorithm>
#include <cmath>

#include "accrue/client.hpp"

namespace accrue {

std::vector<double> learned_cuts(std::vector<double> keys, std::uint32_t partitions) {
  if (!std::all_of(keys.begin(), keys.end(), [](double key) { return std::isfinite(key); })) {
    throw Error(Error::Kind::kInvalid, "cut points cannot be learned from keys that are not finite");
  }
  std::sort(keys.begin(), keys.end());
  std::vector<double> values = keys;
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (values.size() < partitions) {
    throw Error(Error::Kind::kInvalid, std::to_string(partitions) + " partitions cannot be cut from " +
                                           std::to_string(values.size()) + " different values");
  }
  std::vector<double> cuts;
  std::size_t least = 1;  // nothing would lie below the first value
  for (std::uint32_t i = 1; i < partitions; ++i) {
    const double quantile = keys[keys.size() * i / partitions];
    const auto wanted =
        static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), quantile) - values.begin());
    const std::size_t most = values.size() - (partitions - i);  // leaves a value for each cut to come
    const std::size_t cut = std::clamp(wanted, least, most);
    cuts.push_back(values[cut]);
    least = cut + 1;
  }
  return cuts;
}

}  // namespace accrue
