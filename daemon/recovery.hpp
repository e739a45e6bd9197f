// What the daemon starts from: for every stream of the store, its newest epoch whose states are intact. This is the one
// recovery path, whatever ended the daemon before.
//
// An epoch that is damaged is passed over for the one before it, with an error in the log that says which rows are
// gone, because those had been called durable. Throws std::runtime_error when a stream has no intact epoch left.
#pragma once

#include <vector>

#include "daemon/snapshot.hpp"
#include "daemon/store.hpp"
#include "ingest/stream.hpp"

namespace accrue::daemon {

// Also posts a snapshot of every stream to the board.
std::vector<ingest::RecoveredStream> recover(Store& store, SnapshotBoard& board);

}  // namespace accrue::daemon
