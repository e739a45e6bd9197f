#include "daemon/store_copy.hpp"

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

#include <unistd.h>

#include "daemon/flush.hpp"
#include "daemon/store.hpp"
#include "daemon/store_connection.hpp"
#include "daemon/store_schema.hpp"

namespace accrue::daemon {
namespace {

namespace fs = std::filesystem;

// What SQLite may keep beside a database file and apply to it when it is opened.
constexpr const char* kCompanions[] = {"-wal", "-journal", "-shm"};

[[noreturn]] void throw_unwritable(const fs::path& file, int error) {
  throw std::runtime_error("cannot write " + file.string() + ": " + std::generic_category().message(error));
}

void require_free(const fs::path& file) {
  const auto require = [](const fs::path& name) {
    if (!fs::exists(fs::symlink_status(name))) return;
    throw std::runtime_error(name.string() + " is there already and is not written over; move it away first");
  };
  require(file);
  for (const char* companion : kCompanions) require(file.string() + companion);
}

// An empty file of the caller's own beside `file`, gone with the object if it has still that name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& file) : name_(file.string() + ".XXXXXX") {
    const int descriptor = mkstemp(name_.data());
    if (descriptor < 0) throw_unwritable(file, errno);
    close(descriptor);
  }
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(name_, ignored);
    for (const char* companion : kCompanions) fs::remove(name_ + companion, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// All pages at once: one read transaction, as a copy in steps would begin anew whenever the daemon commits.
void copy_pages(const fs::path& from, const fs::path& to) {
  StoreConnection source(from, StoreConnection::Access::kRead);
  source.set_task("be read");
  require_readable_store(source);
  StoreConnection target(to);
  target.set_task("be written");
  sqlite3_backup* const backup = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (!backup) target.check(sqlite3_errcode(target.handle()));
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return;
  throw StoreError(from, "cannot be copied to " + to.string() + ": " + sqlite3_errstr(code), code);
}

// The copied pages say that there is a write-ahead log beside the file.
void end_log(const fs::path& file) {
  StoreConnection connection(file);
  connection.set_task("be made one file");
  const std::string mode = connection.query_text("PRAGMA journal_mode = DELETE");
  if (mode != "delete") throw StoreError(file, "cannot be made one file (journal mode '" + mode + "')");
}

}  // namespace

Verification copy_store(const fs::path& from, const fs::path& to) {
  const fs::path target = fs::absolute(to);
  require_free(target);
  const TemporaryFile copy(target);
  copy_pages(from, copy.name());
  end_log(copy.name());
  Verification verification = verify_store(copy.name());
  if (const auto& problems = verification.problems; !problems.empty()) {
    const std::string others = problems.size() == 1 ? "" : " (and " + std::to_string(problems.size() - 1) + " more)";
    throw StoreError(from, "is not copied, for it is damaged: " + to_string(problems.front()) + others);
  }
  if (const int error = flush(copy.name())) throw_unwritable(target, error);
  if (std::rename(copy.name().c_str(), target.c_str()) != 0) throw_unwritable(target, errno);
  if (const int error = flush(target.parent_path())) throw_unwritable(target, error);
  return verification;
}

}  // namespace accrue::daemon
