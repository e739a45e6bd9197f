// What the daemon knows of one producer of one stream: which batches it has accepted, applied and made durable, and how
// many bytes are outstanding against the producer's credit and held in memory. This is where "nothing lost, nothing
// twice" is decided.
//
// Sequences are 1, 2, 3 ...; 0 means none yet. Always durable <= applied <= accepted. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace accrue::ingest {

class Producer {
 public:
  enum class [[nodiscard]] Admission : std::uint8_t{
      kAccept,      // the next batch
      kDuplicate,   // has been accepted before: acknowledge, do not learn again
      kGap,         // a batch before it is missing
      kOverWindow,  // more outstanding than was granted
  };

  // What a batch, and each delivery of it to a worker, take beyond their rows: queue entries, headers, this log.
  static constexpr std::size_t kOverheadBytes = 512;

  explicit Producer(std::uint64_t durable) : accepted_(durable), applied_(durable), durable_(durable) {}

  // Judges a batch without taking it. At least one batch fits any window.
  Admission judge(std::uint64_t sequence, std::size_t bytes, std::size_t window_bytes) const;

  // Takes batch accepted() + 1, which goes to workers in so many deliveries, with so many bytes more than it came in.
  void accept(std::size_t bytes, std::uint32_t deliveries, std::size_t added_bytes = 0);

  // One delivery of a batch has been applied.
  void applied_delivery(std::uint64_t sequence);

  // Everything up to `sequence` is durable; returns the bytes of memory that are no longer held for it.
  std::size_t made_durable(std::uint64_t sequence);

  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t applied() const { return applied_; }
  std::uint64_t durable() const { return durable_; }
  std::size_t outstanding_bytes() const { return outstanding_bytes_; }
  std::size_t held_bytes() const { return held_bytes_; }  // the same with all that they take

 private:
  struct Outstanding {
    std::size_t bytes;
    std::size_t held_bytes;
    std::uint32_t deliveries;  // not yet applied
  };
  void advance_applied();

  std::uint64_t accepted_;
  std::uint64_t applied_;
  std::uint64_t durable_;
  std::size_t outstanding_bytes_ = 0;
  std::size_t held_bytes_ = 0;
  std::deque<Outstanding> outstanding_;  // batches durable_ + 1 ... accepted_
};

}  // namespace accrue::ingest
