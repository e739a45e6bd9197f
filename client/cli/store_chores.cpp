// What is done to the files of a daemon, which is accrued's own work: it is run for it, from beside this program or
// else from the PATH.
#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "client/cli/commands.hpp"

namespace accrue::cli {
namespace {

// Becomes accrued, whose output and exit code are then this program's.
[[noreturn]] void become_accrued(std::vector<std::string> arguments) {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "accrued";
  const std::string program = std::filesystem::exists(beside, ignored) ? beside.string() : "accrued";
  arguments.insert(arguments.begin(), "accrued");
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execvp(program.c_str(), argv.data());
  throw std::system_error(errno, std::generic_category(),
                          "cannot run accrued, neither beside accrue nor from the PATH");
}

}  // namespace

int verify(const std::string& directory) { become_accrued({"--data", directory, "--verify"}); }

int backup(const Connection& connection, const std::string& file) {
  const std::string directory = connect(connection).status().data_dir;
  if (!std::filesystem::is_directory(directory)) {
    throw std::runtime_error("the daemon at " + connection.endpoint + " has its data in " + directory +
                             ", which is not on this machine: run accrue backup on that one");
  }
  become_accrued({"--data", directory, "--backup", file});
}

}  // namespace accrue::cli
