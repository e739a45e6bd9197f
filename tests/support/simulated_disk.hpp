// A disk in memory under SQLite, which a test breaks as disks break: operations that fail, no space left, a process
// that is killed, the power cut. As a VFS (sqlite.org/vfs.html) it is the default from its construction until its end,
// so whatever opens a database meanwhile, daemon::Store as it ships, is on it; no real file is touched. All that it
// chooses comes from its seed, SQLite's own random numbers included, and its clock moves only when SQLite sleeps: the
// same seed and the same calls give the same bytes.
//
// One directory: names are whole paths. A file is there for good once its directory is flushed, which by SQLite's
// contract the first sync of a journal or a write-ahead log does, or a deletion that asks for it; until then a power
// cut keeps or loses creations and deletions by chance. What happens to a file's bytes is said in simulated_file.hpp.
//
// Thread: any; databases on it may be used by several threads, but a busy timeout takes no time there. Several disks
// may live at once: databases are opened on the one that is the default at that time, the newest or the one use()
// named. Every connection must be closed before its disk ends, also one that a crash cut off, which answers every
// request with an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace accrue::tests {

class SimulatedDisk {
 public:
  struct Options {
    std::uint64_t seed = 1;
    bool powersafe_overwrite = true;  // SQLite's own assumption about Unix; without it a torn sector is lost whole
  };

  // What a test can count and let fail. kAny stands for all of them.
  enum class Operation : std::uint8_t { kOpen, kWrite, kTruncate, kSync, kDelete, kAny };

  explicit SimulatedDisk(const Options& options);
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  const std::string& name() const;  // of the VFS, no other disk's
  void use();                       // makes it the default again

  // The nth such operation from now (1 is the next) ends with this SQLite result code; those after it work. Of a write
  // that fails a beginning may have been written, and a sync that fails has lost for good what it did not flush.
  void fail_nth(Operation operation, std::uint64_t n, int sqlite_code);
  bool failure_met() const;  // whether that one has come

  // From the nth operation of any kind (1 is the next) everything fails, reading too, until heal().
  void fail_from(std::uint64_t n, int sqlite_code);

  // Ends both, whether they have come or not.
  void heal();

  // Bytes of all files together; a write beyond it writes what fits and is SQLITE_FULL. Unlimited until set.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used_bytes() const;

  std::uint64_t operations(Operation operation) const;  // begun since the disk was made
  bool holds(const std::string& file) const;

  // Both heal the disk and cut off every open connection; its files can be opened anew. kill_process() is kill -9:
  // what was written stays. cut_power() leaves what was synced, and of the rest what chance leaves.
  void kill_process();
  void cut_power();

  struct State;  // simulated_vfs.hpp, for the disk's own sources

 private:
  std::unique_ptr<State> state_;
};

}  // namespace accrue::tests
