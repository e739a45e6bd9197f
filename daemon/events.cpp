#include "daemon/events.hpp"

#include <algorithm>
#include <utility>

namespace accrue::daemon {
namespace {

// Later than those of a daemon before, unless that told more than a million events a second.
std::uint64_t first_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

Events::Events() : newest_(first_id()) {}

void Events::tell(Event::Kind kind, const std::string& stream, nlohmann::ordered_json data) {
  {
    const std::scoped_lock lock(mutex_);
    events_.push_back({++newest_, kind, stream, std::move(data)});
    if (events_.size() > kKept) events_.pop_front();
  }
  told_.notify_all();
}

std::optional<Event> Events::next(std::uint64_t id, TimePoint deadline) {
  std::unique_lock lock(mutex_);
  if (!told_.wait_until(lock, deadline, [&] { return newest_ > id || closed_; }) || closed_) return std::nullopt;
  const auto found = std::ranges::upper_bound(events_, id, {}, &Event::id);
  if (found == events_.end()) return std::nullopt;
  return *found;
}

std::uint64_t Events::newest() const {
  const std::scoped_lock lock(mutex_);
  return newest_;
}

void Events::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  told_.notify_all();
}

bool Events::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

}  // namespace accrue::daemon
