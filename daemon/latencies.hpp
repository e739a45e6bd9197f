// Latencies: how long things have taken since the daemon started, as histograms for Prometheus: predictions, epochs on
// their way to the disk, transactions of the store.
//
// A stream is measured from add() to drop(): what is told of any other is ignored, so a prediction that ends after its
// stream was dropped leaves nothing behind. Memory is 0.1 KB a histogram: two a stream, and one more for each of its
// models that has predicted.
//
// Any thread may call anything. A lock is held for one observation, or to read one stream's.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <prometheus/client_metric.h>

#include "models/model_set.hpp"

namespace accrue::daemon {

// Upper ends of buckets, in seconds.
inline constexpr std::array kPredictionEnds = {1e-6,   2.5e-6, 5e-6, 1e-5,   2.5e-5, 1e-4,
                                               2.5e-4, 1e-3,   5e-3, 2.5e-2, 0.1,    1.0};
inline constexpr std::array kDiskEnds = {1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1,
                                         0.25, 0.5,    1.0,  2.5,  5.0,    10.0, 60.0};

// A histogram of durations. Not prometheus::Histogram, which takes four times the memory: there are two of each stream,
// and there may be 10,000 streams. One thread at a time.
template <const auto& kEnds>
class LatencyBuckets {
 public:
  void observe(std::chrono::steady_clock::duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bucket = std::ranges::lower_bound(kEnds, seconds);  // an end belongs to its bucket
    ++counts_[static_cast<std::size_t>(bucket - kEnds.begin())];
    sum_ += seconds;
  }

  prometheus::ClientMetric collect() const {
    prometheus::ClientMetric metric;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      count += counts_[i];
      const double end = i < kEnds.size() ? kEnds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({.cumulative_count = count, .upper_bound = end});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = sum_;
    return metric;
  }

 private:
  std::array<std::uint64_t, kEnds.size() + 1> counts_{};
  double sum_ = 0;
};

class Latencies {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;

  void add(const std::string& stream);
  void drop(const std::string& stream);
  // Forgets what was measured of models that the stream does not have any more.
  void keep(const std::string& stream, const models::ModelSet& models);

  // From having the question to having its answer.
  void predicted(const std::string& stream, const std::string& model, Duration took);
  // From an epoch's cut, and from the arrival of its first row if it has any, until it was durable.
  void made_durable(const std::string& stream, Duration since_cut, std::optional<Duration> since_first_row);
  // A transaction that has written epochs.
  void committed(Duration took);

  struct OfStream {
    prometheus::ClientMetric epoch;
    prometheus::ClientMetric first_row;
    std::map<std::string, prometheus::ClientMetric> predictions;  // by model
  };
  std::optional<OfStream> of(const std::string& stream) const;
  prometheus::ClientMetric commits() const;

 private:
  struct Measured {
    LatencyBuckets<kDiskEnds> epoch;
    LatencyBuckets<kDiskEnds> first_row;
    std::map<std::string, LatencyBuckets<kPredictionEnds>> predictions;
  };

  mutable std::mutex mutex_;
  LatencyBuckets<kDiskEnds> commits_;
  std::map<std::string, Measured> streams_;
};

}  // namespace accrue::daemon
