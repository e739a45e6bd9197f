#include "tests/support/daemon.hpp"

#include <csignal>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tests/support/process_usage.hpp"

namespace accrue::tests {

Daemon::Daemon(std::vector<std::string> flags, const DaemonPlace& place)
    : data_dir_(place.data_dir.empty() ? directory_.path() / "data" : place.data_dir),
      flags_(std::move(flags)),
      environment_(place.environment),
      endpoint_("tcp://" + place.host + ":0"),
      query_endpoint_(endpoint_),
      http_url_(place.http ? "http://" + place.host + ":0" : "none") {
  start();
}

void Daemon::start() {
  std::vector<std::string> arguments = {ACCRUED_PATH,     "--data",        data_dir().string(), "--listen", endpoint_,
                                        "--query-listen", query_endpoint_, "--http-listen",     http_url_};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<ChildProcess>(arguments, ChildProcess::Options{.environment = environment_});
  endpoint_ = read_address(" listening on ");
  if (http_url_ != "none") http_url_ = read_address("HTTP on ");
}

std::string Daemon::read_address(const std::string& behind) {
  const auto ready = process_->read_line();
  const auto at = ready ? ready->find(behind) : std::string::npos;
  if (at == std::string::npos) {
    process_->wait();
    throw std::runtime_error("accrued did not start: " + process_->error_output());
  }
  return ready->substr(at + behind.size());
}

std::optional<std::size_t> Daemon::peak_memory_mb() const {
  const std::optional<double> peak = memory_mb(process_->pid(), "VmHWM");
  return peak ? std::optional(static_cast<std::size_t>(*peak)) : std::nullopt;
}

void Daemon::check_memory() const {
  std::size_t limit = 1024;  // the default
  for (std::size_t i = 0; i + 1 < flags_.size(); ++i) {
    if (flags_[i] == "--memory-limit-mb") limit = std::stoul(flags_[i + 1]);
  }
  const std::optional<std::size_t> peak = peak_memory_mb();
  if (kSanitized || !peak || *peak < limit + kMemorySlackMb) return;
  throw std::runtime_error("accrued took " + std::to_string(*peak) +
                           " MiB, with memory_limit_mb = " + std::to_string(limit));
}

int Daemon::stop() {
  check_memory();
  process_->signal(SIGTERM);
  return process_->wait();
}

void Daemon::kill() {
  check_memory();
  process_->signal(SIGKILL);
  process_->wait();
}

void Daemon::stop_and_verify() {
  if (const int code = stop(); code != 0) throw std::runtime_error("accrued ended with " + std::to_string(code));
  const Finished verified = run({ACCRUED_PATH, "--data", data_dir().string(), "--verify"});
  if (verified.exit_code != 0) throw std::runtime_error(verified.output + verified.error_output);
}

Finished Daemon::accrue(std::vector<std::string> arguments, const std::string& input) const {
  arguments.insert(arguments.begin(), ACCRUE_PATH);
  return run(arguments, {.environment = {"ACCRUE_ENDPOINT=" + endpoint()}, .input = input});
}

nlohmann::ordered_json Daemon::answer(std::vector<std::string> arguments, const std::string& input) const {
  arguments.insert(arguments.end(), {"--format", "json"});
  const Finished finished = accrue(std::move(arguments), input);
  if (finished.exit_code != 0) throw std::runtime_error(finished.error_output);
  return nlohmann::ordered_json::parse(finished.output);
}

}  // namespace accrue::tests
