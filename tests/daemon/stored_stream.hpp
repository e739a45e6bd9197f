// A stream in a store as the daemon would have left it: real models of real rows, epoch by epoch.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/snapshot.hpp"
#include "daemon/spec_json.hpp"
#include "daemon/store.hpp"
#include "tests/support/model_sets.hpp"

namespace accrue::tests {

class StoredStream {
 public:
  explicit StoredStream(daemon::Store& store, const std::string& name = "s", std::uint32_t partitions = 2)
      : store_(&store) {
    spec_.features = {"x", "z"};
    spec_.target = "y";
    spec_.partitions = partitions;
    id_ = store.create_stream(name, daemon::to_json(spec_));
    parts_.assign(partitions, daemon::first_models(spec_));
  }

  std::uint64_t id() const { return id_; }
  const wire::StreamSpec& spec() const { return spec_; }

  // What the stream is now, merged as the committer merges.
  models::Fit fit() const {
    models::ModelSet whole = parts_.front();
    for (std::size_t i = 1; i < parts_.size(); ++i) whole.merge(parts_[i]);
    return learner_of(whole).fit();
  }

  // Learns 10 rows, every epoch others, and commits the epoch.
  void commit(std::uint64_t epoch, std::int64_t unix_ms) {
    for (int i = 0; i < 10; ++i) learn(static_cast<double>(epoch * 10) + i);
    const daemon::EpochRecord epoch_record = record(epoch);
    store_->commit({&epoch_record, 1}, unix_ms);
  }

  daemon::EpochRecord record(std::uint64_t epoch) const {
    daemon::EpochRecord record;
    record.stream = id_;
    record.epoch = epoch;
    record.rows = rows_;
    for (const models::ModelSet& part : parts_) {
      record.states.push_back({static_cast<std::uint32_t>(record.states.size()), part.encode()});
    }
    record.producers = {{"p", epoch}};
    record.champion = wire::kDefaultModel;
    record.metrics = {{.model = wire::kDefaultModel, .n = rows_, .mse = 0.5, .mse_clipped = 0.25}};
    return record;
  }

 private:
  void learn(double x) {
    const std::array<double, 3> row{x, x * x - 7, 3 + 2 * x - static_cast<double>(rows_ % 5)};
    parts_[rows_++ % parts_.size()].learn(
        {.data = row.data(), .count = 1, .stride = row.size(), .features = 2, .weighted = false});
  }

  daemon::Store* store_;
  wire::StreamSpec spec_;
  std::uint64_t id_ = 0;
  std::vector<models::ModelSet> parts_;
  std::uint64_t rows_ = 0;
};

}  // namespace accrue::tests
