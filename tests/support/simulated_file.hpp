// A file of a SimulatedDisk: the bytes its readers see, the bytes that are sure to outlive a power cut, and the changes
// in between, which a power cut keeps, loses or tears.
//
// The model is what SQLite asks of a disk (sqlite.org/atomiccommit.html, section 2): sectors of 512 bytes, written in
// no particular order; a sync is a barrier; a sector whose writing is interrupted holds a beginning of the new bytes
// and then anything. With powersafe overwrite, bytes that were not written are never touched; without it they share
// their sector's fate. A sync that fails is the end of what it was to flush: as with Linux's fsync, readers still see
// those bytes, a later sync succeeds without them, and a power cut shows that they never reached the disk.
//
// Thread: one. Errors: none; a write within memory succeeds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace accrue::tests {

inline constexpr std::size_t kSectorBytes = 512;

// All choices that a simulation makes, from one seed, alike on every machine.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool percent(std::uint64_t probability) { return below(100) < probability; }
  std::byte byte() { return static_cast<std::byte>(below(256)); }

 private:
  std::mt19937_64 engine_;
};

class SimulatedFile {
 public:
  explicit SimulatedFile(bool powersafe_overwrite) : powersafe_overwrite_(powersafe_overwrite) {}

  const std::vector<std::byte>& bytes() const { return bytes_; }

  void write(std::size_t offset, std::span<const std::byte> data);  // a gap before it reads as zeros
  void truncate(std::size_t size);
  void sync();

  // Some of what is not synced reaches the disk, and the rest never will, though readers go on seeing it.
  void fail_sync(Chance& chance);

  // Some of what is not synced reaches the disk, and the rest is gone.
  void cut_power(Chance& chance);

 private:
  struct Change {
    std::size_t offset = 0;  // of a truncation the new size
    std::vector<std::byte> data;
    bool truncates = false;
  };

  void persist(const Change& change, std::uint64_t keep_percent, Chance& chance);
  void persist_torn(const Change& change, std::size_t begin, std::size_t end, Chance& chance);

  bool powersafe_overwrite_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> durable_;
  std::vector<Change> changes_;  // since the last sync, in order
};

}  // namespace accrue::tests
