// Rows of a request on their way into the protocol: batches in its friendly form (WIRE.md), whose rows meet all of the
// daemon's checks, so that one that cannot be read is counted there like any other bad row.
//
// Batches are cut by what is in them alone: the same rows always make the same batches. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "daemon/http/problem.hpp"
#include "ingest/wire/codec.hpp"

namespace accrue::daemon::http {

inline constexpr std::size_t kMaxBatchRows = 4'096;

class RowBatch {
 public:
  std::uint32_t count() const { return count_; }

  // An object or an array of numbers and nulls. What is neither, and any other value in it, is put so that the daemon
  // finds a bad row there. False, and nothing was added, when the batch would grow beyond what one may be.
  [[nodiscard]] bool add(const Json& row);

  // A row whose values are in the order of the stream's columns. One that is not a number is `not_a_number` of them;
  // kNone for all of them.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  [[nodiscard]] bool add(std::span<const double> values, std::size_t not_a_number = kNone);

  // The whole frame of a Batch.
  wire::Bytes frame(std::uint64_t stream_id, std::uint64_t sequence) const;

 private:
  [[nodiscard]] bool kept(std::size_t size_before);

  std::uint32_t count_ = 0;
  std::vector<std::uint8_t> rows_;  // MessagePack, one behind the other
};

// Fills batches and hands over each that is full.
class RowBatches {
 public:
  using Deliver = std::function<void(const RowBatch&)>;
  explicit RowBatches(Deliver deliver) : deliver_(std::move(deliver)) {}

  void add(const Json& row) { add_any(row); }
  void add(std::span<const double> values, std::size_t not_a_number = RowBatch::kNone) {
    add_any(values, not_a_number);
  }
  void finish();

 private:
  template <class... Row>
  void add_any(const Row&... row) {
    if (filling_.add(row...)) return;
    finish();
    if (!filling_.add(row...)) add(Json());  // a row larger than a batch may be: a bad one
  }

  Deliver deliver_;
  RowBatch filling_;
};

}  // namespace accrue::daemon::http
