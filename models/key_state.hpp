// KeyState: what a learner of a model for every key (per_key.hpp) knew of one key when it let go of it to make room. It
// is kept elsewhere from then on: states of the same key and learner merge, exactly, and Predictor::predict_with adds
// them to what the learner itself still holds.
//
// Which learner it was is told by where that began; a learner that has begun anew, after a drift or as another model of
// the same name, is another, and what earlier ones knew counts no more. What it has since been told to forget, it has
// forgotten of these states too: each says what was left of its rows' weight when it was made.
//
// Threads: values without locks. Errors: decode answers DecodeError and leaves its output empty unless that is kNone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/factor.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

struct KeyOrigin {
  /// Of the first row that the learner learned among all of the stream's. No two learners of a model have the same, nor
  /// two partitions.
  std::uint64_t beginning = 0;
  double kept = 1;  // of the weight of its first row, for all it has forgotten since; above 0

  bool operator==(const KeyOrigin&) const = default;
};

/// What there is to know about the keys of a learner that has a model for each.
struct KeyFigures {
  std::uint64_t held = 0;
  std::uint64_t evicted = 0;            // how often one was
  std::vector<KeyOrigin> origins = {};  // of all whose evicted keys belong to it: one a partition
};

struct KeyState {
  KeyOrigin origin;  // as it was then
  double key = 0;
  std::size_t columns = 0;
  std::vector<double> packed = {};  // its rows' factor, without the zeros at its end: no longer than the rows were

  KeyState() = default;
  KeyState(const KeyOrigin& from, double of, const Factor& factor);

  /// Of its rows, as far as a learner of that origin has not forgotten them.
  Factor factor(double kept_now) const;
  /// Whether the other is of the same key, learner and columns: whether they can merge.
  bool is_of_the_same(const KeyState& other) const;
  void merge(const KeyState& other);

  /// As documented in STATE.md.
  std::vector<std::byte> encode() const;
  [[nodiscard]] static DecodeError decode(std::span<const std::byte> state, std::optional<KeyState>& out);
};

}  // namespace accrue::models
