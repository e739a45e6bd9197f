// OlderParts: what a model of every key knew, as of a snapshot's epoch, of the keys that it has evicted: from the
// store, and from the snapshot itself as long as its epoch is not in the store.
//
// Thread: one at a time. Holds a read transaction: not to be kept (StoreView). Costs: about 0.2 ms to make, 10 us a
// key. Errors: std::runtime_error when the store cannot be read, a state in it is damaged, or the epoch is not kept any
// more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/snapshot.hpp"
#include "daemon/store_view.hpp"
#include "models/factor.hpp"

namespace accrue::daemon {

class OlderParts {
 public:
  // Of a model of the snapshot that has a model for every key.
  OlderParts(const std::filesystem::path& store, const Snapshot& snapshot, const models::Model& model);

  const models::Factor* find(double key);  // null where the model never let go of it

 private:
  void add(const std::vector<std::byte>& state, double kept, double key, std::optional<models::Factor>& sum) const;

  const std::filesystem::path& file_;
  const Snapshot& snapshot_;
  const std::string& model_;
  const models::KeyFigures keys_;
  StoreView store_;
  std::uint64_t stream_ = 0;
  std::uint64_t epoch_ = 0;  // as of which the store is asked; older than the snapshot's while that is not in it
  std::unordered_map<double, std::optional<models::Factor>> found_;
};

}  // namespace accrue::daemon
