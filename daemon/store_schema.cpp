#include "daemon/store_schema.hpp"

#include <array>
#include <cstdint>
#include <string>

#include "daemon/store.hpp"
#include "daemon/store_identity.hpp"

namespace accrue::daemon {
namespace {

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
)sql",
    // A stream had one model.
    R"sql(
ALTER TABLE epochs ADD COLUMN champion TEXT NOT NULL DEFAULT 'least_squares';
CREATE TABLE history (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  model TEXT NOT NULL,
  span TEXT NOT NULL,
  committed_unix_ms INTEGER NOT NULL,
  n INTEGER NOT NULL,
  mse REAL,
  mae REAL,
  rmse REAL,
  r2 REAL,
  mape REAL,
  bias REAL,
  mse_clipped REAL,
  mae_clipped REAL,
  conformal_coverage REAL,
  conformal_width REAL,
  model_coverage REAL,
  model_width REAL,
  PRIMARY KEY (stream, epoch, model, span)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  model TEXT NOT NULL,
  event TEXT NOT NULL,
  row INTEGER NOT NULL,
  committed_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (stream, epoch, model, event)
) STRICT, WITHOUT ROWID;
)sql",
    // Models of each key forgot what they evicted.
    R"sql(
CREATE TABLE evicted_keys (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  model TEXT NOT NULL,
  beginning INTEGER NOT NULL,
  key REAL NOT NULL,
  epoch INTEGER NOT NULL,
  state BLOB,
  PRIMARY KEY (stream, model, beginning, key, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX evicted_keys_by_epoch ON evicted_keys (stream, epoch);
CREATE TABLE key_beginnings (
  stream INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  model TEXT NOT NULL,
  beginning INTEGER NOT NULL,
  PRIMARY KEY (stream, epoch, model, beginning),
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

void write_version(StoreConnection& connection, std::int64_t version) {
  connection.execute(("PRAGMA user_version = " + std::to_string(version)).c_str());
}

void migrate(StoreConnection& connection, std::int64_t version) {
  for (; version < kVersion; ++version) {
    Transaction transaction(connection);
    if (version == 0) connection.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    connection.execute(kMigrations[static_cast<std::size_t>(version)]);
    write_version(connection, version + 1);
    transaction.commit();
  }
}

// Writes what the log holds to the database and begins the log anew, on the disk too. After a flush that failed, the
// log may hold pages that are there to be read but never reached the disk, and no later flush would bring them there:
// whatever is appended to such a log is lost with them when the power fails.
void renew_log(StoreConnection& connection) {
  const int code =
      sqlite3_wal_checkpoint_v2(connection.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code == SQLITE_BUSY) {
    throw StoreError(connection.file(), "is held by a read transaction of another program; end that program", code);
  }
  connection.check(code);
  // Until something was flushed to the new log, a power cut may bring back the old one, as far as it is on the disk,
  // and with it an older state of the database.
  write_version(connection, kVersion);
}

}  // namespace

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
  renew_log(connection);
}

}  // namespace accrue::daemon
