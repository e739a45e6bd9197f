// Keys that models have let go of, on their way from the worker to the store. Functions are re-entrant.
#pragma once

#include <memory>
#include <vector>

#include "daemon/store.hpp"
#include "ingest/wire/codec.hpp"
#include "models/model_set.hpp"

namespace accrue::daemon {

// As PartitionState carries them: nothing where there are none.
wire::Bytes encode_evicted(const std::vector<models::EvictedKey>& evicted);

// Adds those of one partition, as they were encoded by one of our own workers.
void add_evicted(wire::BytesView encoded, std::vector<EvictedKey>& to);

// By model, beginning and key, each once: what came of one twice is merged. Null for none.
std::shared_ptr<const std::vector<EvictedKey>> in_order(std::vector<EvictedKey>&& evicted);

// Of one in order; null where it is not among them.
const EvictedKey* find(const std::vector<EvictedKey>& ordered, const KeyBeginning& learner, double key);

}  // namespace accrue::daemon
