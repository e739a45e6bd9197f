#include "daemon/store_identity.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "daemon/store.hpp"

namespace accrue::daemon {
namespace {

constexpr std::int64_t kHeaderBytes = 100;
constexpr std::int64_t kApplicationIdOffset = 68;

// A file as SQLite's own file system sees it, for reading. It alone may look at a database: were a descriptor of our
// own closed on the file, the connections that this process has to it would lose their locks.
class RawFile {
 public:
  RawFile(const std::filesystem::path& file, int type) : file_(file) {
    const std::string path = std::filesystem::absolute(file).string();
    int exists = 0;
    require(vfs_->xAccess(vfs_, path.c_str(), SQLITE_ACCESS_EXISTS, &exists), "looked for");
    if (!exists) return;
    const auto size = static_cast<std::size_t>(vfs_->szOsFile);
    memory_ = std::make_unique<std::max_align_t[]>(size / sizeof(std::max_align_t) + 1);
    auto* const opened = reinterpret_cast<sqlite3_file*>(memory_.get());
    require(vfs_->xOpen(vfs_, path.c_str(), opened, SQLITE_OPEN_READONLY | type, nullptr), "opened");
    opened_ = opened;
  }
  ~RawFile() {
    if (opened_ != nullptr) opened_->pMethods->xClose(opened_);
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  // Fewer where the file ends before, none where there is no file.
  std::string bytes(std::int64_t offset, std::int64_t count) {
    if (opened_ == nullptr) return {};
    sqlite3_int64 size = 0;
    require(opened_->pMethods->xFileSize(opened_, &size), "read");
    std::string bytes(static_cast<std::size_t>(std::clamp<std::int64_t>(size - offset, 0, count)), '\0');
    if (bytes.empty()) return bytes;
    require(opened_->pMethods->xRead(opened_, bytes.data(), static_cast<int>(bytes.size()), offset), "read");
    return bytes;
  }

 private:
  void require(int code, const char* task) const {
    if (code == SQLITE_OK) return;
    const int error = vfs_->xGetLastError(vfs_, 0, nullptr);
    const char* const reason = error != 0 ? std::strerror(error) : sqlite3_errstr(code);
    throw StoreError(file_, std::string("cannot be ") + task + ": " + reason, code);
  }

  const std::filesystem::path file_;
  sqlite3_vfs* const vfs_ = sqlite3_vfs_find(nullptr);
  std::unique_ptr<std::max_align_t[]> memory_;
  sqlite3_file* opened_ = nullptr;
};

// All numbers in SQLite's files are big-endian, of 4 bytes.
std::int64_t number_at(std::string_view bytes, std::int64_t offset) {
  std::int64_t value = 0;
  for (const char byte : bytes.substr(static_cast<std::size_t>(offset), 4)) {
    value = value * 256 + static_cast<unsigned char>(byte);
  }
  return value;
}

// Whether a log holds a copy of the store's first page. Its records begin with the number of the page that they hold.
bool holds_first_page(RawFile& log, std::int64_t first_record, std::int64_t record_bytes, std::int64_t page_offset) {
  const std::int64_t identifier_offset = page_offset + kApplicationIdOffset;
  const std::int64_t needed = identifier_offset + 4;
  for (std::int64_t record = first_record; record_bytes >= needed; record += record_bytes) {
    const std::string begin = log.bytes(record, needed);
    if (static_cast<std::int64_t>(begin.size()) < needed) return false;
    if (number_at(begin, 0) == 1 && number_at(begin, identifier_offset) == kApplicationId) return true;
  }
  return false;
}

std::filesystem::path beside(std::filesystem::path file, const char* suffix) { return file += suffix; }

bool is_in_write_ahead_log(const std::filesystem::path& file) {
  constexpr std::int64_t kLogHeaderBytes = 32;
  constexpr std::int64_t kFrameHeaderBytes = 24;
  RawFile log(beside(file, "-wal"), SQLITE_OPEN_WAL);
  const std::string header = log.bytes(0, kLogHeaderBytes);
  if (header.size() < kLogHeaderBytes) return false;
  const std::int64_t page_bytes = number_at(header, 8);
  return holds_first_page(log, kLogHeaderBytes, kFrameHeaderBytes + page_bytes, kFrameHeaderBytes);
}

// Of a file that was empty before it does not matter whose it is: SQLite makes it empty again.
bool is_in_rollback_journal(const std::filesystem::path& file) {
  constexpr std::string_view kMagic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7");
  constexpr std::int64_t kJournalHeaderBytes = 28;
  constexpr std::int64_t kPageNumberBytes = 4;
  constexpr std::int64_t kChecksumBytes = 4;
  RawFile journal(beside(file, "-journal"), SQLITE_OPEN_MAIN_JOURNAL);
  const std::string header = journal.bytes(0, kJournalHeaderBytes);
  if (header.size() < kJournalHeaderBytes || !header.starts_with(kMagic)) return false;
  const std::int64_t pages_before = number_at(header, 16);
  const std::int64_t sector_bytes = number_at(header, 20);
  const std::int64_t page_bytes = number_at(header, 24);
  return pages_before == 0 ||
         holds_first_page(journal, sector_bytes, kPageNumberBytes + page_bytes + kChecksumBytes, kPageNumberBytes);
}

}  // namespace

FirstPage require_accrue_store(const std::filesystem::path& file) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const std::string header = RawFile(file, SQLITE_OPEN_MAIN_DB).bytes(0, kHeaderBytes);
  if (header.empty()) return FirstPage::kIntact;
  const bool is_database = header.size() == kHeaderBytes && header.starts_with(kMagic);
  if (is_database && number_at(header, kApplicationIdOffset) == kApplicationId) return FirstPage::kIntact;
  if (is_in_write_ahead_log(file) || is_in_rollback_journal(file)) return FirstPage::kToBeRestored;
  throw StoreError(
      file, is_database ? "is not an accrue store but a SQLite database of another application; it was left as it is"
                        : "is not an accrue store (not a SQLite database, or its beginning is damaged)");
}

}  // namespace accrue::daemon
