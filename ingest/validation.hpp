// The one gate that rows pass before they change any state: finite, of a magnitude the mathematics can square and sum,
// and of a weight that is none below zero. A value may be missing (NaN) where the stream says so: a feature that all
// the models it began with take so, and of a row with an id the target, or all the features
// (models/delayed_labels.hpp). A bad row is taken out and counted; its neighbours are not harmed.
//
// Functions are re-entrant.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

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

// What rows of a stream have to be like. Immutable.
class Gate {
 public:
  // `may_be_missing` tells of each feature whether models take it so; empty: none. What rows are dealt out by, or
  // timed, must be there.
  explicit Gate(const wire::StreamSpec& spec, std::vector<bool> may_be_missing = {});

  std::size_t columns() const { return columns_; }
  bool weighted() const { return weighted_; }
  // Whether any value of a row may be missing.
  bool takes_missing() const { return delayed_ || takes_missing_; }
  bool may_be_missing(std::size_t feature) const { return takes_missing_ && may_be_missing_[feature]; }

  template <class Real>
  std::optional<wire::RejectReason> problem_with(const Real* row) const;

 private:
  std::size_t features_;
  std::size_t columns_;
  bool weighted_;
  bool delayed_;
  std::vector<bool> may_be_missing_;
  bool takes_missing_;
};

// Screens `count` rows, row-major. Good ones are moved together at the front, in order.
template <class Real>
Screening screen_rows(Real* rows, std::size_t count, const Gate& gate);

}  // namespace accrue::ingest
