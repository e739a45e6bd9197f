// Conformal: prediction intervals that promise a level whatever the distribution, from how far the predictions missed.
//
// An interval at a level reaches half_width(level) on either side of the prediction: the ceil((n + 1) level)-th least
// of n residuals |prediction - target|, each of a row that was predicted before it was learned. If the row to come and
// those are exchangeable it holds its target with that probability or more, in finite samples.
//
// As streams drift, a residual fades: with each kHalfLifeRows of the stream's row index, at multiples of it, all that
// came before counts half; n is then the sum of what each still counts, and the promise holds as far as the stream
// drifts little over that many rows. Halving is exact and goes by the stream's index, so merging the residuals of all
// partitions gives those of all rows, exactly.
// Every row counts once, whatever its weight; residuals are kept in a sketch, and half-widths good to 1% of themselves.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Errors: decode answers DecodeError and leaves the value as it was unless that is kNone.
// Sources: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive inference for regression",
// JASA 113 (2018); weights: Barber, Candes, Ramdas and Tibshirani, "Conformal prediction beyond exchangeability",
// Annals of Statistics 51 (2023).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "models/quantile_sketch.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

class Conformal {
 public:
  static constexpr double kLevel = 0.95;
  static constexpr std::uint64_t kHalfLifeRows = 2'500;

  /// The residual of a row, and where the row stands in the stream.
  void add(double residual, std::uint64_t index);
  /// The same as to add each of them: at most rows_until_refresh, the first of which stands there in the stream, the
  /// others in the same half life.
  void add(std::span<const double> residuals, std::uint64_t first_index);
  void merge(const Conformal& other);

  /// From 0 < level < 1; nothing while there are too few residuals to promise it (19 are needed for 0.95).
  std::optional<double> half_width(double level) const;
  /// That of kLevel as it was at most 1/64 of the residuals ago, and 64 rows: asked for with every row.
  std::optional<double> recent_half_width() const { return recent_; }
  /// How many more residuals are added before it changes; at least 1.
  std::size_t rows_until_refresh() const { return static_cast<std::size_t>(stale_in_); }

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  static constexpr double kMaxStale = 64;  // in rows

  /// What a residual counts after so many half-lives.
  static double remains_after(std::uint64_t half_lives);
  /// What a residual of that row counts.
  double weight_at(std::uint64_t index);
  void begin(std::uint64_t half_life);
  void refresh();

  std::uint64_t half_life_ = 0;  // the newest of the stream that was met: rows of it count 1
  QuantileSketch residuals_;
  std::optional<double> recent_;
  std::uint64_t stale_in_ = 1;  // rows until recent_ is too old
};

inline double Conformal::weight_at(std::uint64_t index) {
  const std::uint64_t half_life = index / kHalfLifeRows;
  if (half_life > half_life_) [[unlikely]] {
    begin(half_life);
  }
  return half_life == half_life_ ? 1 : remains_after(half_life_ - half_life);
}

inline void Conformal::add(double residual, std::uint64_t index) {
  residuals_.add(residual, weight_at(index));
  if (--stale_in_ == 0) [[unlikely]] {
    refresh();
  }
}

}  // namespace accrue::models
