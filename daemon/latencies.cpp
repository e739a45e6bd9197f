#include "daemon/latencies.hpp"

namespace accrue::daemon {

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
  found->second.predictions[model].observe(took);
}

void Latencies::made_durable(const std::string& stream, Duration since_cut, std::optional<Duration> since_first_row) {
  const std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  found->second.epoch.observe(since_cut);
  if (since_first_row) found->second.first_row.observe(*since_first_row);
}

void Latencies::committed(Duration took) {
  const std::scoped_lock lock(mutex_);
  commits_.observe(took);
}

prometheus::ClientMetric Latencies::commits() const {
  const std::scoped_lock lock(mutex_);
  return commits_.collect();
}

std::optional<Latencies::OfStream> Latencies::of(const std::string& stream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return std::nullopt;
  OfStream measured{found->second.epoch.collect(), found->second.first_row.collect(), {}};
  for (const auto& [model, histogram] : found->second.predictions) {
    measured.predictions.emplace(model, histogram.collect());
  }
  return measured;
}

}  // namespace accrue::daemon
