// Adwin: tells when the mean of a sequence has risen, by keeping a window of the latest values that is as long as they
// have one mean.
//
// Wherever the window is cut in two, the means of the parts may differ by no more than chance allows (their bound
// (3.2), Bernstein's inequality with the variance of the window, at the confidence kDelta spread over all cuts). If the
// later part's mean is higher by more, that is an alarm, and the window starts afresh; if it is lower, the oldest rows
// are dropped until that is no longer so, and the window goes on.
//
// The window is kept in buckets of kBucketRows * 2^level rows, at most kBucketsPerLevel of a level, the oldest of
// the highest level; a cut lies between buckets, and is looked for each time that a bucket of kBucketRows is full. Past
// kMaxLevels, which is above 10^9 rows, the oldest are forgotten.
//
// Threads: a value without locks. Shapes: values are within [0, 1], the caller sees to it.
// Costs: memory O(log rows), at most 2 KB; time of a value O(log rows / kBucketRows), a few ns.
// Errors: decode answers kInvalid; the detector is then only good for destruction.
// Source: Bifet and Gavalda, "Learning from time-changing data with adaptive windowing", SIAM International Conference
// on Data Mining (2007); the algorithm is their ADWIN2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "models/state_codec.hpp"

namespace accrue::models {

class Adwin {
 public:
  static constexpr double kDelta = 1e-10;
  static constexpr std::size_t kBucketRows = 32;
  static constexpr std::size_t kBucketsPerLevel = 5;
  static constexpr std::size_t kMaxLevels = 24;

  /// True when the mean has risen; it then starts afresh.
  [[nodiscard]] bool add(double error);
  /// The same of several, at most rows_until_full.
  [[nodiscard]] bool add(std::span<const double> errors);
  /// How many more values fill a bucket, at which there may be an alarm; at least 1.
  std::size_t rows_until_full() const { return kBucketRows - filling_rows_; }
  void reset() { *this = {}; }
  /// Of the values in the window, as far as they fill buckets, each weighted by itself: those of 0 do not count in it.
  /// NaN while there are no others.
  double self_weighted_mean() const { return self_weighted_mean_; }
  std::uint64_t window_rows() const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  struct Sums {
    double sum = 0;
    double squares = 0;

    Sums& operator+=(const Sums& other) {
      sum += other.sum;
      squares += other.squares;
      return *this;
    }
  };
  struct Level {
    // From old to new, and 0 behind; the last place is taken only while one is added.
    std::array<Sums, kBucketsPerLevel + 1> buckets{};
    std::size_t count = 0;
  };
  /// Drops the oldest buckets of a level.
  static void drop(Level& level, std::size_t buckets);
  enum class Change { kNone, kRise, kFall };

  static double bucket_rows(std::size_t level);
  [[nodiscard]] bool finish_bucket();
  void add_bucket(Sums bucket);
  void drop_oldest();
  Change find_change();
  [[nodiscard]] static bool decode_sums(StateReader& reader, double rows, Sums& sums);

  std::vector<Level> levels_;  // none of them empty
  Sums filling_;               // the bucket that is not yet full
  std::size_t filling_rows_ = 0;
  double self_weighted_mean_ = std::numeric_limits<double>::quiet_NaN();  // a function of the levels
};

inline bool Adwin::add(double error) {
  filling_ += {error, error * error};
  return ++filling_rows_ == kBucketRows && finish_bucket();
}

}  // namespace accrue::models
