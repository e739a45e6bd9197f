// The workers that accrued starts as processes of their own: each is started again when it ends, after a pause where it
// ended early, until all are stopped. They end when this process does, however that ends.
//
// Any thread may call it. Errors: a process that cannot be started is logged, and tried again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "daemon/config.hpp"

namespace accrue::daemon {

// How a worker of a process is known, unlike any other on any machine: HOST:PID.
std::string worker_name(pid_t pid);

class WorkerProcesses {
 public:
  // Starts config.workers of them, which connect to `endpoint`. `on_end` is called with the name of each that has
  // ended, on a thread of its own.
  WorkerProcesses(const Config& config, const std::string& endpoint, std::function<void(const std::string&)> on_end);
  ~WorkerProcesses();
  WorkerProcesses(const WorkerProcesses&) = delete;
  WorkerProcesses& operator=(const WorkerProcesses&) = delete;

  // Ends the one of this name, if it is one of these, by SIGKILL: it may be one that answers to nothing else.
  void kill(const std::string& name);

 private:
  void keep_one();
  pid_t start();

  const std::vector<std::string> command_;
  const std::function<void(const std::string&)> on_end_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::set<pid_t> running_;
  std::vector<std::thread> keepers_;  // one for each
};

}  // namespace accrue::daemon
