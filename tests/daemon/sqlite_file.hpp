// A SQLite file as any program but the store would use it.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace accrue::tests {

class SqliteFile {
 public:
  using Row = std::vector<std::string>;  // NULL reads as "NULL"

  explicit SqliteFile(const std::filesystem::path& file, int flags = SQLITE_OPEN_READONLY) {
    require(sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr));
    require(sqlite3_busy_timeout(handle_, 10'000));  // a daemon may be at work on it
  }
  ~SqliteFile() { sqlite3_close(handle_); }
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  std::vector<Row> query(const std::string& sql) {
    std::vector<Row> rows;
    const auto add_row = [](void* all, int columns, char** values, char**) {
      Row row;
      for (int i = 0; i < columns; ++i) row.emplace_back(values[i] == nullptr ? "NULL" : values[i]);
      static_cast<std::vector<Row>*>(all)->push_back(row);
      return 0;
    };
    require(sqlite3_exec(handle_, sql.c_str(), add_row, &rows, nullptr));
    return rows;
  }

 private:
  void require(int code) const {
    if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(handle_));
  }

  sqlite3* handle_ = nullptr;
};

}  // namespace accrue::tests
