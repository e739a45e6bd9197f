// The rows that are sent in measurements, and for how long. Immutable once made.
#pragma once

#include <chrono>
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <accrue/client.hpp>

#include "ingest/wire/stream_spec.hpp"

namespace accrue::bench {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

inline double seconds_since(Clock::time_point begin) { return Seconds(Clock::now() - begin).count(); }

// A matrix of rows, each d features and a target that depends on them, and is noisy. Sent again from its beginning when
// it is used up; it is larger than a cache of the second level, as users' matrices are.
class Rows {
 public:
  explicit Rows(std::size_t features, std::size_t count = 65'536) : features_(features), count_(count) {
    std::mt19937_64 generator(1);
    std::normal_distribution<double> normal;
    values_.reserve(count * columns());
    for (std::size_t i = 0; i < count; ++i) {
      double target = normal(generator);
      for (std::size_t k = 0; k < features; ++k) {
        values_.push_back(normal(generator));
        target += values_.back();
      }
      values_.push_back(target);
    }
  }

  std::size_t features() const { return features_; }
  std::size_t columns() const { return features_ + 1; }
  std::size_t count() const { return count_; }

  // The next so many rows, a divisor of count(), for the number of the batch from 0.
  std::span<const double> batch(std::size_t number, std::size_t rows) const {
    const std::size_t first = number * rows % count_;
    return {values_.data() + first * columns(), rows * columns()};
  }
  const std::vector<double>& values() const { return values_; }

 private:
  std::size_t features_;
  std::size_t count_;
  std::vector<double> values_;
};

inline std::vector<std::string> feature_names(std::size_t features) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < features; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

inline StreamSpec stream_spec(std::size_t features) { return {.features = feature_names(features), .target = "y"}; }
inline wire::StreamSpec wire_spec(std::size_t features) { return {.features = feature_names(features), .target = "y"}; }

}  // namespace accrue::bench
