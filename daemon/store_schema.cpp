#include "daemon/store_schema.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "daemon/store.hpp"

namespace accrue::daemon {
namespace {

constexpr std::int64_t kApplicationId = 0x61636372;  // "accr"

// Migration i brings a store of version i to version i + 1. Those that were ever released are never edited.
constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  spec TEXT NOT NULL CHECK (json_valid(spec))
) STRICT;
CREATE TABLE epochs (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  committed_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (stream, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE states (
  stream INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (stream, epoch, partition),
  FOREIGN KEY (stream, epoch) REFERENCES epochs (stream, epoch) ON DELETE CASCADE
) STRICT;
CREATE TABLE producers (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  producer TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  sequence INTEGER,
  PRIMARY KEY (stream, producer, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX producers_by_epoch ON producers (stream, epoch);
CREATE TABLE rejections (
  stream INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  reason TEXT NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (stream, epoch, reason),
  FOREIGN KEY (stream, epoch) REFERENCES epochs (stream, epoch) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE metrics (
  stream INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  model TEXT NOT NULL,
  n INTEGER NOT NULL,
  mse REAL,
  mae REAL,
  rmse REAL,
  r2 REAL,
  mse_clipped REAL,
  mae_clipped REAL,
  PRIMARY KEY (stream, epoch, model),
  FOREIGN KEY (stream, epoch) REFERENCES epochs (stream, epoch) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql"};

// The newest version this accrued knows.
constexpr auto kVersion = static_cast<std::int64_t>(kMigrations.size());

std::int64_t stored_version(StoreConnection& connection) {
  const std::int64_t version = Statement(connection, "PRAGMA user_version").first_integer().value_or(0);
  if (version < 0 || version > kVersion) {
    throw StoreError(connection.file(), "is of store version " + std::to_string(version) + ", and this accrued knows " +
                                            std::to_string(kVersion) + " at most: use the newer accrued that wrote it");
  }
  return version;
}

void require_sound(StoreConnection& connection) {
  const std::string verdict = connection.query_text("PRAGMA quick_check(1)");
  if (verdict != "ok") throw StoreError(connection.file(), verdict + kDamageAdvice, SQLITE_CORRUPT);
}

void migrate(StoreConnection& connection, std::int64_t version) {
  for (; version < kVersion; ++version) {
    Transaction transaction(connection);
    if (version == 0) connection.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    connection.execute(kMigrations[static_cast<std::size_t>(version)]);
    connection.execute(("PRAGMA user_version = " + std::to_string(version + 1)).c_str());
    transaction.commit();
  }
}

}  // namespace

void require_accrue_store(const std::filesystem::path& file) {
  // The layout is https://www.sqlite.org/fileformat2.html#the_database_header. The identifier is in the file itself and
  // never in the write-ahead log alone: the first migration runs before the store becomes a WAL database.
  constexpr std::size_t kHeaderBytes = 100;
  constexpr std::size_t kApplicationIdOffset = 68;
  constexpr std::string_view kMagic("SQLite format 3\0", 16);

  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (errno == ENOENT) return;
    throw StoreError(file, std::string("cannot be opened: ") + std::strerror(errno));
  }
  std::array<char, kHeaderBytes> header{};
  in.read(header.data(), header.size());
  if (in.bad()) throw StoreError(file, std::string("cannot be read: ") + std::strerror(errno));
  if (in.gcount() == 0) return;
  if (in.gcount() < static_cast<std::streamsize>(kHeaderBytes) || std::memcmp(header.data(), kMagic.data(), 16) != 0) {
    throw StoreError(file, "is not an accrue store (not a SQLite database, or its beginning is damaged)");
  }
  std::int64_t application_id = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    application_id = application_id * 256 + static_cast<unsigned char>(header[kApplicationIdOffset + i]);
  }
  if (application_id != kApplicationId) {
    throw StoreError(file, "is not an accrue store but a SQLite database of another application; it was left as it is");
  }
}

void require_readable_store(StoreConnection& connection) {
  // Asked of SQLite: were a process that has the store open to open and close the file in any other way, the operating
  // system would take away SQLite's locks (https://www.sqlite.org/howtocorrupt.html, 2.2).
  const std::int64_t application_id = Statement(connection, "PRAGMA application_id").first_integer().value_or(0);
  if (application_id != kApplicationId || stored_version(connection) == 0) {
    throw StoreError(connection.file(), "is not an accrue store, or has just begun to be one");
  }
}

void prepare_store(StoreConnection& connection) {
  connection.execute("PRAGMA foreign_keys = ON");
  connection.execute("PRAGMA synchronous = FULL");
  connection.execute("PRAGMA mmap_size = 0");
  const std::int64_t version = stored_version(connection);
  require_sound(connection);
  migrate(connection, version);
  const std::string mode = connection.query_text("PRAGMA journal_mode = WAL");
  if (mode != "wal") {
    throw StoreError(connection.file(), "cannot keep a write-ahead log (journal mode '" + mode +
                                            "'); choose a data directory on a local file system");
  }
}

}  // namespace accrue::daemon
