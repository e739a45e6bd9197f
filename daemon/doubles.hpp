// The numbers of rows that came in a bin, as models take them. Re-entrant.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ingest/wire/messages.hpp"

namespace accrue::daemon {

// A bin whose parts are read as doubles and narrower numbers: where it lies, or a copy in `memory`.
const std::byte* aligned_for_doubles(wire::BytesView bin, std::vector<double>& memory);

// Where they lie; or in `memory` when they are narrower, or lie where doubles cannot be read.
std::span<const double> as_doubles(const std::byte* numbers, std::size_t count, wire::DataType dtype,
                                   std::vector<double>& memory);

}  // namespace accrue::daemon
