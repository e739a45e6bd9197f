#include "daemon/latencies.hpp"

#include <array>
#include <vector>

namespace accrue::daemon {
namespace {

// Upper ends of buckets, in seconds.
constexpr std::array kPrediction = {1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 1.0};
constexpr std::array kDisk = {1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0};

std::vector<double> buckets(const auto& ends) { return {ends.begin(), ends.end()}; }

double seconds(Latencies::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Latencies::Measured::Measured() : epoch(buckets(kDisk)), first_row(buckets(kDisk)) {}

Latencies::Latencies() : commits_(buckets(kDisk)) {}

void Latencies::add(const std::string& stream) {
  const std::scoped_lock lock(mutex_);
  streams_.try_emplace(stream);
}

void Latencies::drop(const std::string& stream) {
  const std::scoped_lock lock(mutex_);
  streams_.erase(stream);
}

void Latencies::keep(const std::string& stream, const models::ModelSet& models) {
  const std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  std::erase_if(found->second.predictions, [&](const auto& of_model) { return !models.find(of_model.first); });
}

void Latencies::predicted(const std::string& stream, const std::string& model, Duration took) {
  const std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  auto& predictions = found->second.predictions;
  auto of_model = predictions.find(model);
  if (of_model == predictions.end()) of_model = predictions.try_emplace(model, buckets(kPrediction)).first;
  of_model->second.Observe(seconds(took));
}

void Latencies::made_durable(const std::string& stream, Duration since_cut, std::optional<Duration> since_first_row) {
  const std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  found->second.epoch.Observe(seconds(since_cut));
  if (since_first_row) found->second.first_row.Observe(seconds(*since_first_row));
}

void Latencies::committed(Duration took) { commits_.Observe(seconds(took)); }

std::optional<Latencies::OfStream> Latencies::of(const std::string& stream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return std::nullopt;
  OfStream measured{found->second.epoch.Collect(), found->second.first_row.Collect(), {}};
  for (const auto& [model, histogram] : found->second.predictions) {
    measured.predictions.emplace(model, histogram.Collect());
  }
  return measured;
}

}  // namespace accrue::daemon
