// Credit: how much memory the batches of all producers together may take, which share of it each is granted, and whose
// turn it is when there is not enough.
//
// A producer may have a window of bytes outstanding: an even share of what is free, so that whoever holds much is
// granted less as others come, and never less than kLeastWindow. Shares that were granted earlier, while more was free,
// may come to more than the whole. A batch that finds no room is refused; its producer opens its stream again, and is
// answered when it is its turn: one at a time, in the order of the refusals, once what was refused fits. So nobody
// starves, and nobody sends in vain for ever.
//
// One thread. Knows no clock: the time comes in.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace accrue::ingest {

class Credit {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kLeastWindow = 1u << 20;
  static constexpr std::chrono::milliseconds kTurn{1'000};  // in which the batch must come, or the next has its turn

  // `window_bytes` is the most that a producer is granted.
  Credit(std::size_t limit_bytes, std::size_t window_bytes) : limit_bytes_(limit_bytes), window_bytes_(window_bytes) {}

  // Whether a batch of so many bytes may be taken. At least one always may.
  bool has_room(std::size_t bytes) const { return held_bytes_ == 0 || held_bytes_ + bytes <= limit_bytes_; }
  void take(std::size_t bytes) { held_bytes_ += bytes; }
  void give_back(std::size_t bytes) { held_bytes_ -= bytes; }
  std::size_t held_bytes() const { return held_bytes_; }

  // Among how many producers it is shared, and what each may have outstanding.
  void share_among(std::size_t producers) { producers_ = producers; }
  std::size_t window_bytes() const;

  // Who waits: a connection, for a stream.
  struct Waiter {
    std::string session;
    std::uint64_t stream_id = 0;
    bool operator==(const Waiter&) const = default;
  };

  // Its batch of so many bytes found no room: it will ask to go on, and wait.
  void refuse(const Waiter& waiter, std::size_t bytes);

  // It asks to go on: true when it must wait, for its turn.
  [[nodiscard]] bool must_wait(const Waiter& waiter);

  // Whose turn it is from now on, if it is nobody's yet and what was refused of the next now fits.
  std::optional<Waiter> next_turn(TimePoint now);
  std::optional<TimePoint> turn_ends() const;

  void end_turn(const Waiter& waiter);      // its batch has come
  void forget(const std::string& session);  // it is gone

 private:
  struct Refused {
    Waiter waiter;
    std::size_t bytes = 0;
    bool asked = false;
  };
  struct Turn {
    Waiter waiter;
    TimePoint ends;
  };

  std::deque<Refused>::iterator find(const Waiter& waiter);

  std::size_t limit_bytes_;
  std::size_t window_bytes_;
  std::size_t held_bytes_ = 0;
  std::size_t producers_ = 0;
  std::deque<Refused> refused_;  // oldest first
  std::optional<Turn> turn_;
};

}  // namespace accrue::ingest
