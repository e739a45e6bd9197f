// RollingError: the error over the last 1,000, 10,000 and 100,000 rows of a stream, and how often intervals held.
//
// A window goes by the rows' index in the stream, not by how many of them came here: it holds what was scored here of
// the last rows of the whole stream. It is made of panes of a tenth of its rows, cut at multiples of that of the index,
// and holds the pane of the newest row and the ten before it: more than window_rows of the stream's rows, and at most a
// tenth more. As all partitions cut at the same rows, merging them gives the windows of all rows, exactly (to
// rounding). A row older than a window by more is left out of it; otherwise rows may come in any order.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Costs: a row is added to one pane of 100 rows, which is pooled into the windows when a row of another comes; a window
// is summed when asked for. 6 KB, taken when the second such pane begins; nothing is allocated after.
// Errors: decode answers DecodeError, and leaves the value as it was unless that is kNone; to ask for another window is
// a broken invariant (require.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/coverage.hpp"
#include "models/error_means.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

/// What was measured of some rows. States of version 3 hold no coverage: restored from one, it is of the rows since.
struct Window {
  ErrorMeans error;
  Coverages coverage;

  void pool(const RowError& row, const HalfWidths& intervals);
  void pool(const Window& others);
  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);
};

class RollingError {
 public:
  static constexpr std::array<std::uint64_t, 3> kWindows{1'000, 10'000, 100'000};  // in rows
  static constexpr std::uint64_t kPanesOfWindow = 10;

  void add(const RowError& row, const HalfWidths& intervals, std::uint64_t index);
  void merge(const RollingError& other);
  /// The rows of the smallest pane that were added last, and whether a row of that index would begin another.
  const Window& newest_pane() const { return current_.rows; }
  bool begins_pane(std::uint64_t index) const { return index / kSmallestPane != current_.number; }
  /// Lets the next row begin another pane in any case.
  void settle();

  /// The figures of one of kWindows.
  Window last(std::uint64_t window_rows) const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  static constexpr std::uint64_t kSmallestPane = kWindows.front() / kPanesOfWindow;
  static constexpr std::size_t kPanes = kPanesOfWindow + 1;

  // A stretch of rows: of indices from number times the rows of a pane on. Without a row it stands for none.
  struct Pane {
    std::uint64_t number = 0;
    Window rows;
  };

  // How many of the smallest panes make one of this window.
  static constexpr std::uint64_t scale_of(std::size_t window) { return kWindows[window] / kWindows.front(); }
  bool holds(std::size_t window, std::uint64_t number) const { return newest_ / scale_of(window) - number < kPanes; }
  std::uint64_t oldest(std::size_t window) const;
  const Window* find(std::size_t window, std::uint64_t number) const;
  void pool(std::size_t window, std::uint64_t number, const Window& rows);
  void pool_into_windows(const Pane& smallest);

  std::uint64_t newest_ = 0;  // of all panes ever, the smallest counted
  Pane current_;              // one of the smallest, in no window yet
  std::vector<Pane> panes_;   // kPanes of each window: number n stands at n % kPanes, until a newer one needs the place
};

inline void Window::pool(const RowError& row, const HalfWidths& intervals) {
  error.pool(row);
  if (row.weight != 0) {
    coverage.add(std::abs(row.error), intervals);
  }
}

inline void RollingError::add(const RowError& row, const HalfWidths& intervals, std::uint64_t index) {
  if (begins_pane(index)) {
    newest_ = std::max(newest_, index / kSmallestPane);
    settle();
    current_.number = index / kSmallestPane;
  }
  current_.rows.pool(row, intervals);
}

}  // namespace accrue::models
