#include "tests/support/daemon.hpp"

#include <csignal>
#include <stdexcept>

namespace accrue::tests {

Daemon::Daemon(std::vector<std::string> flags, const DaemonPlace& place)
    : data_dir_(place.data_dir.empty() ? directory_.path() / "data" : place.data_dir),
      flags_(std::move(flags)),
      environment_(place.environment),
      endpoint_("tcp://" + place.host + ":0"),
      query_endpoint_(endpoint_) {
  start();
}

void Daemon::start() {
  std::vector<std::string> arguments = {ACCRUED_PATH, "--data",         data_dir().string(), "--listen",
                                        endpoint_,    "--query-listen", query_endpoint_};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<ChildProcess>(arguments, ChildProcess::Options{.environment = environment_});
  const auto ready = process_->read_line();
  const std::string kListening = " listening on ";
  const auto at = ready ? ready->find(kListening) : std::string::npos;
  if (at == std::string::npos) {
    process_->wait();
    throw std::runtime_error("accrued did not start: " + process_->error_output());
  }
  endpoint_ = ready->substr(at + kListening.size());
}

int Daemon::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

void Daemon::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

}  // namespace accrue::tests
