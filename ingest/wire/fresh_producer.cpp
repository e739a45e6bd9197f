#include "ingest/wire/fresh_producer.hpp"

#include <cstdio>
#include <random>

namespace accrue::wire {

std::string fresh_producer(std::string prefix) {
  std::random_device random;
  for (int i = 0; i < 4; ++i) {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", random());
    prefix += digits;
  }
  return prefix;
}

}  // namespace accrue::wire
