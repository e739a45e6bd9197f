// SQLite as the store uses it: a connection, a prepared statement and a transaction that own what they opened.
//
// Thread: one at a time. Errors: every failure is a StoreError that names the task and the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <sqlite3.h>

namespace accrue::daemon {

// Ends the message of an error that says the file is damaged.
inline constexpr const char* kDamageAdvice =
    "; the file is damaged: move it and its -wal file away, to start afresh or from a backup (accrued --restore)";

class StoreConnection {
 public:
  // The one that writes may create the file. Those that only read never write to it, checkpoint it or create it.
  enum class Access { kWrite, kRead };

  explicit StoreConnection(std::filesystem::path file, Access access = Access::kWrite);
  ~StoreConnection();
  StoreConnection(const StoreConnection&) = delete;
  StoreConnection& operator=(const StoreConnection&) = delete;

  const std::filesystem::path& file() const { return file_; }
  sqlite3* handle() const { return handle_; }

  // What errors from here on say could not be done: "commit epochs". The text must outlive its use.
  void set_task(std::string_view task) { task_ = task; }

  void execute(const char* sql);
  std::string query_text(const char* sql);  // of the first row's first column

  // Throws unless SQLite's result code is that of a success.
  void check(int code) const;

 private:
  std::filesystem::path file_;
  std::string_view task_ = "be opened";
  sqlite3* handle_ = nullptr;
};

// Parameters and columns are addressed by position, from 1 and from 0, as in SQLite. The connection must outlive it.
class Statement {
 public:
  Statement(StoreConnection& connection, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  using View = std::span<const std::byte>;

  // Text and blobs are not copied: they must live until the statement has been run.
  template <typename... Values>
  Statement& bind(Values&&... values) {
    static_assert(
        ((std::is_lvalue_reference_v<Values> || std::is_arithmetic_v<Values> || std::is_same_v<Values, View>)&&...),
        "a temporary does not live until then");
    reset();
    int position = 0;
    (bind_one(++position, values), ...);
    return *this;
  }

  bool step();  // true while there is a row; step on to the end, or the statement goes on holding its read lock
  void run();   // to the end, ignoring rows
  std::optional<std::int64_t> first_integer();  // of the first row's first column; empty for none and for NULL

  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const;
  std::optional<double> real(int column) const;  // empty for NULL
  bool is_null(int column) const;
  std::string text(int column) const;
  std::vector<std::byte> blob(int column) const;

 private:
  void reset();
  void bind_one(int position, std::uint64_t value);
  void bind_one(int position, std::int64_t value);
  void bind_one(int position, double value);  // NULL when not finite
  void bind_one(int position, const std::string& value);
  void bind_one(int position, const char* value) = delete;  // it would become a temporary
  void bind_one(int position, View value);

  StoreConnection& connection_;
  sqlite3_stmt* statement_ = nullptr;
};

// Holds the file's write lock from its construction; rolls back unless commit() returned.
class Transaction {
 public:
  explicit Transaction(StoreConnection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  StoreConnection& connection_;
};

}  // namespace accrue::daemon
