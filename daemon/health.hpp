// Whether epochs reach the disk at present; set by the committer, read by the query service. Any thread.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace accrue::daemon {

class Health {
 public:
  // Why nothing becomes durable; empty when all is well.
  std::string degraded() const {
    const std::scoped_lock lock(mutex_);
    return degraded_;
  }
  void set_degraded(std::string reason) {
    const std::scoped_lock lock(mutex_);
    degraded_ = std::move(reason);
  }

 private:
  mutable std::mutex mutex_;
  std::string degraded_;
};

}  // namespace accrue::daemon
