// promtool, Prometheus's own checker, as a child of the test. Throws where the test was not told where it is.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"

namespace accrue::tests {

inline Finished promtool(std::vector<std::string> arguments, const std::string& input = {}) {
  const char* const path = std::getenv("ACCRUE_PROMTOOL");
  if (!path || !*path) {
    throw std::runtime_error("set ACCRUE_PROMTOOL to the path that scripts/fetch-promtool prints, as make test does");
  }
  arguments.insert(arguments.begin(), path);
  return run(arguments, {.input = input});
}

}  // namespace accrue::tests
