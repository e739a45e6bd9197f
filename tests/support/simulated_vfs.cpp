#include "tests/support/simulated_vfs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace accrue::tests {

// What SQLite holds of an open file.
struct SimulatedHandle : sqlite3_file {
  SimulatedDisk::State* disk = nullptr;
  std::shared_ptr<SimulatedNode> node;
  std::shared_ptr<SharedIndex> index;
  std::uint64_t life = 0;
  std::string delete_on_close;   // its name, if so
  bool syncs_directory = false;  // with its first sync
  int lock = SQLITE_LOCK_NONE;
  unsigned index_locks_shared = 0;  // a bit a lock
  unsigned index_locks_exclusive = 0;

  bool cut_off() const { return life != disk->life; }
};

namespace {

using Operation = SimulatedDisk::Operation;
using State = SimulatedDisk::State;

constexpr int kMaxPathBytes = 512;
constexpr double kDayMs = 86'400'000;

State& disk_of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }
SimulatedHandle& handle_of(sqlite3_file* file) { return *static_cast<SimulatedHandle*>(file); }

// A file's methods, each called with the disk locked and the connection alive.
int read(SimulatedHandle& file, void* out, int size, sqlite3_int64 offset) {
  if (const int code = file.disk->reading()) return code;
  const std::vector<std::byte>& bytes = file.node->file.bytes();
  const auto begin = std::min(static_cast<std::size_t>(offset), bytes.size());
  const auto length = std::min(static_cast<std::size_t>(size), bytes.size() - begin);
  if (length > 0) std::memcpy(out, bytes.data() + begin, length);
  if (length == static_cast<std::size_t>(size)) return SQLITE_OK;
  std::memset(static_cast<std::byte*>(out) + length, 0, static_cast<std::size_t>(size) - length);
  return SQLITE_IOERR_SHORT_READ;
}

