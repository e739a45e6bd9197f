// Copies a store into a new file, which is there whole or not at all: backup and restore.
//
// The store is read as of one moment through a connection that only reads, so a running daemon goes on meanwhile; its
// write-ahead log grows for as long as that takes. The copy is made under a name of its own beside the new file,
// verified (verification.hpp), flushed to the disk, and only then given its name. It needs no -wal file beside it.
//
// Thread: any. Errors: std::runtime_error that says what to do, a StoreError among them; there is then no new file. A
// process that is killed leaves a file FILE.XXXXXX, which may be deleted.
#pragma once

#include <filesystem>

#include "daemon/verification.hpp"

namespace accrue::daemon {

// `to` must not be there. Answers what the copy holds.
Verification copy_store(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace accrue::daemon
