#include "tests/support/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace accrue::tests {
namespace {

using Clock = std::chrono::steady_clock;

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return ends;
}

// Standard input from a file that is deleted already, so that a child which does not read it cannot block the test.
int input_file(const std::string& text) {
  std::string name = "/tmp/accrue-input-XXXXXX";
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) throw std::system_error(errno, std::generic_category(), "mkostemp");
  ::unlink(name.c_str());
  if (::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::system_error(errno, std::generic_category(), "write");
  }
  ::lseek(file, 0, SEEK_SET);
  return file;
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const Options& options) {
  const auto out = make_pipe();
  const auto err = make_pipe();
  const int in = input_file(options.input);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives the test, however that ends
    ::dup2(in, STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    if (options.network_namespace >= 0 && ::setns(options.network_namespace, CLONE_NEWNET) != 0) ::_exit(126);
    for (const std::string& variable : options.environment) ::putenv(const_cast<char*>(variable.c_str()));
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(in);
  ::close(out[1]);
  ::close(err[1]);
  output_.descriptor = out[0];
  error_.descriptor = err[0];
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(output_.descriptor);
  ::close(error_.descriptor);
}

std::optional<std::string> ChildProcess::read_line() { return next_line(output_); }
std::optional<std::string> ChildProcess::read_error_line() { return next_line(error_); }

void ChildProcess::signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

int ChildProcess::wait() {
  if (exit_code_) return *exit_code_;
  const auto deadline = Clock::now() + kPatience;
  bool output_open = true;
  bool error_open = true;
  while (output_open || error_open) {
    std::array<pollfd, 2> polled = {pollfd{output_open ? output_.descriptor : -1, POLLIN, 0},
                                    pollfd{error_open ? error_.descriptor : -1, POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), milliseconds_until(deadline)) == 0) {
      throw std::runtime_error("a child process did not end in time; it had said: " + error_.buffer);
    }
    if (polled[0].revents != 0) output_open = output_.fill(deadline);
    if (polled[1].revents != 0) error_open = error_.fill(deadline);
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return *exit_code_;
}

bool ChildProcess::Pipe::fill(Clock::time_point deadline) {
  pollfd polled{descriptor, POLLIN, 0};
  if (::poll(&polled, 1, milliseconds_until(deadline)) == 0) {
    throw std::runtime_error("a child process said nothing in time; it had said: " + buffer);
  }
  std::array<char, 4096> chunk;
  const ssize_t size = ::read(descriptor, chunk.data(), chunk.size());
  if (size <= 0) return false;
  buffer.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

std::optional<std::string> ChildProcess::next_line(Pipe& pipe) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    if (const auto end = pipe.buffer.find('\n'); end != std::string::npos) {
      std::string line = pipe.buffer.substr(0, end);
      pipe.buffer.erase(0, end + 1);
      return line;
    }
    if (!pipe.fill(deadline)) return std::nullopt;
  }
}

Finished run(const std::vector<std::string>& arguments, const ChildProcess::Options& options) {
  ChildProcess child(arguments, options);
  const int exit_code = child.wait();
  return {exit_code, child.output(), child.error_output()};
}

}  // namespace accrue::tests
