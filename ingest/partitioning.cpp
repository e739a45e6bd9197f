#include "ingest/partitioning.hpp"

#include <algorithm>
#include <bit>

namespace accrue::ingest {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014, with Stafford's constants): every bit of the key reaches
// every bit of the hash.
std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

}  // namespace

Partitioner::Partitioner(const wire::StreamSpec& spec) : by_(spec.partition_by), partitions_(spec.partitions) {
  if (!spec.keyed()) return;
  const auto columns = spec.columns();
  key_column_ = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), spec.key) - columns.begin());
}

std::optional<std::uint32_t> Partitioner::of_batch(std::uint64_t sequence) const {
  if (partitions_ == 1) return 0;
  if (by_ == wire::PartitionBy::kRoundRobin) return static_cast<std::uint32_t>(sequence % partitions_);
  return std::nullopt;
}

std::uint32_t Partitioner::of_key(double key) const {
  const std::uint64_t hash =
      mix(std::bit_cast<std::uint64_t>(key + 0.0));  // -0.0 + 0.0 is 0.0: one zero, one partition
  // The high half of hash * partitions / 2^32 is uniform over the partitions without a division (Lemire 2019).
  return static_cast<std::uint32_t>(((hash >> 32) * partitions_) >> 32);
}

}  // namespace accrue::ingest
