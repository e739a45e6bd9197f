#include "daemon/flush.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace accrue::daemon {

int flush(const std::filesystem::path& file_or_directory) {
  const int descriptor = open(file_or_directory.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  // EINVAL is a file system's way to say that its directories need no flushing.
  const int error = fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  close(descriptor);
  return error;
}

}  // namespace accrue::daemon
