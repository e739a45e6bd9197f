// What a process takes, as Linux tells it; nothing of one that is gone.
#pragma once

#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include <sys/types.h>
#include <unistd.h>

namespace accrue::tests {

// "VmRSS" now, "VmHWM" at most since it was started; MiB.
inline std::optional<double> memory_mb(pid_t process, const std::string& which) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(which + ":")) return std::stod(line.substr(which.size() + 1)) / 1024;
  }
  return std::nullopt;
}

// Seconds of all its threads, in user and kernel mode.
inline std::optional<double> cpu_seconds(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // the name may hold spaces
  std::string skipped;
  for (int field = 3; field < 14; ++field) stat >> skipped;
  double user = 0;
  double kernel = 0;
  if (!(stat >> user >> kernel)) return std::nullopt;
  return (user + kernel) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace accrue::tests
