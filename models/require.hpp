// An assertion that stays on in release. Any thread may call it; it returns, or ends the process with a message on
// stderr: a broken invariant means that the state can no longer be trusted, and recovery from the last epoch is the way
// out.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace accrue::models {

inline void require(bool holds, const char* what) {
  if (holds) [[likely]] {
    return;
  }
  std::fprintf(stderr, "accrue: broken invariant: %s\n", what);
  std::abort();
}

}  // namespace accrue::models
