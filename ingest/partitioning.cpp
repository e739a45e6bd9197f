#include "ingest/partitioning.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "ingest/hash.hpp"

namespace accrue::ingest {

std::uint32_t Random::of_batch(const BatchId& batch) const {
  const std::uint64_t start = mix(mix(seed_ + kGolden) ^ hash_of(batch.producer));
  return one_of(partitions_, mix(start + batch.sequence * kGolden));
}

Weighted::Weighted(const wire::StreamSpec& spec) {
  const std::vector<double>& weights = spec.partition_weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  double end = 0;
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) share_ends_.push_back(end += weights[i] / sum);
}

std::uint32_t Weighted::of_batch(const BatchId& batch) const {
  const std::uint64_t turns = hash_of(batch.producer) + batch.sequence * kGolden;  // modulo 1, in units of 2^-64
  const double at = static_cast<double>(turns >> 11) * 0x1p-53;
  return static_cast<std::uint32_t>(std::upper_bound(share_ends_.begin(), share_ends_.end(), at) - share_ends_.begin());
}

std::uint32_t LeastLoaded::of_batch(const BatchId& batch, const LoadOf& load_of) const {
  const auto turn = static_cast<std::uint32_t>(batch.sequence % partitions_);
  std::uint32_t best = turn;
  std::uint64_t least = load_of(turn);
  for (std::uint32_t i = 1; i < partitions_; ++i) {
    const std::uint32_t partition = (turn + i) % partitions_;
    const std::uint64_t load = load_of(partition);
    if (load >= least) continue;
    best = partition;
    least = load;
  }
  return best;
}

std::uint32_t KeyHash::of_key(double key) const {
  return one_of(partitions_, mix(std::bit_cast<std::uint64_t>(key + 0.0)));  // -0.0 + 0.0 is 0.0: one zero, one key
}

std::uint32_t KeyRange::of_key(double key) const {
  return static_cast<std::uint32_t>(std::upper_bound(cuts_.begin(), cuts_.end(), key) - cuts_.begin());
}

std::uint32_t TimeWindow::of_key(double event_time_s) const {
  const double window = std::floor(event_time_s / window_s_);
  const double turn = std::fmod(window, partitions_);  // exact, and of the sign of window
  return static_cast<std::uint32_t>(turn < 0 ? turn + partitions_ : turn);
}

Partitioner::Strategy Partitioner::strategy_of(const wire::StreamSpec& spec) {
  switch (spec.partition_by) {
    case wire::PartitionBy::kRoundRobin: return RoundRobin(spec);
    case wire::PartitionBy::kHash: return KeyHash(spec);
    case wire::PartitionBy::kRandom: return Random(spec);
    case wire::PartitionBy::kWeighted: return Weighted(spec);
    case wire::PartitionBy::kLeastLoaded: return LeastLoaded(spec);
    case wire::PartitionBy::kRange: return KeyRange(spec);
    case wire::PartitionBy::kTimeWindow: return TimeWindow(spec);
  }
  ACCRUE_ASSERT(false);
  return RoundRobin(spec);
}

Partitioner::Partitioner(const wire::StreamSpec& spec) : partitions_(spec.partitions), strategy_(strategy_of(spec)) {
  // Rows with an id go by that: features and target meet.
  if (spec.keyed() || spec.delayed()) key_column_ = spec.column(spec.delayed() ? spec.id : spec.key);
}

std::optional<std::uint32_t> Partitioner::of_batch(const BatchId& batch, const LoadOf& load_of) const {
  if (partitions_ == 1) return 0;
  return std::visit(
      [&](const auto& strategy) -> std::optional<std::uint32_t> {
        using Chosen = std::decay_t<decltype(strategy)>;
        if constexpr (LooksIntoRows<Chosen>) {
          return std::nullopt;
        } else if constexpr (std::is_same_v<Chosen, LeastLoaded>) {
          return strategy.of_batch(batch, load_of);
        } else {
          return strategy.of_batch(batch);
        }
      },
      strategy_);
}

}  // namespace accrue::ingest
