// The checksum of a table, by which a test holds its every bit: FNV-1a over the doubles as little-endian bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace accrue::datasets {

inline std::uint64_t fnv1a(const std::vector<double>& values) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const double value : values) {
    for (int shift = 0; shift < 64; shift += 8) {
      hash ^= (std::bit_cast<std::uint64_t>(value) >> shift) & 0xFF;
      hash *= 0x100000001B3;
    }
  }
  return hash;
}

}  // namespace accrue::datasets
