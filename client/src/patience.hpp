// How long a caller goes on waiting for the daemon. What counts is the time in which this process could have heard it:
// between two looks at most kLook, so that one which was stopped meanwhile (Ctrl-Z, then fg) does not give up at once
// when it goes on.
//
// For one thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "client/src/outbound.hpp"

namespace accrue::client {

class Patience {
 public:
  static constexpr std::chrono::milliseconds kLook{1'000};

  explicit Patience(Clock::duration time) : left_(time) {}

  // Looks at the clock.
  bool over() {
    const Clock::time_point now = Clock::now();
    left_ -= std::min<Clock::duration>(now - looked_, kLook);
    looked_ = now;
    return left_ <= Clock::duration::zero();
  }

  // Until when to wait before looking again.
  Clock::time_point next_look() const { return looked_ + std::min<Clock::duration>(left_, kLook); }

 private:
  Clock::duration left_;
  Clock::time_point looked_ = Clock::now();
};

}  // namespace accrue::client
