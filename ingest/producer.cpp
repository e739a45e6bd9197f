#include "ingest/producer.hpp"

#include "ingest/wire/assert.hpp"

namespace accrue::ingest {

Producer::Admission Producer::judge(std::uint64_t sequence, std::size_t bytes, std::size_t window_bytes) const {
  if (sequence <= accepted_) return Admission::kDuplicate;
  if (sequence != accepted_ + 1) return Admission::kGap;
  if (outstanding_bytes_ > 0 && outstanding_bytes_ + bytes > window_bytes) return Admission::kOverWindow;
  return Admission::kAccept;
}

void Producer::accept(std::size_t bytes, std::uint32_t deliveries, std::size_t added_bytes) {
  ++accepted_;
  const std::size_t held = bytes + added_bytes + (1 + deliveries) * kOverheadBytes;
  outstanding_.push_back({bytes, held, deliveries});
  outstanding_bytes_ += bytes;
  held_bytes_ += held;
  advance_applied();
}

void Producer::applied_delivery(std::uint64_t sequence) {
  ACCRUE_ASSERT(sequence <= accepted_);
  if (sequence <= durable_) return;  // the epoch's news overtook the worker's
  Outstanding& batch = outstanding_[sequence - durable_ - 1];
  ACCRUE_ASSERT(batch.deliveries > 0);
  --batch.deliveries;
  advance_applied();
}

std::size_t Producer::made_durable(std::uint64_t sequence) {
  ACCRUE_ASSERT(sequence <= accepted_);
  std::size_t released = 0;
  for (; durable_ < sequence; ++durable_) {
    outstanding_bytes_ -= outstanding_.front().bytes;
    released += outstanding_.front().held_bytes;
    outstanding_.pop_front();
  }
  held_bytes_ -= released;
  if (applied_ < durable_) applied_ = durable_;
  return released;
}

void Producer::advance_applied() {
  while (applied_ < accepted_ && outstanding_[applied_ - durable_].deliveries == 0) ++applied_;
}

}  // namespace accrue::ingest
