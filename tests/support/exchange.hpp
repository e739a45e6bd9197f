// An exchange as workers have it: every partition of a stream sees what all the others have learned.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/model_set.hpp"

namespace accrue::tests {

// False when a share is refused, which no partition of the same stream may do.
[[nodiscard]] inline bool exchange(std::span<models::ModelSet> partitions) {
  std::vector<std::vector<std::byte>> shares;
  for (const models::ModelSet& partition : partitions) shares.push_back(partition.share());
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    std::vector<std::span<const std::byte>> others(shares.begin(), shares.end());
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    if (partitions[i].see(others) != models::DecodeError::kNone) return false;
  }
  return true;
}

}  // namespace accrue::tests
