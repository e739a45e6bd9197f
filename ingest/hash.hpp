// The hashes that partitions and workers are chosen by: the same on every machine, so that the choice is.
// Not for strangers' keys in a hash table: whoever knows the function can make keys collide. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace accrue::ingest {

// 2^64 / the golden ratio: the step of SplitMix64, and of the golden ratio's additive sequence.
inline constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014, with Stafford's constants): every bit of the argument
// reaches every bit of the result, and different arguments have different results.
constexpr std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

// FNV-1a (Fowler, Noll and Vo), mixed.
constexpr std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mix(hash);
}

// One of `count`: the high half of hash * count / 2^32 is uniform over them without a division (Lemire 2019).
constexpr std::uint32_t one_of(std::uint32_t count, std::uint64_t hash) {
  return static_cast<std::uint32_t>(((hash >> 32) * count) >> 32);
}

}  // namespace accrue::ingest
