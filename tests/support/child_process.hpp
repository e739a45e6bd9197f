// A real program as a child of the test: its output on pipes, its end awaited, never left behind.
//
// A child that is not read stands still once a pipe is full, at 64 KiB.
//
// One thread. Waiting is on events (pipes, pidfd) with a deadline that only a hang can reach.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace accrue::tests {

inline constexpr std::chrono::seconds kPatience{60};  // what a loaded machine may need; a hang takes longer

struct ChildProcessOptions {
  std::vector<std::string> environment = {};  // "NAME=value", added to the test's own
  std::string input = {};                     // its standard input
  int network_namespace = -1;                 // a descriptor of the one to run in; -1: the test's own
};

class ChildProcess {
 public:
  using Options = ChildProcessOptions;

  // arguments[0] is the program's path.
  explicit ChildProcess(const std::vector<std::string>& arguments, const Options& options = {});
  ~ChildProcess();  // kills what still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // The next line of its standard output or error; nothing once that is closed. Throws when kPatience is over.
  std::optional<std::string> read_line();
  std::optional<std::string> read_error_line();

  void signal(int number);

  // Reads all output to the end and waits: the exit code, or 128 + the signal that ended it.
  int wait();

  // What came on each, once wait() has returned, without what was read before by line.
  const std::string& output() const { return output_.buffer; }
  const std::string& error_output() const { return error_.buffer; }

 private:
  struct Pipe {
    int descriptor = -1;
    std::string buffer;
    bool fill(std::chrono::steady_clock::time_point deadline);  // false at the end
  };
  static std::optional<std::string> next_line(Pipe& pipe);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  Pipe output_;
  Pipe error_;
};

// Runs a program to its end.
struct Finished {
  int exit_code;
  std::string output;
  std::string error_output;
};
Finished run(const std::vector<std::string>& arguments, const ChildProcess::Options& options = {});

}  // namespace accrue::tests
