// Forgetting: how much a row still counts, by where it stands in the stream: among its rows, or in time.
//
// A half life lets the weight of a row fall to half with every half life that the newest row is ahead of it. A window
// drops rows altogether. It is made of panes that lie at fixed places in the stream, so that all partitions cut alike:
// as wide as a sixteenth of the window, in rows rounded up, and as many of them as hold the window. A window therefore
// covers the newest row's pane, as far as it has got, and the full panes before it: of a window of rows up to 16, the
// window exactly; of a longer one, from 15/16 of it (rounded to panes) to all of it, the rounding added.
// Rows do not travel back: what comes late gets the smaller weight, or the older pane, of its own place.
//
// A clock is where a row stands: with a half life its index or event time, with a window the number of its pane, 0 if
// nothing is forgotten. Weights are kept relative to the start of an epoch, two half lives long, instead of the newest
// row: in it the root of a weight grows from 1 to 2, and what was learned is scaled by exact powers of two alone, so
// that the rounding of many small decays never piles up, and partitions meet at the same scale.
//
// Threads: a plain value. Numbers: indices are exact up to 2^53. Errors: read_forgetting throws std::invalid_argument.
#pragma once

#include <cstddef>
#include <numbers>
#include <span>

#include "models/rows.hpp"
#include "models/settings.hpp"

namespace accrue::models {

struct Forgetting {
  enum class Way { kNever, kHalfLife, kWindow };

  Way way = Way::kNever;
  bool by_time = false;  // in seconds, not in rows
  double length = 0;     // of the half life or the window; > 0

  bool operator==(const Forgetting&) const = default;

  double clock(const RowsView& rows, std::size_t i) const;

  /// Whether a pane has left the window when the newest row is at `newest`.
  bool is_gone(double clock, double newest) const { return way == Way::kWindow && newest - clock >= panes(); }
  /// Whether rows may not share a block: they belong to different panes.
  bool are_apart(double one, double other) const { return way == Way::kWindow && one != other; }
  /// Whether what was learned up to `known` has lost more than one in `parts` of its weight to a row at `now`.
  bool is_stale(double known, double now, double parts) const {
    return way == Way::kHalfLife && now - known > length / (std::numbers::ln2 * parts);
  }
  double panes() const;

  /// The number of the epoch; 0 unless there is a half life.
  double epoch(double clock) const;
  /// The root of the weight of a row at `clock`, relative to the start of that epoch or a later one.
  double root_weight(double clock, double epoch) const;
  /// Those of several rows. `roots` has room for their number rounded up to a multiple of kMaxVector.
  void root_weights(std::span<const double> clocks, double epoch, double* roots) const;

 private:
  double pane_width() const;
};

/// Reads the settings half_life_rows, half_life_seconds, window_rows and window_seconds, of which one at most may be
/// set.
Forgetting read_forgetting(Settings& settings);

/// 2^-steps for steps >= 0, whole.
double halved(double steps);

}  // namespace accrue::models
