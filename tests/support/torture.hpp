// How far the tests go that search for trouble by chance or by exhaustion. In the normal run they go a short way, the
// same every time. `make torture` sets ACCRUE_TORTURE, and ACCRUE_SEED to begin elsewhere; both are printed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace accrue::tests {

inline bool torture() { return std::getenv("ACCRUE_TORTURE") != nullptr; }

// The first seed: a test takes as many from there on as it needs.
inline std::uint64_t torture_seed() {
  const char* seed = std::getenv("ACCRUE_SEED");
  return seed == nullptr ? 1 : std::stoull(seed);
}

// What a search did, for whoever reads the log: "torture: 500 power cuts (first seed 1)".
inline void report_torture(std::uint64_t count, const std::string& of_what) {
  std::cout << "torture: " << count << " " << of_what << " (first seed " << torture_seed() << ")" << std::endl;
}

}  // namespace accrue::tests
