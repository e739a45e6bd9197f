// What there is to tell of the daemon itself. A value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace accrue::daemon {

struct DaemonFacts {
  std::string version;
  std::string data_dir;
  std::uint64_t memory_limit_bytes = 0;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();  // by the wall clock
};

}  // namespace accrue::daemon
