#include "daemon/snapshot.hpp"

#include <utility>

namespace accrue::daemon {

models::LeastSquaresOptions learner_options(const wire::StreamSpec& spec) {
  return {.features = spec.features.size(), .intercept = spec.intercept, .ridge = spec.ridge};
}

std::shared_ptr<const Snapshot> empty_snapshot(const std::string& stream, const wire::StreamSpec& spec) {
  const models::Model model(learner_options(spec));
  return std::make_shared<const Snapshot>(Snapshot{stream, spec, 0, {}, model, model.learner().fit()});
}

void SnapshotBoard::post(std::shared_ptr<const Snapshot> snapshot) {
  const std::string stream = snapshot->stream;
  const std::scoped_lock lock(mutex_);
  std::swap(newest_[stream], snapshot);  // the old one is destroyed after the lock is released
}

void SnapshotBoard::remove(const std::string& stream) {
  const std::scoped_lock lock(mutex_);
  newest_.erase(stream);
}

std::shared_ptr<const Snapshot> SnapshotBoard::find(const std::string& stream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = newest_.find(stream);
  return found == newest_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Snapshot>> SnapshotBoard::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  for (const auto& [stream, snapshot] : newest_) snapshots.push_back(snapshot);
  return snapshots;
}

}  // namespace accrue::daemon
