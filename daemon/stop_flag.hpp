// A file descriptor that can be read once set() was called, by any number of threads. Any thread may call it.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

namespace accrue::daemon {

class StopFlag {
 public:
  StopFlag() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {}
  ~StopFlag() { ::close(descriptor_); }
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;

  int descriptor() const { return descriptor_; }
  void set() { ::eventfd_write(descriptor_, 1); }

 private:
  int descriptor_;
};

}  // namespace accrue::daemon
