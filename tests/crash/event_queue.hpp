// Virtual time: what is to happen and when. Events of the same time happen in the order in which they were put in, so a
// run is a function of its seed alone. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "datasets/random.hpp"

namespace accrue::tests {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using datasets::Random;

class EventQueue {
 public:
  TimePoint now() const { return now_; }

  void at(TimePoint when, std::function<void()> event) {
    events_.emplace(std::pair(std::max(when, now_), ++count_), std::move(event));
  }
  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }

  bool empty() const { return events_.empty(); }

  void run_next() {
    const auto next = events_.extract(events_.begin());
    now_ = next.key().first;
    next.mapped()();
  }

 private:
  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t count_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> events_;
};

// How long things take: mostly microseconds, and sometimes as long as a machine that is busy elsewhere lets them.
struct Latency {
  double slow_share = 0.01;  // of messages that take up to `slow`
  Duration usual = std::chrono::microseconds(300);
  Duration slow = std::chrono::milliseconds(50);

  Duration draw(Random& random) const {
    const Duration most = random.uniform() < slow_share ? slow : usual;
    return Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(most.count()) + 1)));
  }
};

// A way between two parts on which nothing overtakes: what comes out, and when, in the order it went in.
class Link {
 public:
  // When what is sent now arrives.
  TimePoint arrival(const EventQueue& queue, Duration latency) {
    return last_ = std::max(last_, queue.now() + latency);
  }
  void send(EventQueue& queue, Duration latency, std::function<void()> deliver) {
    queue.at(arrival(queue, latency), std::move(deliver));
  }

 private:
  TimePoint last_{};
};

}  // namespace accrue::tests
