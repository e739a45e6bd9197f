// How often memory was asked for in the heap: by this thread, or by all threads of the process, also from within shared
// libraries. Linking allocations.cpp puts the counters in; a sanitizer has an allocator of its own, and none are
// counted under one (kCountsAllocations).
//
// Thread-safe.
#pragma once

#include <cstdint>

#define ACCRUE_COUNTS_ALLOCATIONS 1
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef ACCRUE_COUNTS_ALLOCATIONS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef ACCRUE_COUNTS_ALLOCATIONS
#endif
#endif
#ifndef ACCRUE_COUNTS_ALLOCATIONS
#define ACCRUE_COUNTS_ALLOCATIONS 0
#endif

namespace accrue::tests {

inline constexpr bool kCountsAllocations = ACCRUE_COUNTS_ALLOCATIONS == 1;

std::uint64_t allocations_of_thread();
std::uint64_t allocations_of_process();

}  // namespace accrue::tests
