// StoreView: the store as of one moment, for whoever only reads it. What is committed meanwhile is not seen.
//
// Thread: one at a time, any; beside the Store, in the same process or another. It never writes to the file,
// checkpoints it or creates it, and in a live daemon's process opens it in no other way than through SQLite, whose
// locks would be lost otherwise. Units: Unix milliseconds. Unsigned 64-bit numbers keep all their bits. Errors:
// StoreError, also when the file is not there, is not an accrue store or is one of a newer version. Costs: about 0.2 ms
// to make. While one lives the write-ahead log cannot be reset and grows: do not keep it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/store.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::daemon {

class Statement;
class StoreConnection;

struct KeptEpoch {
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::int64_t committed_unix_ms = 0;
  std::string champion;  // whose errors these are, where they are there
  std::optional<double> mse, mse_clipped;
};

struct ScoredModel {
  std::string model;
  std::uint64_t rows = 0;
};

struct EpochRange {
  std::uint64_t count = 0;
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
};

class StoreView {
 public:
  explicit StoreView(const std::filesystem::path& file);
  ~StoreView();
  StoreView(const StoreView&) = delete;
  StoreView& operator=(const StoreView&) = delete;

  std::vector<StreamRecord> streams();  // by id
  std::optional<StreamRecord> stream(const std::string& name);

  // Of a stream; the newest `most` of them, newest first.
  std::vector<KeptEpoch> epochs(std::uint64_t stream, std::uint64_t most);
  std::optional<KeptEpoch> epoch(std::uint64_t stream, std::uint64_t epoch);  // empty if not kept
  EpochRange epoch_range(std::uint64_t stream);
  // What a model's errors were, over rows of this span, in epochs from this one on; the newest `most`, oldest first.
  std::vector<wire::HistoryPoint> history(std::uint64_t stream, const std::string& model, wire::Span span,
                                          std::uint64_t from_epoch, std::uint64_t most);
  // The models that have metrics, by name.
  std::vector<ScoredModel> scored(std::uint64_t stream, std::uint64_t epoch);

  std::vector<PartitionState> states(std::uint64_t stream, std::uint64_t epoch);  // by partition; none if not kept

  // The state of a key as of an epoch (EvictedKey); empty where that learner had not evicted it.
  std::vector<std::byte> evicted_key(std::uint64_t stream, const KeyBeginning& learner, double key,
                                     std::uint64_t epoch);
  // All that are there of a stream, with the epochs that they were evicted in.
  using EachKey = std::function<void(const EvictedKey& evicted, std::uint64_t epoch)>;
  void evicted_keys(std::uint64_t stream, const EachKey& each);

  // Producers whose sequence is said to have moved after the newest epoch: their batches would be taken for learned.
  std::vector<std::string> producers_ahead(std::uint64_t stream);

  // What SQLite finds wrong with the file, in its words. Reads all of it.
  std::vector<std::string> damage();

 private:
  std::unique_ptr<StoreConnection> connection_;
  std::string kept_epochs_;  // what is asked of each, up to the condition
  bool has_evicted_keys_ = false;
  std::unique_ptr<Statement> evicted_key_;  // prepared when it is first asked
};

}  // namespace accrue::daemon
