// DriftDetector: watches the progressive error of a model and tells when it has risen for good: the stream is no longer
// the one that was learned.
//
// Each row's absolute error is taken relative to the scale of the errors (error_scale.hpp) and given to two detectors,
// PageHinkley and Adwin; the first to alarm has found a drift, and everything starts afresh. The first `warm_up_rows`
// from there on set the scale and are not watched: the error of a young learner is not yet its own. An error that falls
// is never an alarm; when it has fallen so far (to a quarter or so) that the scale no longer fits, that follows, and
// the detectors start afresh. An error below 10^-9 of the prediction and the target is rounding, and counts as none.
//
// What to expect of independent rows: an error that doubles is found within some 500 rows, a larger rise sooner, one of
// less than a quarter by Adwin alone, and the later the smaller it is; no false alarm in 2 * 10^7 rows, of normal noise
// or of infinite variance (both measured). Rows that resemble their neighbours, as in a file sorted by place, are
// drift, and may alarm.
//
// Threads: a value without locks. Units: a row's prediction and target, within kMaxMagnitude; the caller leaves out
// rows of weight 0. The same rows in the same order give the same alarms, with or without an encode and decode between.
// Costs: about 17 ns a row by itself and 8 of a row among many, at most 2.5 KB.
// Errors: decode answers kInvalid; the detector is then only good for destruction.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "models/adwin.hpp"
#include "models/error_scale.hpp"
#include "models/page_hinkley.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

enum class [[nodiscard]] DriftAlarm{kNone, kPageHinkley, kAdwin, kBoth};

class DriftDetector {
 public:
  static constexpr std::uint64_t kWarmUpRows = 1'000;

  explicit DriftDetector(std::uint64_t warm_up_rows = kWarmUpRows) : warm_up_rows_(warm_up_rows) {}

  /// Watches one row; row_index is its place in the stream, and increases.
  DriftAlarm add(double prediction, double target, std::uint64_t row_index) {
    const double error = error_of(prediction, target);
    if (scale_.rows() < warm_up_rows_) {
      scale_.learn(error);
      return DriftAlarm::kNone;
    }
    const double relative = scale_.relative(error);
    const bool page_hinkley = page_hinkley_.add(relative);
    const bool adwin = adwin_.add(relative);
    if (page_hinkley || adwin || adwin_.self_weighted_mean() < kFallenMean) [[unlikely]] {
      return act_on(page_hinkley, adwin, row_index);
    }
    return DriftAlarm::kNone;
  }
  /// The same as to add each of the rows, for a caller who looks at alarms() alone.
  void add(const ScoredRows& rows);
  /// Starts afresh, as after an alarm: the model has been changed. The alarms stay counted.
  void reset();
  /// Adds the alarms of another partition's detector. The errors of two partitions are not one sequence: watched is on,
  /// from where it stands, the one that has been watched for longer.
  void merge(const DriftDetector& other);

  std::uint64_t alarms() const { return alarms_; }
  /// The row of the last alarm.
  std::optional<std::uint64_t> last_alarm() const { return alarms_ > 0 ? std::optional(last_alarm_) : std::nullopt; }

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  static constexpr double kRounding = 1e-9;
  // Weighted by itself the mean of the relative errors is 0.59 at first, if the errors are normal, and 0.31 when they
  // have fallen to a quarter. It does not count errors of 0, which no scale could make larger.
  static constexpr double kFallenMean = 0.31;

  static double error_of(double prediction, double target) {
    const double difference = std::abs(prediction - target);
    return difference <= kRounding * (std::abs(prediction) + std::abs(target)) ? 0 : difference;
  }
  DriftAlarm act_on(bool page_hinkley, bool adwin, std::uint64_t row_index);

  std::uint64_t warm_up_rows_;
  std::uint64_t alarms_ = 0;
  std::uint64_t last_alarm_ = 0;
  ErrorScale scale_;
  PageHinkley page_hinkley_;
  Adwin adwin_;
};

}  // namespace accrue::models
