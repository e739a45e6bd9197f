// The daemon's configuration, and the one table of its settings, which the file, the command line, --help, the error
// messages and scripts/accrued.toml.example follow.
//
// Thread: any one, before the others start (the environment is read). Units are in the names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace accrue::daemon {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat { kText, kJson };
enum class WorkerKind { kThreads, kProcesses };
std::string to_string(LogLevel level);  // as they are configured
std::string to_string(LogFormat format);

// $XDG_STATE_HOME/accrue, else ~/.local/state/accrue, else ./accrue-data.
std::filesystem::path default_data_dir();

// The hardware's cores less one for the receiver and the committer, from 1 to 64.
std::uint32_t default_workers();

struct Config {
  std::filesystem::path data_dir = default_data_dir();
  std::string listen = "tcp://127.0.0.1:7700";
  std::string query_listen;  // empty: see query_endpoint()
  std::string http_listen;   // empty: see http_address()
  std::uint32_t workers = default_workers();
  WorkerKind worker_kind = WorkerKind::kThreads;
  std::string worker_listen;  // empty: see worker_endpoint()
  std::uint32_t epoch_interval_ms = 100;
  std::uint32_t epoch_rows = 65'536;
  std::uint32_t keep_epochs = 16;
  std::uint32_t keep_epochs_hours = 0;   // 0: however old
  std::uint32_t memory_limit_mb = 1024;  // MiB that clients may make the daemon use
  std::uint32_t window_mb = 64;          // MiB one producer may have sent that is not durable yet
  std::uint32_t max_message_mb = 16;     // MiB; never more than window_mb or a sixteenth of memory_limit_mb
  std::uint32_t max_streams = 10'000;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// Where queries are answered: query_listen, or when that is empty what follows from `listen`: tcp on the same host and
// the next port (any free one when `listen` has 0 or *), ipc at the same path with ".query" appended. A `listen` that
// is no endpoint, or that has no next port, is a std::invalid_argument.
std::string query_endpoint(const Config& config);

struct HttpAddress {
  std::string host;    // an IPv4 address
  std::uint16_t port;  // 0 for any free one
};

// Where HTTP is served, nothing for nowhere: http_listen; or when that is empty what follows from `listen`: the same
// host (127.0.0.1 where that is an interface) and the port after the next (any free one when `listen` has 0 or *), and
// nowhere for ipc. A `listen` that has no such port is a std::invalid_argument.
std::optional<HttpAddress> http_address(const Config& config);

// Where workers of other processes join: worker_listen, or when that is empty and accrued starts processes of its own a
// socket in the data directory; empty for nowhere. A data directory whose path is too long for a socket is a
// std::invalid_argument.
std::string worker_endpoint(const Config& config);

struct Setting {
  std::string_view key;      // in the file
  std::string flag;          // on the command line
  std::string_view help;     // one sentence
  std::string allowed;       // what the value may be: "an integer from 1 to 64"
  std::string default_text;  // how the default reads to people
  std::string example;       // a value as the file writes it: the default, unless that depends on the machine
  bool is_integer;           // TOML integer, else TOML string
  std::function<bool(Config&, std::string_view)> assign;  // false, and no change, when the value is not allowed
};

// In the order in which people read them.
std::span<const Setting> settings();

}  // namespace accrue::daemon
