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
// is summed when asked for. Below 1 KB, and 6 KB more when the second such pane begins; nothing is allocated after.
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
#include "models/error_sums.hpp"
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
  /// Rows of one pane; the same, to the bit, as to add each of them. residuals[i] = |prediction - target| of row i.
  void add(const ForetoldRows& rows, std::uint64_t first_index, double* residuals);
  void merge(const RollingError& other);
  /// What was measured of the smallest pane that a row was added to last.
  Window newest_pane() const;
  /// Whether a row of that index begins another pane, or the same anew when more came of it than there are.
  bool begins_pane(std::uint64_t index) const {
    return pane_of(index) != current_.number || sums_.rows() == ErrorSums::kMaxRows;
  }
  /// How many rows may be added at once to the pane that a row of that index is added to, if they are all of it.
  std::size_t room_for(std::uint64_t index) const {
    return ErrorSums::kMaxRows - (begins_pane(index) ? 0 : sums_.rows());
  }
  static constexpr bool same_pane(std::uint64_t a, std::uint64_t b) { return pane_of(a) == pane_of(b); }
  /// Begins it, as adding the row does, and answers what was measured of the pane before.
  Window begin_pane(std::uint64_t index);
  /// Lets the next row begin another pane in any case, and answers as begin_pane.
  Window settle();

  /// The figures of one of kWindows.
  Window last(std::uint64_t window_rows) const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  static constexpr std::uint64_t pane_of(std::uint64_t index) { return index / kSmallestPane; }
  static constexpr std::uint64_t kSmallestPane = kWindows.front() / kPanesOfWindow;
  static_assert(kSmallestPane == ErrorSums::kMaxRows);
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
  void pool_into_windows(std::uint64_t number, const Window& smallest);

  std::uint64_t newest_ = 0;  // of all panes ever, the smallest counted
  Pane current_;              // one of the smallest, in no window yet: its rows that do not weigh 1,
  ErrorSums sums_;            // and those that do
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
    begin_pane(index);
  }
  if (row.weight == 1) {
    sums_.add(row, intervals);
  } else {
    current_.rows.pool(row, intervals);
  }
}

inline void RollingError::add(const ForetoldRows& rows, std::uint64_t first_index, double* residuals) {
  if (begins_pane(first_index)) {
    begin_pane(first_index);
  }
  sums_.add(rows, residuals);
}

}  // namespace accrue::models
