// QuantileSketch: the quantiles of numbers >= 0, each answered to 1% of itself, in bounded memory.
//
// A bucket holds the weight of the numbers that agree in their exponent and the first six bits of their significand,
// and answers for them with its middle: within 1/128 = 0.78% of each. The bucket of a number is read off its bits, so
// it is the same on every machine. Numbers below kSmallest, zero among them, have a bucket of their own that answers 0.
// The buckets of the kOctaves greatest octaves (powers of two) that occurred are kept; what is less falls into the
// least bucket of these, and quantiles that lie there are answered too high. Buckets without a number take no memory,
// so a few outliers cost little, wherever they lie, and so do a few numbers.
//
// Merging gives the sketch of all numbers, whatever the split and the order, exactly (weights add up to rounding, whole
// ones without), also of what no longer fits: an octave among the greatest of all is among the greatest of each part.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Costs: add O(1), without an allocation unless its bucket is new; quantile O(buckets); at most 18 KB, of which 8 bytes
// are a bucket's.
// Numbers: from 0 to kMaxError, weights > 0 and up to kMaxMagnitude each.
// Errors: decode answers DecodeError and leaves the value as it was unless that is kNone.
// Source: Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
// PVLDB 12 (2019), with the linearly interpolated mapping and a store by octaves.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/rows.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

class QuantileSketch {
 public:
  static constexpr double kRelativeError = 1.0 / 128;
  static constexpr double kSmallest = 1 / kMaxMagnitude;
  static constexpr std::size_t kOctaves = 32;

  void add(double value, double weight) { add({&value, 1}, weight); }
  /// Each with that weight.
  void add(std::span<const double> values, double weight);
  void merge(const QuantileSketch& other);
  /// Multiplies all weights, by more than 0 and at most 1. Lets go of buckets whose weight is below 2^-64 of all.
  void scale(double factor);

  double weight() const { return weight_; }
  /// The least number that a share q of all the weight does not exceed; NaN without any weight.
  double quantile(double q) const { return value_at(q * weight_); }
  /// The least number that this much of the weight does not exceed, or the greatest when there is not so much.
  double value_at(double rank) const;

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  static constexpr unsigned kSignificandBits = 52;
  static constexpr unsigned kBits = 6;  // of these
  static constexpr std::size_t kBuckets = std::size_t{1} << kBits;

  struct Octave {
    std::uint64_t exponent;         // as it stands in the bits of a double
    std::uint64_t filled = 0;       // a bit for each bucket, set of those that hold a number
    std::vector<double> weights{};  // of those, the least first

    void add(std::size_t bucket, double weight);
    double weight() const;
  };
  static constexpr std::uint64_t kAllFilled = ~std::uint64_t{0};

  static std::uint64_t bucket_of(double value) {
    return std::bit_cast<std::uint64_t>(value) >> (kSignificandBits - kBits);
  }
  static double middle_of(std::uint64_t exponent, std::size_t bucket);
  void add_to(std::uint64_t exponent, std::size_t bucket, double weight);
  void add_elsewhere(std::uint64_t exponent, std::size_t bucket, double weight);
  Octave* octave_of(std::uint64_t exponent);
  [[nodiscard]] bool decode_octaves(StateReader& reader);

  double weight_ = 0;
  double zeros_ = 0;             // the weight of numbers below kSmallest
  std::vector<Octave> octaves_;  // by exponent, ascending
  // Where to look first: the exponent of the octave that was last searched for, less its place. Those about it mostly
  // have no gap between them.
  std::uint64_t base_ = 0;
};

inline void QuantileSketch::Octave::add(std::size_t bucket, double weight) {
  const std::uint64_t bit = std::uint64_t{1} << bucket;
  const auto at = filled == kAllFilled ? bucket : static_cast<std::size_t>(std::popcount(filled & (bit - 1)));
  if ((filled & bit) != 0) [[likely]] {
    weights[at] += weight;
  } else {
    filled |= bit;
    weights.insert(weights.begin() + static_cast<std::ptrdiff_t>(at), weight);
  }
}

inline void QuantileSketch::add(std::span<const double> values, double weight) {
  double all = weight_;
  for (const double value : values) {
    all += weight;
    if (value < kSmallest) {
      zeros_ += weight;
      continue;
    }
    const std::uint64_t bucket = bucket_of(value);
    add_to(bucket >> kBits, static_cast<std::size_t>(bucket % kBuckets), weight);
  }
  weight_ = all;
}

inline void QuantileSketch::add_to(std::uint64_t exponent, std::size_t bucket, double weight) {
  const std::uint64_t guess = exponent - base_;
  if (guess < octaves_.size() && octaves_[guess].exponent == exponent) [[likely]] {
    octaves_[guess].add(bucket, weight);
  } else {
    add_elsewhere(exponent, bucket, weight);
  }
}

}  // namespace accrue::models
