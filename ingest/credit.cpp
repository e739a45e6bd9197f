#include "ingest/credit.hpp"

#include <algorithm>

namespace accrue::ingest {

std::size_t Credit::window_bytes() const {
  const std::size_t free = limit_bytes_ - std::min(held_bytes_, limit_bytes_);
  const std::size_t share = std::max(free / std::max<std::size_t>(producers_, 1), kLeastWindow);
  return std::min(share, window_bytes_);
}

void Credit::refuse(const Waiter& waiter, std::size_t bytes) {
  if (const auto known = find(waiter); known != refused_.end()) {  // the same batch came twice
    known->bytes = bytes;
  } else if (turn_ && turn_->waiter == waiter) {  // others were quicker: it stays the next
    refused_.push_front({waiter, bytes, false});
  } else {
    refused_.push_back({waiter, bytes, false});
  }
  end_turn(waiter);
}

bool Credit::must_wait(const Waiter& waiter) {
  const auto known = find(waiter);
  if (known == refused_.end()) return false;
  known->asked = true;
  return true;
}

std::optional<Credit::Waiter> Credit::next_turn(TimePoint now) {
  if (turn_ && now < turn_->ends) return std::nullopt;
  turn_.reset();
  const auto next =
      std::find_if(refused_.begin(), refused_.end(), [](const Refused& refused) { return refused.asked; });
  if (next == refused_.end() || !has_room(next->bytes)) return std::nullopt;
  turn_ = Turn{next->waiter, now + kTurn};
  refused_.erase(next);
  return turn_->waiter;
}

std::optional<Credit::TimePoint> Credit::turn_ends() const {
  if (!turn_) return std::nullopt;
  return turn_->ends;
}

void Credit::end_turn(const Waiter& waiter) {
  if (turn_ && turn_->waiter == waiter) turn_.reset();
}

void Credit::forget(const std::string& session) {
  std::erase_if(refused_, [&](const Refused& refused) { return refused.waiter.session == session; });
  if (turn_ && turn_->waiter.session == session) turn_.reset();
}

std::deque<Credit::Refused>::iterator Credit::find(const Waiter& waiter) {
  return std::find_if(refused_.begin(), refused_.end(),
                      [&](const Refused& refused) { return refused.waiter == waiter; });
}

}  // namespace accrue::ingest
