// A real accrued as a child process, with a data directory that outlives it, so that it can be killed and started anew.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::tests {

struct DaemonPlace {
  std::filesystem::path data_dir = {};        // empty: one of its own
  std::string host = "127.0.0.1";             // the address it listens on
  std::vector<std::string> environment = {};  // "NAME=value", added to the test's own
  bool http = false;                          // served, on a port of its own
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;  // a sanitizer's shadow is resident too: memory says nothing
#else
inline constexpr bool kSanitized = false;
#endif

inline constexpr std::size_t kMemorySlackMb = 64;  // that a daemon may have above memory_limit_mb

class Daemon {
 public:
  // Starts at once, on a port of its own, and returns when it listens. `flags` are added at every start.
  explicit Daemon(std::vector<std::string> flags = {}, const DaemonPlace& place = {});

  const std::string& endpoint() const { return endpoint_; }
  const std::string& http_url() const { return http_url_; }  // where it is served
  const std::filesystem::path& data_dir() const { return data_dir_; }
  std::filesystem::path store_file() const { return data_dir() / "store.sqlite"; }
  ChildProcess& process() { return *process_; }

  // MiB resident at most since it was started; nothing once it has ended.
  std::optional<std::size_t> peak_memory_mb() const;

  int stop();    // SIGTERM; its exit code. No daemon's memory may ever have been above its limit and 64 MiB more
  void kill();   // SIGKILL; likewise
  void start();  // again, on the same port and data

  void stop_and_verify();  // throws where its exit code is not 0, or accrued --verify finds a problem in its store

  // Runs the accrue command against it.
  Finished accrue(std::vector<std::string> arguments, const std::string& input = {}) const;
  // The same with --format json: what it prints. Throws where it fails.
  nlohmann::ordered_json answer(std::vector<std::string> arguments, const std::string& input = {}) const;

 private:
  void check_memory() const;
  std::string read_address(const std::string& behind);  // in the next line of its output

  TemporaryDirectory directory_;
  std::filesystem::path data_dir_;
  std::vector<std::string> flags_;
  std::vector<std::string> environment_;
  std::string endpoint_;
  std::string query_endpoint_;
  std::string http_url_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace accrue::tests
