#include "ingest/placement.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "ingest/hash.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::ingest {
namespace {

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

std::uint64_t preference(std::uint64_t stream_id, std::uint32_t partition, std::uint32_t worker) {
  return mix(mix(mix(stream_id + kGolden) + partition + kGolden) + worker + kGolden);
}

std::uint64_t ceil_divided(std::uint64_t number, std::uint64_t by) { return (number + by - 1) / by; }

}  // namespace

Placement::Placement(std::uint32_t workers) : workers_(workers), held_(workers) {
  ACCRUE_ASSERT(workers > 0);
  std::iota(workers_.begin(), workers_.end(), 0u);
}

void Placement::open(std::uint64_t stream_id, std::uint32_t partitions) {
  const auto [stream, is_new] = streams_.try_emplace(stream_id, Holders(partitions, kNobody));
  ACCRUE_ASSERT(is_new);
  partitions_ += partitions;
  Holders& holders = stream->second;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    holders[partition] = choose(stream_id, partition, holders);
    ++held_[holders[partition]];
  }
}

void Placement::close(std::uint64_t stream_id) {
  const auto closed = streams_.extract(stream_id);
  ACCRUE_ASSERT(!closed.empty());
  for (const std::uint32_t worker : closed.mapped()) --held_[worker];
  partitions_ -= closed.mapped().size();
}

void Placement::leave(std::uint32_t worker) {
  ACCRUE_ASSERT(std::erase(workers_, worker) == 1 && !workers_.empty());
  held_[worker] = 0;
  for (auto& [stream_id, holders] : streams_) {
    for (std::uint32_t partition = 0; partition < holders.size(); ++partition) {
      if (holders[partition] != worker) continue;
      holders[partition] = choose(stream_id, partition, holders);
      ++held_[holders[partition]];
    }
  }
}

std::uint32_t Placement::choose(std::uint64_t stream_id, std::uint32_t partition, const Holders& holders) const {
  const std::uint64_t stream_bound = ceil_divided(holders.size(), workers_.size());
  const std::uint64_t bound = ceil_divided(partitions_, workers_.size());
  std::uint32_t best = kNobody;
  std::pair<bool, std::uint64_t> best_rank;
  for (const std::uint32_t worker : workers_) {
    const auto of_stream = static_cast<std::uint64_t>(std::count(holders.begin(), holders.end(), worker));
    if (of_stream >= stream_bound) continue;
    const std::pair rank(held_[worker] < bound, preference(stream_id, partition, worker));
    if (best != kNobody && rank <= best_rank) continue;
    best = worker;
    best_rank = rank;
  }
  ACCRUE_ASSERT(best != kNobody);  // the stream's bounds of all workers hold all its partitions
  return best;
}

}  // namespace accrue::ingest
