// The store's file format: its tables, and their numbered migrations. STORE.md documents it.
//
// Thread: one, at start. Errors: StoreError for a store of a newer version or a damaged one, and when a reader's
// transaction that does not end holds the write-ahead log.
#pragma once

#include "daemon/store_connection.hpp"

namespace accrue::daemon {

// Creates the tables or brings them to this version, checks the whole file, flushes to it what the write-ahead log
// holds, and sets the connection up for commits.
void prepare_store(StoreConnection& connection);

}  // namespace accrue::daemon
