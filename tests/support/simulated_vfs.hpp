// The inside of a SimulatedDisk: its files and their users, its directory and its faults; and SQLite's way to them. For
// simulated_disk.cpp and simulated_vfs.cpp alone.
//
// Thread: whoever holds the disk's mutex.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "tests/support/simulated_disk.hpp"
#include "tests/support/simulated_file.hpp"

namespace accrue::tests {

struct SimulatedHandle;

// The index of a write-ahead log, which its connections share. On a real disk it is a file that is mapped.
struct SharedIndex {
  std::vector<std::unique_ptr<std::byte[]>> regions;
  std::size_t bytes = 0;
};

struct SimulatedNode {
  explicit SimulatedNode(bool powersafe_overwrite) : file(powersafe_overwrite) {}
  SimulatedFile file;
  std::vector<SimulatedHandle*> handles;
  std::weak_ptr<SharedIndex> index;
};

struct SimulatedDisk::State {
  using Directory = std::map<std::string, std::shared_ptr<SimulatedNode>>;

  struct Verdict {
    int code = SQLITE_OK;
    bool partly = false;  // it fails, but not without effect
  };

  explicit State(const Options& options) : powersafe_overwrite(options.powersafe_overwrite), chance(options.seed) {}

  // Counts the operation and says whether it fails.
  Verdict begin(Operation operation);
  int reading() const { return outage ? outage_code : SQLITE_OK; }

  std::uint64_t used_bytes() const;
  std::uint64_t room() const;  // bytes

  void link(const std::string& name, const std::shared_ptr<SimulatedNode>& node);  // no node: deletes the name
  void sync_directory();
  void end_life();  // cuts off every connection, and heals
  void cut_power();

  const bool powersafe_overwrite;
  std::string name;
  sqlite3_vfs vfs{};
  std::mutex mutex;  // of all that follows
  Chance chance;
  sqlite3_int64 now_ms = 211'845'067'200'000;  // 2001-01-01 12:00, in milliseconds of Julian days

  Directory directory;
  Directory durable_directory;
  std::vector<Directory::value_type> directory_changes;  // since the directory was flushed, in order
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t life = 0;  // goes up with every crash
  std::size_t open_handles = 0;
  int last_errno = 0;  // 0 where SQLite's result code says it all

  std::array<std::uint64_t, static_cast<std::size_t>(Operation::kAny)> begun{};
  Operation failing = Operation::kAny;
  std::uint64_t failing_in = 0;  // such operations from now; 0 is never
  int failing_code = SQLITE_OK;
  bool failure_met = false;
  std::uint64_t outage_in = 0;
  int outage_code = SQLITE_OK;
  bool outage = false;
};

// The VFS whose methods work on the disk; its name must stay where it is.
sqlite3_vfs simulated_vfs(SimulatedDisk::State& disk);

}  // namespace accrue::tests
