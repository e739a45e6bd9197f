// What a snapshot tells of its stream and of its models, as answers to queries; the number of the query is left to
// whoever was asked. Functions are re-entrant.
#pragma once

#include "daemon/snapshot.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::daemon {

// Of a model of the snapshot.
wire::Coef coef_of(const Snapshot& snapshot, const models::Model& model);
wire::Metrics metrics_of(const Snapshot& snapshot, const models::Model& model);

// Of all of them.
wire::Models models_of(const Snapshot& snapshot);
wire::StreamStatus status_of(const Snapshot& snapshot);

}  // namespace accrue::daemon