int write(SimulatedHandle& file, const void* data, int size, sqlite3_int64 offset) {
  const auto begin = static_cast<std::size_t>(offset);
  std::span<const std::byte> bytes(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
  const auto [code, partly] = file.disk->begin(Operation::kWrite);
  if (code != SQLITE_OK) {
    if (partly) file.node->file.write(begin, bytes.first(file.disk->chance.below(bytes.size())));
    return code;
  }
  const std::uint64_t limit = file.node->file.bytes().size() + file.disk->room();
  if (begin + bytes.size() > limit && begin + bytes.size() > file.node->file.bytes().size()) {
    if (begin < limit) file.node->file.write(begin, bytes.first(limit - begin));
    return SQLITE_FULL;
  }
  file.node->file.write(begin, bytes);
  return SQLITE_OK;
}

int truncate(SimulatedHandle& file, sqlite3_int64 size) {
  if (const int code = file.disk->begin(Operation::kTruncate).code) return code;
  file.node->file.truncate(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int sync(SimulatedHandle& file, int /*flags*/) {
  const auto [code, partly] = file.disk->begin(Operation::kSync);
  if (code != SQLITE_OK) {
    if (partly) file.node->file.fail_sync(file.disk->chance);
    return code;
  }
  file.node->file.sync();
  if (std::exchange(file.syncs_directory, false)) file.disk->sync_directory();
  return SQLITE_OK;
}

int file_size(SimulatedHandle& file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(file.node->file.bytes().size());
  return file.disk->reading();
}

int lock(SimulatedHandle& file, int level) {
  if (file.lock >= level) return SQLITE_OK;
  int highest = SQLITE_LOCK_NONE;  // of the others
  for (const SimulatedHandle* other : file.node->handles) {
    if (other != &file) highest = std::max(highest, other->lock);
  }
  if (level == SQLITE_LOCK_SHARED && highest >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
  if (level > SQLITE_LOCK_SHARED && highest >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE && highest >= SQLITE_LOCK_SHARED) {
    file.lock = SQLITE_LOCK_PENDING;  // keeps new readers out until those that are there have ended
    return SQLITE_BUSY;
  }
  file.lock = level;
  return SQLITE_OK;
}

int check_reserved_lock(SimulatedHandle& file, int* reserved) {
  *reserved = std::any_of(file.node->handles.begin(), file.node->handles.end(),
                          [](const SimulatedHandle* user) { return user->lock >= SQLITE_LOCK_RESERVED; });
  return SQLITE_OK;
}

int map_index(SimulatedHandle& file, int region, int size, int extend, void volatile** out) {
  *out = nullptr;
  if (const int code = file.disk->reading()) return code;
  if (!file.index) file.index = file.node->index.lock();
  if (!file.index) file.node->index = file.index = std::make_shared<SharedIndex>();
  auto& regions = file.index->regions;
  while (regions.size() <= static_cast<std::size_t>(region)) {
    if (!extend) return SQLITE_OK;
    if (file.disk->room() < static_cast<std::uint64_t>(size)) {
      file.disk->last_errno = ENOSPC;
      return SQLITE_IOERR_SHMSIZE;
    }
    regions.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(size)));
    file.index->bytes += static_cast<std::size_t>(size);
  }
  *out = regions[static_cast<std::size_t>(region)].get();
  return SQLITE_OK;
}

int lock_index(SimulatedHandle& file, int first, int count, int flags) {
  const unsigned locks = ((1u << count) - 1u) << first;
  if (flags & SQLITE_SHM_UNLOCK) {
    file.index_locks_shared &= ~locks;
    file.index_locks_exclusive &= ~locks;
    return SQLITE_OK;
  }
  const bool exclusive = flags & SQLITE_SHM_EXCLUSIVE;
  for (const SimulatedHandle* other : file.node->handles) {
    if (other == &file) continue;
    const unsigned taken = other->index_locks_exclusive | (exclusive ? other->index_locks_shared : 0u);
    if (taken & locks) return SQLITE_BUSY;
  }
  (exclusive ? file.index_locks_exclusive : file.index_locks_shared) |= locks;
  return SQLITE_OK;
}

void release_index(SimulatedHandle& file) {
  file.index.reset();
  file.index_locks_shared = file.index_locks_exclusive = 0;
}

int close(sqlite3_file* base) {
  SimulatedHandle& file = handle_of(base);
  State& disk = *file.disk;
  const std::scoped_lock guard(disk.mutex);
  std::erase(file.node->handles, &file);
  if (!file.cut_off() && !file.delete_on_close.empty()) disk.link(file.delete_on_close, nullptr);
  --disk.open_handles;
  file.~SimulatedHandle();
  return SQLITE_OK;
}

// As one of SQLite's methods: locks the disk, and answers an error if the connection was cut off by a crash.
template <auto method, typename... Arguments>
int guarded(sqlite3_file* base, Arguments... arguments) {
  SimulatedHandle& file = handle_of(base);
  const std::scoped_lock guard(file.disk->mutex);
  return file.cut_off() ? SQLITE_IOERR : method(file, arguments...);
}

const sqlite3_io_methods kFileMethods = {
    .iVersion = 2,  // without memory-mapped files
    .xClose = close,
    .xRead = guarded<read>,
    .xWrite = guarded<write>,
    .xTruncate = guarded<truncate>,
    .xSync = guarded<sync>,
    .xFileSize = guarded<file_size>,
    .xLock = guarded<lock>,
    .xUnlock =
        [](sqlite3_file* base, int level) {
          SimulatedHandle& file = handle_of(base);
          const std::scoped_lock guard(file.disk->mutex);
          file.lock = std::min(file.lock, level);
          return SQLITE_OK;
        },
    .xCheckReservedLock = guarded<check_reserved_lock>,
    .xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
    .xSectorSize = [](sqlite3_file*) { return static_cast<int>(kSectorBytes); },
    .xDeviceCharacteristics =
        [](sqlite3_file* base) {
          return handle_of(base).disk->powersafe_overwrite ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
        },
    .xShmMap = guarded<map_index>,
    .xShmLock = guarded<lock_index>,
    .xShmBarrier = [](sqlite3_file* base) { const std::scoped_lock barrier(handle_of(base).disk->mutex); },
    .xShmUnmap =
        [](sqlite3_file* base, int) {
          SimulatedHandle& file = handle_of(base);
          const std::scoped_lock guard(file.disk->mutex);
          release_index(file);
          return SQLITE_OK;
        },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* base, int flags, int* out_flags) {
  State& disk = disk_of(vfs);
  const std::scoped_lock guard(disk.mutex);
  base->pMethods = nullptr;
  if (const int code = disk.begin(Operation::kOpen).code) return code;
  std::shared_ptr<SimulatedNode> node;
  if (name != nullptr) {
    const auto found = disk.directory.find(name);
    if (found != disk.directory.end()) node = found->second;
    if (node ? (flags & SQLITE_OPEN_EXCLUSIVE) != 0 : (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
  }
  if (!node) {
    node = std::make_shared<SimulatedNode>(disk.powersafe_overwrite);
    if (name != nullptr) disk.link(name, node);
  }
  SimulatedHandle& file = *new (base) SimulatedHandle;
  file.pMethods = &kFileMethods;
  file.disk = &disk;
  file.node = std::move(node);
  file.life = disk.life;
  if (name != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE)) file.delete_on_close = name;
  constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  file.syncs_directory = (flags & SQLITE_OPEN_CREATE) && (flags & kJournals);
  file.node->handles.push_back(&file);
  ++disk.open_handles;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  State& disk = disk_of(vfs);
  const std::scoped_lock guard(disk.mutex);
  if (const int code = disk.begin(Operation::kDelete).code) return code;
  if (!disk.directory.contains(name)) return SQLITE_IOERR_DELETE_NOENT;
  disk.link(name, nullptr);
  if (sync_directory) disk.sync_directory();
  return SQLITE_OK;
}

// Like SQLite's own for Unix, sees no empty file.
int access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  State& disk = disk_of(vfs);
  const std::scoped_lock guard(disk.mutex);
  const auto found = disk.directory.find(name);
  *result = found != disk.directory.end() && (flags != SQLITE_ACCESS_EXISTS || !found->second->file.bytes().empty());
  return disk.reading();
}

int full_path_name(sqlite3_vfs*, const char* name, int size, char* out) {
  if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::strcpy(out, name);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  State& disk = disk_of(vfs);
  const std::scoped_lock guard(disk.mutex);
  for (int i = 0; i < size; ++i) out[i] = static_cast<char>(disk.chance.byte());
  return size;
}

int sleep(sqlite3_vfs* vfs, int microseconds) {
  State& disk = disk_of(vfs);
  const std::scoped_lock guard(disk.mutex);
  disk.now_ms += (microseconds + 999) / 1000;
  return microseconds;
}

int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* now) {
  State& disk = disk_of(vfs);
  const std::scoped_lock guard(disk.mutex);
  *now = disk.now_ms;
  return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* days) {
  sqlite3_int64 now = 0;
  current_time_ms(vfs, &now);
  *days = static_cast<double>(now) / kDayMs;
  return SQLITE_OK;
}

}  // namespace

sqlite3_vfs simulated_vfs(State& disk) {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(SimulatedHandle);
  vfs.mxPathname = kMaxPathBytes;
  vfs.zName = disk.name.c_str();
  vfs.pAppData = &disk;
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path_name;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep;
  vfs.xCurrentTime = current_time;
  vfs.xGetLastError = [](sqlite3_vfs* self, int, char*) { return disk_of(self).last_errno; };
  vfs.xCurrentTimeInt64 = current_time_ms;
  return vfs;
}

}  // namespace accrue::tests
