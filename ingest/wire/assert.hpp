// An invariant of our own code that does not hold: say where and stop, in release too. Never for input from outside.
#pragma once

#include <cstdio>
#include <cstdlib>

#define ACCRUE_ASSERT(condition)                                                                     \
  do {                                                                                               \
    if (!(condition)) {                                                                              \
      std::fprintf(stderr, "accrue: %s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                                  \
    }                                                                                                \
  } while (false)
