#include "daemon/worker_processes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.hpp"

namespace accrue::daemon {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kLongEnough{200};  // for a process to have worked
constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{1'000};

std::vector<std::string> command_of(const Config& config, const std::string& endpoint) {
  return {"accrued",      "worker",
          "--connect",    endpoint,
          "--log-level",  to_string(config.log_level),
          "--log-format", to_string(config.log_format),
          "--supervisor", std::to_string(::getpid())};
}

}  // namespace

std::string worker_name(pid_t pid) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ":" + std::to_string(pid);
}

WorkerProcesses::WorkerProcesses(const Config& config, const std::string& endpoint,
                                 std::function<void(const std::string&)> on_end)
    : command_(command_of(config, endpoint)), on_end_(std::move(on_end)) {
  for (std::uint32_t i = 0; i < config.workers; ++i) keepers_.emplace_back([this] { keep_one(); });
}

WorkerProcesses::~WorkerProcesses() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (const pid_t pid : running_) ::kill(pid, SIGTERM);
  }
  stopped_.notify_all();
  for (std::thread& keeper : keepers_) keeper.join();
}

void WorkerProcesses::kill(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  for (const pid_t pid : running_) {
    if (worker_name(pid) == name) ::kill(pid, SIGKILL);
  }
}

void WorkerProcesses::keep_one() {
  milliseconds pause{0};
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, pause, [this] { return stopping_; })) {
    const auto started = SteadyClock::now();
    const pid_t pid = start();
    if (pid > 0) {
      running_.insert(pid);
      lock.unlock();
      siginfo_t end{};
      while (::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
      }
      lock.lock();
      running_.erase(pid);  // before its number can be another's
      ::waitpid(pid, nullptr, 0);
      if (stopping_) return;
      log_warn("worker_ended",
               {{"worker", worker_name(pid)}, {end.si_code == CLD_EXITED ? "exit_code" : "signal", end.si_status}});
      lock.unlock();
      on_end_(worker_name(pid));
      lock.lock();
    }
    const bool worked = pid > 0 && SteadyClock::now() - started >= kLongEnough;
    pause = worked ? milliseconds(0) : std::clamp(2 * pause, kFirstPause, kLongestPause);
  }
}

pid_t WorkerProcesses::start() {
  std::vector<char*> arguments;
  for (const std::string& argument : command_) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", nullptr, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  log_error("worker_not_started", {{"reason", std::strerror(error)}});
  return 0;
}

}  // namespace accrue::daemon
