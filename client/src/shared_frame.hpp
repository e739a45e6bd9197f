// A frame on its way: held by whoever will send it again, and by the socket for as long as that reads it. As a
// shared_ptr, but that the count stands beside the bytes: the socket, which knows plain addresses, takes its share
// without asking for memory, and gives it back from a thread of its own.
//
// Threads: a SharedFrame belongs to one; those of one frame may belong to several, as long as nobody writes to it who
// has not found that he alone has it.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "ingest/wire/codec.hpp"

namespace accrue::client {

class SharedFrame {
 public:
  SharedFrame() = default;  // none
  explicit SharedFrame(wire::Bytes bytes) : held_(new Held{std::move(bytes), {1}}) {}
  SharedFrame(const SharedFrame& other) noexcept : held_(other.held_) {
    if (held_) held_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  SharedFrame(SharedFrame&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  SharedFrame& operator=(SharedFrame other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SharedFrame() { let_go(held_); }  // NOLINT(clang-analyzer-cplusplus.NewDelete): it takes each share for the last

  explicit operator bool() const { return held_ != nullptr; }
  wire::Bytes& operator*() const { return held_->bytes; }
  wire::Bytes* operator->() const { return &held_->bytes; }

  // All that the others did with it has been done when nobody else has it.
  bool has_others() const { return held_->holders.load(std::memory_order_acquire) > 1; }

  // What is given to ZeroMQ with the bytes: a share of the frame, and the function that gives it back.
  void* share() const { return SharedFrame(*this).leak(); }
  static void give_back(void* /*bytes*/, void* share) noexcept { let_go(static_cast<Held*>(share)); }

 private:
  struct Held {
    wire::Bytes bytes;
    std::atomic<unsigned> holders;
  };

  void* leak() { return std::exchange(held_, nullptr); }
  static void let_go(Held* held) noexcept {
    if (held && held->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held;
  }

  Held* held_ = nullptr;
};

template <class Message>
SharedFrame frame_of(const Message& message) {
  return SharedFrame(wire::encode(message));
}

}  // namespace accrue::client
