// Snapshot: the merged models of one epoch of one stream, immutable; every answer to a query comes from one and names
// its epoch. SnapshotBoard: the newest of every stream.
//
// The board may be used from any thread: the committer posts, the query service looks. Looking takes a lock for as long
// as it takes to copy a pointer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ingest/wire/messages.hpp"
#include "models/model_set.hpp"

namespace accrue::daemon {

struct EvictedKey;  // store.hpp

// The predictors of a snapshot's models, each made when it is first asked for: most epochs never are, and of a wide
// stream it costs more than the epoch. Any thread may ask.
class Predictors {
 public:
  explicit Predictors(std::size_t models) : made_(models) {}
  const models::Predictor& of(const models::Model& model, std::size_t number);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<const models::Predictor>> made_;
};

struct Snapshot {
  std::string stream;
  wire::StreamSpec spec;
  std::uint64_t epoch = 0;  // 0 for a stream that has learned nothing yet
  std::uint64_t rows = 0;   // of the stream, whenever its models began
  std::vector<wire::RejectedRows> rejected;
  models::ModelSet models;
  std::unique_ptr<Predictors> predictors = {};  // of the models; by ready()
  // What it let go of since the epoch before, as it may not be in the store yet (older_parts.hpp); null for nothing.
  std::shared_ptr<const std::vector<EvictedKey>> evicted = {};
  std::chrono::steady_clock::time_point published = {};  // by ready()

  // The champion where no name is given; null where there is none of that name.
  const models::Model* model(const std::string& name) const;
  const models::Predictor& predictor(const models::Model& of) const;  // one of `models`
};

std::shared_ptr<const Snapshot> ready(Snapshot snapshot);

models::ModelSpec model_spec(const wire::ModelSpec& spec);

// What each partition of a new stream begins with. Throws std::invalid_argument for models that there cannot be.
models::ModelSet first_models(const wire::StreamSpec& spec);
// The same as a sentence; empty where there can be such models.
std::string problem_with_first_models(const wire::StreamSpec& spec);
// Of each feature, whether all of these models take missing values of it.
std::vector<bool> features_that_may_be_missing(const wire::StreamSpec& spec);

// Of a stream that was just created.
std::shared_ptr<const Snapshot> empty_snapshot(const std::string& stream, const wire::StreamSpec& spec);

class SnapshotBoard {
 public:
  void post(std::shared_ptr<const Snapshot> snapshot);
  void remove(const std::string& stream);
  std::shared_ptr<const Snapshot> find(const std::string& stream) const;  // null for an unknown stream
  std::vector<std::shared_ptr<const Snapshot>> all() const;               // by name

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Snapshot>> newest_;
};

}  // namespace accrue::daemon
