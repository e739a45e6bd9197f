// Which partition a row belongs to. All that decides it is here: one small class a strategy, chosen by the stream's
// specification.
//
//   whole batches, whose rows are then never copied: RoundRobin, Random, Weighted, LeastLoaded
//   rows, by the value of their key column:          KeyHash, KeyRange, TimeWindow
//
// All but one are pure functions of (producer, sequence, row): a batch that is sent again goes where it went before,
// and the same batches give the same bits. LeastLoaded looks at the workers' queues, so after a rewind a batch may go
// elsewhere. That is safe: whether a batch is in is told by its sequence alone, all partitions rewind to one epoch, and
// merging is exact; only the last bits of the model may differ.
//
// Immutable after construction; may be shared between threads. The specification is one that problem_with() accepts.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "ingest/wire/assert.hpp"
#include "ingest/wire/stream_spec.hpp"

namespace accrue::ingest {

struct BatchId {
  std::string_view producer;
  std::uint64_t sequence = 0;
};

// What is waiting for the worker that holds a partition, in any unit.
using LoadOf = std::function<std::uint64_t(std::uint32_t partition)>;

// Batches in turn (round-robin declustering: DeWitt and Gray 1992).
class RoundRobin {
 public:
  explicit RoundRobin(const wire::StreamSpec& spec) : partitions_(spec.partitions) {}
  std::uint32_t of_batch(const BatchId& batch) const {
    return static_cast<std::uint32_t>(batch.sequence % partitions_);
  }

 private:
  std::uint32_t partitions_;
};

// Batches by lot, and the same lot whenever asked: number `sequence` of the SplitMix64 stream (Steele, Lea and Flood
// 2014) that the seed and the producer's name begin.
class Random {
 public:
  explicit Random(const wire::StreamSpec& spec) : partitions_(spec.partitions), seed_(spec.partition_seed) {}
  std::uint32_t of_batch(const BatchId& batch) const;

 private:
  std::uint32_t partitions_;
  std::uint64_t seed_;
};

// Batches in proportion to weights, as evenly in time as can be: batch n is at n / golden ratio modulo 1, from a start
// of the producer's own, among the cumulated shares. Of any n batches in a row a share p gets p n within
// 3 + 3.53 ln n (Kuipers and Niederreiter 1974, theorem 2.3.4), where lots would stray by the root of n.
class Weighted {
 public:
  explicit Weighted(const wire::StreamSpec& spec);
  std::uint32_t of_batch(const BatchId& batch) const;

 private:
  std::vector<double> share_ends_;  // of all partitions but the last, whose share ends at 1
};

// Batches to the worker with the least waiting (join the shortest queue: Winston 1977); in turn among equals.
class LeastLoaded {
 public:
  explicit LeastLoaded(const wire::StreamSpec& spec) : partitions_(spec.partitions) {}
  std::uint32_t of_batch(const BatchId& batch, const LoadOf& load_of) const;

 private:
  std::uint32_t partitions_;
};

// Rows by the hash of their key: all rows of a key meet in one partition (DeWitt and Gray 1992).
class KeyHash {
 public:
  explicit KeyHash(const wire::StreamSpec& spec) : partitions_(spec.partitions) {}
  std::uint32_t of_key(double key) const;

 private:
  std::uint32_t partitions_;
};

// Rows by the range their key lies in, a cut being the first of its range (DeWitt and Gray 1992).
class KeyRange {
 public:
  explicit KeyRange(const wire::StreamSpec& spec) : cuts_(spec.partition_cuts) {}
  std::uint32_t of_key(double key) const;

 private:
  std::vector<double> cuts_;
};

// Rows by the window of event time that they fall into, windows to partitions in turn (fixed windows: Akidau and others
// 2015). Time runs from 0, either way.
class TimeWindow {
 public:
  explicit TimeWindow(const wire::StreamSpec& spec)
      : partitions_(spec.partitions), window_s_(spec.partition_window_s) {}
  std::uint32_t of_key(double event_time_s) const;

 private:
  std::uint32_t partitions_;
  double window_s_;
};

class Partitioner {
 public:
  explicit Partitioner(const wire::StreamSpec& spec);

  std::uint32_t partitions() const { return partitions_; }

  // The partition of a whole batch, for strategies that keep batches together.
  std::optional<std::uint32_t> of_batch(const BatchId& batch, const LoadOf& load_of) const;

  // The partition of each of `count` rows of `columns` values, for strategies that look into rows.
  template <class Real>
  void of_rows(const Real* rows, std::size_t count, std::size_t columns, std::uint32_t* partition_of) const;

 private:
  using Strategy = std::variant<RoundRobin, Random, Weighted, LeastLoaded, KeyHash, KeyRange, TimeWindow>;
  static Strategy strategy_of(const wire::StreamSpec& spec);

  std::uint32_t partitions_;
  std::size_t key_column_ = 0;
  Strategy strategy_;
};

template <class Strategy>
concept LooksIntoRows = requires(const Strategy& strategy, double key) {
  { strategy.of_key(key) } -> std::same_as<std::uint32_t>;
};

template <class Real>
void Partitioner::of_rows(const Real* rows, std::size_t count, std::size_t columns, std::uint32_t* partition_of) const {
  std::visit(
      [&](const auto& strategy) {
        if constexpr (LooksIntoRows<std::decay_t<decltype(strategy)>>) {
          for (std::size_t i = 0; i < count; ++i) {
            partition_of[i] = strategy.of_key(static_cast<double>(rows[i * columns + key_column_]));
          }
        } else {
          ACCRUE_ASSERT(false);  // of_batch() has answered
        }
      },
      strategy_);
}

}  // namespace accrue::ingest
