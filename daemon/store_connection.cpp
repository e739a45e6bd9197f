#include "daemon/store_connection.hpp"

#include <cmath>
#include <system_error>
#include <utility>

#include "daemon/store.hpp"

namespace accrue::daemon {
namespace {

// How long to wait for a reader that recovers or closes the file; readers never hold up a commit otherwise.
constexpr int kBusyTimeoutMs = 5000;

}  // namespace

StoreConnection::StoreConnection(std::filesystem::path file, Access access) : file_(std::move(file)) {
  // Made absolute because SQLite may be built to take a name that begins with "file:" for a URI.
  const int mode = access == Access::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(std::filesystem::absolute(file_).c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    sqlite3_close(handle_);
    throw StoreError(file_, std::string("cannot be opened: ") + sqlite3_errstr(code), code);
  }
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
  if (access == Access::kRead) {
    sqlite3_wal_autocheckpoint(handle_, 0);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
}

StoreConnection::~StoreConnection() { sqlite3_close(handle_); }

void StoreConnection::check(int code) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  std::string what = "cannot ";
  what.append(task_).append(": ").append(sqlite3_errmsg(handle_));
  const int primary = code & 0xff;
  what.append(" (SQLite error ").append(std::to_string(code));
  // A full disk is an input/output error too where it is not the data that finds no room.
  const int system_error = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN ? sqlite3_system_errno(handle_) : 0;
  if (system_error != 0) what.append(": ").append(std::generic_category().message(system_error));
  what.append(")");
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) what.append(kDamageAdvice);
  throw StoreError(file_, what, code);
}

void StoreConnection::execute(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

std::string StoreConnection::query_text(const char* sql) {
  Statement statement(*this, sql);
  if (!statement.step()) return {};
  std::string text = statement.text(0);
  statement.run();  // what it writes is written, or fails to be, only at its end
  return text;
}

Statement::Statement(StoreConnection& connection, const char* sql) : connection_(connection) {
  connection_.check(sqlite3_prepare_v3(connection_.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  // Reset at once, so that a statement that has ended holds no read lock; the error's message is taken before.
  try {
    connection_.check(code);
  } catch (...) {
    reset();
    throw;
  }
  reset();
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

std::optional<std::int64_t> Statement::first_integer() {
  std::optional<std::int64_t> value;
  if (step() && !is_null(0)) value = integer(0);
  reset();
  return value;
}

// Its result repeats the error of the last step, which was reported then.
void Statement::reset() { sqlite3_reset(statement_); }

void Statement::bind_one(int position, std::int64_t value) {
  connection_.check(sqlite3_bind_int64(statement_, position, value));
}

void Statement::bind_one(int position, std::uint64_t value) { bind_one(position, static_cast<std::int64_t>(value)); }

void Statement::bind_one(int position, double value) {
  const int code =
      std::isfinite(value) ? sqlite3_bind_double(statement_, position, value) : sqlite3_bind_null(statement_, position);
  connection_.check(code);
}

void Statement::bind_one(int position, const std::string& value) {
  connection_.check(sqlite3_bind_text64(statement_, position, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_one(int position, std::span<const std::byte> value) {
  // A null pointer would bind NULL, and an empty vector has one.
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  connection_.check(sqlite3_bind_blob64(statement_, position, data, value.size(), SQLITE_STATIC));
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::uint64_t Statement::unsigned_integer(int column) const { return static_cast<std::uint64_t>(integer(column)); }

std::optional<double> Statement::real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(sqlite3_column_double(statement_, column));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}

std::vector<std::byte> Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {data, data + sqlite3_column_bytes(statement_, column)};
}

Transaction::Transaction(StoreConnection& connection) : connection_(connection) {
  connection_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (disk full, input/output error); autocommit mode tells.
  if (!sqlite3_get_autocommit(connection_.handle())) {
    sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() { connection_.execute("COMMIT"); }

}  // namespace accrue::daemon
