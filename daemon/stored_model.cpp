#include "daemon/stored_model.hpp"

#include <utility>

#include "daemon/snapshot.hpp"

namespace accrue::daemon {

std::optional<models::Model> decoded_part(const PartitionState& state, const wire::StreamSpec& spec, std::string& why) {
  std::optional<models::Model> part;
  const models::DecodeError error = models::Model::decode(state.state, part);
  if (part && part->learner().options() == learner_options(spec)) return part;
  why = "partition " + std::to_string(state.partition) + ": " +
        (part ? "it belongs to another specification" : to_string(error));
  return std::nullopt;
}

std::optional<models::Model> merged_model(std::span<const PartitionState> states, const wire::StreamSpec& spec,
                                          std::string& why) {
  if (states.size() != spec.partitions) {
    why = std::to_string(states.size()) + " of " + std::to_string(spec.partitions) + " partitions are there";
    return std::nullopt;
  }
  std::optional<models::Model> whole;
  for (const PartitionState& state : states) {
    std::optional<models::Model> part = decoded_part(state, spec, why);
    if (!part) return std::nullopt;
    if (whole) {
      whole->merge(*part);
    } else {
      whole = std::move(part);
    }
  }
  return whole;
}

}  // namespace accrue::daemon
