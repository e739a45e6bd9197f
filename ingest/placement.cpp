#include "ingest/placement.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "ingest/hash.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::ingest {
namespace {

std::uint64_t preference(std::uint64_t stream_id, std::uint32_t partition, std::uint32_t worker) {
  return mix(mix(mix(stream_id + kGolden) + partition + kGolden) + worker + kGolden);
}

std::uint64_t ceil_divided(std::uint64_t number, std::uint64_t by) { return (number + by - 1) / by; }

std::uint64_t count_of(const std::vector<std::uint32_t>& holders, std::uint32_t worker) {
  return static_cast<std::uint64_t>(std::count(holders.begin(), holders.end(), worker));
}

}  // namespace

void Placement::open(std::uint64_t stream_id, std::uint32_t partitions) {
  const auto [stream, is_new] = streams_.try_emplace(stream_id, Holders(partitions, kNobody));
  ACCRUE_ASSERT(is_new);
  partitions_ += partitions;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) place(stream_id, partition, stream->second);
}

void Placement::close(std::uint64_t stream_id) {
  const auto closed = streams_.extract(stream_id);
  ACCRUE_ASSERT(!closed.empty());
  for (const std::uint32_t worker : closed.mapped()) {
    if (worker != kNobody) --held_.at(worker);
  }
  partitions_ -= closed.mapped().size();
}

std::vector<std::uint64_t> Placement::join(std::uint32_t worker) {
  const bool is_new = held_.try_emplace(worker, 0).second;
  ACCRUE_ASSERT(is_new);
  std::vector<std::uint64_t> moved;
  for (auto& [stream_id, holders] : streams_) {
    if (draw_to(worker, stream_id, holders)) moved.push_back(stream_id);
  }
  return moved;
}

std::vector<std::uint64_t> Placement::leave(std::uint32_t worker) {
  const auto erased = held_.erase(worker);
  ACCRUE_ASSERT(erased == 1);
  std::vector<std::uint64_t> moved;
  for (auto& [stream_id, holders] : streams_) {
    if (count_of(holders, worker) == 0) continue;
    moved.push_back(stream_id);
    for (std::uint32_t partition = 0; partition < holders.size(); ++partition) {
      if (holders[partition] != worker) continue;
      holders[partition] = kNobody;
      place(stream_id, partition, holders);
    }
  }
  return moved;
}

void Placement::place(std::uint64_t stream_id, std::uint32_t partition, Holders& holders) {
  if (held_.empty()) return;
  const std::uint64_t stream_bound = ceil_divided(holders.size(), held_.size());
  const std::uint64_t bound = ceil_divided(partitions_, held_.size());
  std::uint32_t best = kNobody;
  std::pair<bool, std::uint64_t> best_rank;
  for (const auto& [worker, held] : held_) {
    if (count_of(holders, worker) >= stream_bound) continue;
    const std::pair rank(held < bound, preference(stream_id, partition, worker));
    if (best != kNobody && rank <= best_rank) continue;
    best = worker;
    best_rank = rank;
  }
  ACCRUE_ASSERT(best != kNobody);  // the stream's bounds of all workers hold all its partitions
  holders[partition] = best;
  ++held_.at(best);
}

// Moves what a worker that has just joined should hold of a stream; false when nothing moved.
bool Placement::draw_to(std::uint32_t joined, std::uint64_t stream_id, Holders& holders) {
  const std::uint64_t stream_bound = ceil_divided(holders.size(), held_.size());
  const std::uint64_t bound = ceil_divided(partitions_, held_.size());
  const auto keenness = [&](std::uint32_t partition) { return preference(stream_id, partition, joined); };
  std::vector<std::uint32_t> keenest_first(holders.size());
  std::iota(keenest_first.begin(), keenest_first.end(), 0u);
  std::sort(keenest_first.begin(), keenest_first.end(),
            [&](std::uint32_t a, std::uint32_t b) { return keenness(a) > keenness(b); });

  std::uint64_t drawn = 0;
  const auto draw = [&](auto should_move) {
    for (const std::uint32_t partition : keenest_first) {
      const std::uint32_t holder = holders[partition];
      if (drawn == stream_bound || holder == joined || !should_move(partition, holder)) continue;
      if (holder != kNobody) --held_.at(holder);
      holders[partition] = joined;
      ++held_.at(joined);
      ++drawn;
    }
  };
  draw([&](std::uint32_t, std::uint32_t holder) {
    return holder == kNobody || count_of(holders, holder) > stream_bound;
  });
  draw([&](std::uint32_t partition, std::uint32_t holder) {
    if (held_.at(joined) >= bound) return false;
    return held_.at(holder) > bound || keenness(partition) > preference(stream_id, partition, holder);
  });
  return drawn > 0;
}

}  // namespace accrue::ingest
