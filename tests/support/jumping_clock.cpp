// To be preloaded into a program (LD_PRELOAD): at every look its wall clock is somewhere else, by hours or by years,
// forwards or back. The clocks that only run forwards are left as they are.
#include <atomic>
#include <cstdint>
#include <ctime>

#include <dlfcn.h>
#include <sys/time.h>

#include "datasets/random.hpp"

namespace {

std::time_t jump() {
  static std::atomic<std::uint64_t> looks = 0;
  accrue::datasets::Random random(looks++);
  const auto hours = static_cast<std::time_t>(random.below(random.uniform() < 0.1 ? 100'000 : 5));
  return (random.uniform() < 0.5 ? hours : -hours) * 3'600;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const look = real<int(clockid_t, timespec*)>("clock_gettime");
  const int result = look(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += jump();
  return result;
}

extern "C" int gettimeofday(timeval* time, void* zone) noexcept {
  static auto* const look = real<int(timeval*, void*)>("gettimeofday");
  const int result = look(time, zone);
  if (result == 0) time->tv_sec += jump();
  return result;
}
