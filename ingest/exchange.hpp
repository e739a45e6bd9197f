// When the partitions of a stream tell each other what they have learned, so that each scores its rows with what all
// of them know: whenever the stream's count of accepted rows reaches a number of at most ten significant bits, which
// are the first 1,024 numbers and then every 1/1024 to 1/512 more, as a learner's own blocks are; and no sooner than
// after columns / 16 rows (rounded to a power of two), since an exchange costs what learning so many rows does. It is a
// function of that count alone: the same rows have the same exchanges between them, whatever the clock, the epochs and
// the crashes. 512 exchanges each time that the rows double: their cost vanishes as a stream grows.
//
// The figure behind it (tests/models/partitioned_error_test.cpp holds it to this): on California housing, in file order
// and shuffled, the progressive mean squared error of 2, 4 and 8 partitions is within 0.5% of one partition's, where
// seven bits give 1.7%, six 2.4% and no exchange at all up to 1,200%. A batch that goes to one partition may be of any
// size, and the exchange come after it. A batch that is dealt out row by row must be cut at the exchanges: the rows of
// one piece are scored without those that went elsewhere, and whole batches of 4,096 dealt to 4 partitions are 62% off.
//
// Pure functions; any thread. Units: rows, below 2^63; columns of a row.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace accrue::ingest {

/// The count of rows at which the next exchange is due; more than `rows`.
constexpr std::uint64_t next_exchange(std::uint64_t rows, std::uint64_t columns) {
  constexpr int kSignificantBits = 10;
  const int spare_bits = static_cast<int>(std::bit_width(rows)) - kSignificantBits;
  const std::uint64_t step = std::uint64_t{1} << (spare_bits > 0 ? spare_bits : 0);
  const std::uint64_t least = std::max(step, std::bit_floor(columns / 16));
  return (rows / least + 1) * least;
}

/// Whether an exchange is due after a batch that took the stream from `before` rows to `after`.
constexpr bool exchange_due(std::uint64_t before, std::uint64_t after, std::uint64_t columns) {
  return next_exchange(before, columns) <= after;
}

}  // namespace accrue::ingest
