// Which partition a row belongs to: a function of (producer's sequence, row) alone, so that a batch that is sent again
// goes where it went before. A further strategy is a further case here, and nothing else changes.
//
// Immutable after construction; may be shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ingest/wire/stream_spec.hpp"

namespace accrue::ingest {

class Partitioner {
 public:
  explicit Partitioner(const wire::StreamSpec& spec);

  std::uint32_t partitions() const { return partitions_; }

  // The partition of a whole batch, for strategies that keep batches together (their rows are then never copied).
  std::optional<std::uint32_t> of_batch(std::uint64_t sequence) const;

  // The partition of a row of a strategy that looks into rows.
  template <class Real>
  std::uint32_t of_row(const Real* row) const {
    return of_key(static_cast<double>(row[key_column_]));
  }

 private:
  std::uint32_t of_key(double key) const;

  wire::PartitionBy by_;
  std::uint32_t partitions_;
  std::size_t key_column_ = 0;
};

}  // namespace accrue::ingest
