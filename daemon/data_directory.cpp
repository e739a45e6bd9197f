#include "daemon/data_directory.hpp"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/flush.hpp"

namespace accrue::daemon {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_unusable(const fs::path& directory, int error) {
  throw std::runtime_error("cannot write to data directory " + directory.string() + ": " +
                           std::generic_category().message(error) + "; choose another with --data");
}

// Answers an errno, 0 for success.
int make_directory(const fs::path& directory) {
  std::error_code ignored;
  if (fs::is_directory(directory, ignored)) return 0;
  const fs::path parent = directory.parent_path();
  if (parent != directory) {
    if (const int error = make_directory(parent)) return error;
  }
  if (mkdir(directory.c_str(), S_IRWXU) != 0) {
    if (errno != EEXIST) return errno;
    return fs::is_directory(directory, ignored) ? 0 : ENOTDIR;  // another daemon may have been quicker
  }
  return flush(parent);  // a new directory must survive power loss no less than what is committed in it
}

std::string holder(int lock) {
  std::array<char, 32> pid{};
  const ssize_t size = pread(lock, pid.data(), pid.size(), 0);
  return size > 0 ? std::string(pid.data(), static_cast<std::size_t>(size)) : std::string("unknown");
}

}  // namespace

DataDirectory::DataDirectory(const fs::path& directory) : path_(fs::absolute(directory)) {
  if (const int error = make_directory(path_)) throw_unusable(path_, error);
  if (access(path_.c_str(), R_OK | W_OK | X_OK) != 0) throw_unusable(path_, errno);

  lock_ = open((path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (lock_ < 0) throw_unusable(path_, errno);
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string pid = holder(lock_);
    close(lock_);
    if (error != EWOULDBLOCK) throw_unusable(path_, error);
    throw std::runtime_error("data directory " + path_.string() + " is in use by another accrued (pid " + pid +
                             "); stop it, or choose another with --data");
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(lock_, 0) != 0 || pwrite(lock_, pid.data(), pid.size(), 0) < 0) {
    const int error = errno;
    close(lock_);
    throw_unusable(path_, error);
  }
}

DataDirectory::~DataDirectory() { close(lock_); }

}  // namespace accrue::daemon
