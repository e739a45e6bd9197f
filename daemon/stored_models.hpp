// A stream's models back from the bytes that the store keeps of them. Functions are re-entrant.
//
// Errors: nothing is answered when the bytes are damaged or not the stream's, and `why` then says what is wrong.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "daemon/store.hpp"
#include "ingest/wire/stream_spec.hpp"
#include "models/model_set.hpp"

namespace accrue::daemon {

// Adds one of an epoch's states to what the others are together; false, and nothing changed, where it cannot be.
bool merge_part(const PartitionState& state, const wire::StreamSpec& spec, std::optional<models::ModelSet>& whole,
                std::string& why);

// An epoch's states, by partition, as one set of models.
std::optional<models::ModelSet> merged_models(std::span<const PartitionState> states, const wire::StreamSpec& spec,
                                              std::string& why);

}  // namespace accrue::daemon
