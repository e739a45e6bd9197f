// The store's file format: its tables, and their numbered migrations. STORE.md documents it.
//
// Thread: that of the connection. Errors: StoreError for a store of a newer version, a damaged one or none of ours, and
// when a reader's transaction that does not end holds the write-ahead log.
#pragma once

#include "daemon/store_connection.hpp"

namespace accrue::daemon {

// Throws unless the connection's file is an accrue store whose tables this version can read. Changes nothing.
void require_readable_store(StoreConnection& connection);

// Creates the tables or brings them to this version, checks the whole file, flushes to it what the write-ahead log
// holds, and sets the connection up for commits.
void prepare_store(StoreConnection& connection);

}  // namespace accrue::daemon
