// A disk under SQLite, for as long as the object lives, that counts flushes and fails when told to. One at a time.
// Its files are real ones, as store_copy needs them, which makes and renames files beside what SQLite does with them;
// where SQLite alone is at work, SimulatedDisk breaks in more ways.
#pragma once

#include <map>

#include <sqlite3.h>

namespace accrue::tests {

class FaultyDisk {
 public:
  FaultyDisk() : vfs_(*real_vfs_) {
    repair();
    flushes_ = 0;
    vfs_.zName = "faulty";
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
      const int code = real_vfs_->xOpen(real_vfs_, name, file, flags, out_flags);
      if (code == SQLITE_OK) interpose(file);
      return code;
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_vfs_, 1);
  }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  static void fill_after_writes(int writes) { writes_left_ = writes; }
  static void fail_flushes(bool fail) { flushes_fail_ = fail; }
  static void repair() {
    writes_left_ = -1;
    flushes_fail_ = false;
  }
  static int flushes() { return flushes_; }

 private:
  // Databases and journals differ in how they lock, and not in how they write and flush.
  static void interpose(sqlite3_file* file) {
    const auto [methods, is_new] = methods_.try_emplace(file->pMethods, *file->pMethods);
    if (is_new) {
      real_write_ = file->pMethods->xWrite;
      real_flush_ = file->pMethods->xSync;
      methods->second.xWrite = write;
      methods->second.xSync = flush;
    }
    file->pMethods = &methods->second;
  }

  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    if (writes_left_ == 0) return SQLITE_FULL;
    if (writes_left_ > 0) --writes_left_;
    return real_write_(file, data, size, offset);
  }

  static int flush(sqlite3_file* file, int flags) {
    if (flushes_fail_) return SQLITE_IOERR_FSYNC;
    ++flushes_;
    return real_flush_(file, flags);
  }

  static inline sqlite3_vfs* const real_vfs_ = sqlite3_vfs_find(nullptr);
  static inline decltype(sqlite3_io_methods::xWrite) real_write_ = nullptr;
  static inline decltype(sqlite3_io_methods::xSync) real_flush_ = nullptr;
  static inline std::map<const sqlite3_io_methods*, sqlite3_io_methods> methods_;
  static inline int writes_left_ = -1;  // below 0: no end to them
  static inline bool flushes_fail_ = false;
  static inline int flushes_ = 0;

  sqlite3_vfs vfs_;
};

}  // namespace accrue::tests
