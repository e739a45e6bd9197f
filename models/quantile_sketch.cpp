#include "models/quantile_sketch.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

namespace accrue::models {

double QuantileSketch::Octave::weight() const { return std::accumulate(weights.begin(), weights.end(), 0.0); }

double QuantileSketch::middle_of(std::uint64_t exponent, std::size_t bucket) {
  const std::uint64_t halves = ((exponent << kBits) + bucket) * 2 + 1;
  return std::bit_cast<double>(halves << (kSignificandBits - kBits - 1));
}

// To an octave that is not where the last one was.
void QuantileSketch::add_elsewhere(std::uint64_t exponent, std::size_t bucket, double weight) {
  if (Octave* octave = octave_of(exponent)) {
    octave->add(bucket, weight);
  } else {
    octaves_.front().add(0, weight);
  }
}

// The octave of this exponent, made if need be; null when it is below all that are kept.
QuantileSketch::Octave* QuantileSketch::octave_of(std::uint64_t exponent) {
  auto at = std::lower_bound(octaves_.begin(), octaves_.end(), exponent,
                             [](const Octave& octave, std::uint64_t value) { return octave.exponent < value; });
  if (at == octaves_.end() || at->exponent != exponent) {
    if (octaves_.size() < kOctaves) {
      at = octaves_.insert(at, Octave{.exponent = exponent});
    } else if (at == octaves_.begin()) {
      return nullptr;
    } else {
      const double given_up = octaves_.front().weight();
      std::move(std::next(octaves_.begin()), at, octaves_.begin());  // those between move down, and leave a place
      *--at = Octave{.exponent = exponent};
      octaves_.front().add(0, given_up);
    }
  }
  base_ = exponent - static_cast<std::uint64_t>(at - octaves_.begin());
  return &*at;
}

void QuantileSketch::merge(const QuantileSketch& other) {
  weight_ += other.weight_;
  zeros_ += other.zeros_;
  for (const Octave& octave : other.octaves_) {
    auto weight = octave.weights.begin();
    for (std::uint64_t rest = octave.filled; rest != 0; rest &= rest - 1) {
      add_to(octave.exponent, static_cast<std::size_t>(std::countr_zero(rest)), *weight++);
    }
  }
}

void QuantileSketch::scale(double factor) {
  weight_ *= factor;
  zeros_ *= factor;
  const double negligible = 0x1p-64 * weight_;
  for (Octave& octave : octaves_) {
    std::size_t kept = 0;
    std::size_t seen = 0;
    for (std::uint64_t rest = octave.filled; rest != 0; rest &= rest - 1) {
      const double weight = octave.weights[seen++] * factor;
      if (weight < negligible) {
        octave.filled &= ~(rest & -rest);
      } else {
        octave.weights[kept++] = weight;
      }
    }
    octave.weights.resize(kept);
  }
  std::erase_if(octaves_, [](const Octave& octave) { return octave.filled == 0; });
}

double QuantileSketch::value_at(double rank) const {
  if (weight_ == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  double may_exceed = weight_ - rank;
  double value = 0;
  for (auto octave = octaves_.rbegin(); octave != octaves_.rend(); ++octave) {
    std::uint64_t rest = octave->filled;
    for (auto weight = octave->weights.rbegin(); weight != octave->weights.rend(); ++weight) {
      const auto bucket = static_cast<std::size_t>(std::bit_width(rest) - 1);
      value = middle_of(octave->exponent, bucket);
      if (may_exceed < *weight) {
        return value;
      }
      may_exceed -= *weight;
      rest ^= std::uint64_t{1} << bucket;
    }
  }
  return zeros_ > 0 ? 0 : value;
}

// An octave is its exponent, which of its buckets are not empty (one bit each), and what these weigh.
void QuantileSketch::encode(StateWriter& writer) const {
  writer.put_double(weight_);
  writer.put_double(zeros_);
  writer.put_count(octaves_.size());
  for (const Octave& octave : octaves_) {
    writer.put_count(octave.exponent);
    writer.put_count(octave.filled);
    writer.put_doubles(octave.weights);
  }
}

bool QuantileSketch::decode_octaves(StateReader& reader) {
  std::uint64_t count = 0;
  if (!reader.get_count_up_to(kOctaves, count)) {
    return false;
  }
  std::uint64_t lowest = bucket_of(kSmallest) >> kBits;
  const std::uint64_t highest = bucket_of(kMaxMagnitude) >> kBits;
  for (std::uint64_t i = 0; i < count; ++i) {
    constexpr double kLeast = std::numeric_limits<double>::denorm_min();
    Octave octave{};
    if (!reader.get_count_up_to(highest + 2, octave.exponent) || octave.exponent < lowest ||
        !reader.get_count(octave.filled) || octave.filled == 0) {
      return false;
    }
    lowest = octave.exponent + 1;
    octave.weights.resize(static_cast<std::size_t>(std::popcount(octave.filled)));
    if (!reader.get_doubles(kLeast, kMaxStateMagnitude, octave.weights)) {
      return false;
    }
    octaves_.push_back(std::move(octave));
  }
  return true;
}

DecodeError QuantileSketch::decode(StateReader& reader) {
  QuantileSketch sketch;
  if (!reader.get_double(0, kMaxStateMagnitude, sketch.weight_) ||
      !reader.get_double(0, sketch.weight_, sketch.zeros_) || !sketch.decode_octaves(reader)) {
    return DecodeError::kInvalid;
  }
  double sum = sketch.zeros_;
  for (const Octave& octave : sketch.octaves_) {
    sum += octave.weight();
  }
  if (!(std::abs(sum - sketch.weight_) <= 1e-6 * sketch.weight_)) {
    return DecodeError::kInvalid;
  }
  *this = std::move(sketch);
  return DecodeError::kNone;
}

}  // namespace accrue::models
