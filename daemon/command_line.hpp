// What the user asked of accrued: built-in defaults, overruled by the file that --config names, overruled by flags.
//
// Thread: any one, before the others start. Errors: all are reported as an Exit with code 2 and a message that names
// the setting, where its value came from, and what is allowed; nothing is thrown for what the user wrote.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include <sys/types.h>

#include "daemon/config.hpp"
#include "daemon/maintenance.hpp"

namespace accrue::daemon {

// The program is to end now: `text` is for standard output when the code is 0, else for standard error.
struct Exit {
  int code = 0;
  std::string text;
};

// `accrued worker`: to work for a daemon.
struct WorkerCommand {
  std::string endpoint;
  std::optional<pid_t> supervisor;  // the process to end with
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// To serve, to work for one that serves, to do a chore instead, or nothing.
using ParsedCommand = std::variant<Config, WorkerCommand, Chore, Exit>;

ParsedCommand parse_command_line(int argc, const char* const* argv);

}  // namespace accrue::daemon
