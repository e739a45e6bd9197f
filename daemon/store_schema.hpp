// The store's file format: what makes a file ours, its tables, and their numbered migrations. STORE.md documents it.
//
// Thread: that of the connection. Errors: StoreError for a file that is not an accrue store, of a newer version or
// damaged.
#pragma once

#include <filesystem>

#include "daemon/store_connection.hpp"

namespace accrue::daemon {

// Throws unless the file is an accrue store, or empty, or not there. Reads its first bytes only and opens no database:
// SQLite would run recovery in, and so write to, another application's file.
void require_accrue_store(const std::filesystem::path& file);

// Throws unless the connection's file is an accrue store whose tables this version can read. Changes nothing.
void require_readable_store(StoreConnection& connection);

// Creates the tables or brings them to this version, checks the whole file, and sets the connection up for commits.
void prepare_store(StoreConnection& connection);

}  // namespace accrue::daemon
