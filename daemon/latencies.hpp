// Latencies: how long things have taken since the daemon started, as histograms for Prometheus: predictions, epochs on
// their way to the disk, transactions of the store.
//
// A stream is measured from add() to drop(): what is told of any other is ignored, so a prediction that ends after its
// stream was dropped leaves nothing behind. Memory is about 0.5 KB a histogram: two a stream, and one more for each of
// its models that has predicted.
//
// Any thread may call anything. A lock is held for one observation, or to read one stream's.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <prometheus/client_metric.h>
#include <prometheus/histogram.h>

#include "models/model_set.hpp"

namespace accrue::daemon {

class Latencies {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;

  Latencies();

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
  prometheus::ClientMetric commits() const { return commits_.Collect(); }

 private:
  struct Measured {
    Measured();
    prometheus::Histogram epoch;
    prometheus::Histogram first_row;
    std::map<std::string, prometheus::Histogram> predictions;
  };

  prometheus::Histogram commits_;
  mutable std::mutex mutex_;
  std::map<std::string, Measured> streams_;
};

}  // namespace accrue::daemon
