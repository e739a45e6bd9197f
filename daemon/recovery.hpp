// What a stream goes on from: its newest epoch whose states are intact. This is the one recovery path, whatever ended
// the daemon before, or took a worker from it.
//
// An epoch that is damaged is passed over for the one before it, with an error in the log that says which rows are
// gone, because those had been called durable. Throws std::runtime_error when a stream has no intact epoch left.
#pragma once

#include <vector>

#include "daemon/events.hpp"
#include "daemon/snapshot.hpp"
#include "daemon/store.hpp"
#include "ingest/pipeline_messages.hpp"

namespace accrue::daemon {

// Also posts a snapshot of the stream to the board.
ingest::RecoveredStream recover(Store& store, const StreamRecord& stream, SnapshotBoard& board);

// All that the store holds.
std::vector<ingest::RecoveredStream> recover(Store& store, SnapshotBoard& board);

// Says so to whoever listens.
void tell_recovery(const ingest::RecoveredStream& stream, Events& events);

}  // namespace accrue::daemon
