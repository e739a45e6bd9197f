#include "tests/support/allocations.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace accrue::tests {
namespace {

std::atomic<std::uint64_t> all_threads{0};
thread_local std::uint64_t this_thread = 0;

[[maybe_unused]] void count() {
  ++this_thread;
  all_threads.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

std::uint64_t allocations_of_thread() { return this_thread; }
std::uint64_t allocations_of_process() { return all_threads; }

}  // namespace accrue::tests

// glibc lets a program bring its own malloc, which shared libraries and operator new then use too, and has its own
// under these names.
#if ACCRUE_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* old, std::size_t size);               // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT(bugprone-reserved-identifier)

void* malloc(std::size_t size) {
  accrue::tests::count();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  accrue::tests::count();
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  accrue::tests::count();
  return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  accrue::tests::count();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  accrue::tests::count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** to, std::size_t alignment, std::size_t size) {
  accrue::tests::count();
  *to = __libc_memalign(alignment, size);
  return *to ? 0 : ENOMEM;
}
}
#endif
