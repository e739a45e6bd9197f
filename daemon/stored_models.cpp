#include "daemon/stored_models.hpp"

#include <utility>

namespace accrue::daemon {
namespace {

std::string of_partition(const PartitionState& state, const char* what) {
  return "partition " + std::to_string(state.partition) + ": " + what;
}

std::optional<models::ModelSet> decoded_part(const PartitionState& state, const wire::StreamSpec& spec,
                                             std::string& why) {
  std::optional<models::ModelSet> part;
  const models::DecodeError error = models::ModelSet::decode(state.state, part, spec.features);
  if (part) return part;
  why = of_partition(state, to_string(error));
  return std::nullopt;
}

}  // namespace

bool merge_part(const PartitionState& state, const wire::StreamSpec& spec, std::optional<models::ModelSet>& whole,
                std::string& why) {
  std::optional<models::ModelSet> part = decoded_part(state, spec, why);
  if (!part) return false;
  if (!whole) {
    whole = std::move(part);
  } else if (whole->has_the_models_of(*part)) {
    whole->merge(*part);
  } else {
    why = of_partition(state, "it has other models than the partitions before it");
    return false;
  }
  return true;
}

std::optional<models::ModelSet> merged_models(std::span<const PartitionState> states, const wire::StreamSpec& spec,
                                              std::string& why) {
  if (states.size() != spec.partitions) {
    why = std::to_string(states.size()) + " of " + std::to_string(spec.partitions) + " partitions are there";
    return std::nullopt;
  }
  std::optional<models::ModelSet> whole;
  for (const PartitionState& state : states) {
    if (!merge_part(state, spec, whole, why)) return std::nullopt;
  }
  return whole;
}

}  // namespace accrue::daemon
