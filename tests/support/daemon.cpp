#include "tests/support/daemon.hpp"

#include <csignal>
#include <stdexcept>

namespace accrue::tests {

Daemon::Daemon(std::vector<std::string> flags, const std::filesystem::path& data_dir)
    : data_dir_(data_dir.empty() ? directory_.path() / "data" : data_dir), flags_(std::move(flags)) {
  start();
}

void Daemon::start() {
  std::vector<std::string> arguments = {ACCRUED_PATH, "--data",         data_dir().string(), "--listen",
                                        endpoint_,    "--query-listen", "tcp://127.0.0.1:0"};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<ChildProcess>(arguments);
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
