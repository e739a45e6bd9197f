// Model: one partition's share of a model, or all shares merged: an exact learner and the error that it has made so
// far.
//
// Partitions score as honestly as one learner of all rows would when they tell each other now and then what they know:
// each hands out its share(), and lets the shares of all the others be seen (see). Same rows and same exchanges at the
// same places give the same bits, with or without an encode and decode between.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one. A copy is
// independent: hand it to another thread and go on learning.
// Costs: learn does not allocate; a copy and its encoding take 8 bytes for each of (d + 2)(d + 3) / 2 numbers, for as
// many more once others were seen, and for each number of the unfinished block (at most 255 rows). Errors: the
// constructor throws std::invalid_argument for options that no model can have; decode answers DecodeError and leaves
// its output empty unless that is kNone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "models/least_squares.hpp"
#include "models/progressive_error.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

class Model {
 public:
  explicit Model(const LeastSquaresOptions& options);

  /// Predicts each row, scores the prediction, then learns the row.
  void learn(const RowsView& rows);
  /// What the other partitions see of this one: its state with no row pending and nothing seen of others.
  std::vector<std::byte> share() const;
  /// From the next row on predicts with what the other partitions had learned when they handed out these shares, and
  /// clips to their targets, too; what it saw of them before is forgotten. It learns nothing: all that merge adds up
  /// stays its own. The last bits of the predictions depend on the order of the shares, so let that be the partitions'.
  /// A damaged share and one of other options (kInvalid) change nothing.
  [[nodiscard]] DecodeError see(std::span<const std::span<const std::byte>> shares);
  /// Adds what another model of the same options has learned and how it erred. Forgets what either has seen of others.
  void merge(const Model& other);

  const LeastSquares& learner() const { return learner_; }
  const ProgressiveError& error() const { return error_; }

  /// The state as documented in STATE.md.
  std::vector<std::byte> encode() const;
  [[nodiscard]] static DecodeError decode(std::span<const std::byte> state, std::optional<Model>& out);

 private:
  Model(LeastSquares learner, const ProgressiveError& error);

  LeastSquares learner_;
  ProgressiveError error_;
};

}  // namespace accrue::models
