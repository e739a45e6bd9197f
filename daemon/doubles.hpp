// The numbers of rows that came in a bin, as models take them. Re-entrant.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ingest/wire/messages.hpp"

namespace accrue::daemon {

// Where they lie; or in `memory` when they are narrower, or lie where doubles cannot be read.
std::span<const double> as_doubles(const std::byte* numbers, std::size_t count, wire::DataType dtype,
                                   std::vector<double>& memory);

}  // namespace accrue::daemon
