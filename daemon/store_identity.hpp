// What makes a file ours: the application identifier in the header of the database.
//
// Thread: one, at start. Errors: StoreError for a file that is not an accrue store or cannot be read.
// Source: https://www.sqlite.org/fileformat2.html, sections 1.3 (header), 3 (rollback journal), 4 (write-ahead log).
#pragma once

#include <cstdint>
#include <filesystem>

namespace accrue::daemon {

inline constexpr std::int64_t kApplicationId = 0x61636372;  // "accr"

enum class FirstPage : std::uint8_t { kIntact, kToBeRestored };

// Throws unless the file is an accrue store, or empty, or not there. Only reads, and opens no database: SQLite would
// run recovery in, and so write to, another application's file. Power that fails while the database's first page is
// written may leave anything there; then the journal or the write-ahead log beside it, whence SQLite restores the page,
// tells.
[[nodiscard]] FirstPage require_accrue_store(const std::filesystem::path& file);

}  // namespace accrue::daemon
