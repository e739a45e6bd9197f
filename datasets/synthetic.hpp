// A table with the columns, ranges and rough shape of California housing, made from a seed: what is replayed where the
// census data cannot be had. It says nothing about California. The target is linear in the features, plus noise, and
// clipped; a handful of rows have an outlying AveOccup, as in the original.
// A seed gives the same bits on every platform (datasets/random.hpp, and no contraction to fused multiply-add).
// Thread-safe: a plain function.
#pragma once

#include <cstddef>
#include <cstdint>

#include "datasets/california.hpp"
#include "datasets/table.hpp"

namespace accrue::datasets {

Table synthetic_california(std::uint64_t seed, std::size_t rows = kCaliforniaRows);

}  // namespace accrue::datasets
