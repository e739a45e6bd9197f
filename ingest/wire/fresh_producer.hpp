// The name of a producer that nobody else has: `prefix` and 32 random hexadecimal digits. Any thread.
#pragma once

#include <string>

namespace accrue::wire {

std::string fresh_producer(std::string prefix);

}  // namespace accrue::wire
