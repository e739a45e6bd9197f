// The one gate that rows pass before they change any state: finite, of a magnitude the mathematics can square and sum,
// and of a weight that is none below zero. A bad row is taken out and counted; its neighbours are not harmed.
//
// Functions are re-entrant.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "ingest/wire/messages.hpp"

namespace accrue::ingest {

using RejectCounts = std::array<std::uint64_t, wire::kRejectReasons>;

// What became of a batch's rows.
struct Screening {
  std::size_t kept = 0;
  std::size_t rejected = 0;
  std::size_t first_rejected = 0;  // its index in the batch, where any was rejected
  wire::RejectReason first_reason = wire::RejectReason::kNotFinite;
  RejectCounts by_reason{};

  void reject(std::size_t row, wire::RejectReason reason, std::size_t rows = 1) {
    if (rejected == 0) {
      first_rejected = row;
      first_reason = reason;
    }
    rejected += rows;
    by_reason[static_cast<std::size_t>(reason)] += rows;
  }
};

// Screens `count` rows of `columns` values each, row-major, `weight_column` being the weight's place if there is one.
// Good rows are moved together at the front, in order.
template <class Real>
Screening screen_rows(Real* rows, std::size_t count, std::size_t columns, std::optional<std::size_t> weight_column);

}  // namespace accrue::ingest
