#include "daemon/history.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/spec_json.hpp"
#include "daemon/stored_models.hpp"

namespace accrue::daemon {
namespace {

std::shared_ptr<const Snapshot> decoded(const StreamRecord& stream, const KeptEpoch& epoch,
                                        const std::vector<PartitionState>& states, const std::filesystem::path& file) {
  const wire::StreamSpec spec = spec_from_json(stream.spec);
  std::string why;
  std::optional<models::ModelSet> models = merged_models(states, spec, why);
  if (!models) {
    throw StoreError(file, "epoch " + std::to_string(epoch.epoch) + " of stream '" + stream.name + "': " + why);
  }
  return ready({stream.name, spec, epoch.epoch, epoch.rows, {}, *std::move(models)});
}

}  // namespace

std::string not_kept(const std::string& stream, std::uint64_t epoch, const EpochRange& kept) {
  return "epoch " + std::to_string(epoch) + " of stream '" + stream + "' is not kept; " +
         (kept.count == 0 ? "none is yet"
                          : "those kept are " + std::to_string(kept.count) + ", from " + std::to_string(kept.oldest) +
                                " to " + std::to_string(kept.newest));
}

History::Epochs History::epochs(const std::string& stream, std::uint64_t most) const {
  StoreView store(store_file_);
  const std::optional<StreamRecord> record = store.stream(stream);
  if (!record) return {};
  return {.kept = store.epoch_range(record->id).count, .newest = store.epochs(record->id, most)};
}

std::vector<wire::HistoryPoint> History::figures(const std::string& stream, const std::string& model, wire::Span span,
                                                 std::uint64_t from_epoch, std::uint64_t most) const {
  StoreView store(store_file_);
  const std::optional<StreamRecord> record = store.stream(stream);
  if (!record) return {};
  return store.history(record->id, model, span, from_epoch, most);
}

std::shared_ptr<const Snapshot> History::snapshot(const std::string& stream, std::uint64_t epoch) {
  std::optional<StoreView> store(std::in_place, store_file_);
  const std::optional<StreamRecord> record = store->stream(stream);
  if (!record) throw EpochNotKept(not_kept(stream, epoch, {}));
  const std::optional<KeptEpoch> kept = store->epoch(record->id, epoch);
  if (!kept) throw EpochNotKept(not_kept(stream, epoch, store->epoch_range(record->id)));

  const auto found = std::find_if(cache_.begin(), cache_.end(), [&](const Cached& cached) {
    return cached.stream_id == record->id && cached.snapshot->epoch == epoch &&
           cached.committed_unix_ms == kept->committed_unix_ms;
  });
  if (found != cache_.end()) {
    cache_.splice(cache_.begin(), cache_, found);
    return cache_.front().snapshot;
  }
  const std::vector<PartitionState> states = store->states(record->id, epoch);
  store.reset();  // many features take long to solve, and the write-ahead log would grow meanwhile
  cache_.push_front({record->id, kept->committed_unix_ms, decoded(*record, *kept, states, store_file_)});
  if (cache_.size() > kCachedModels) cache_.pop_back();
  return cache_.front().snapshot;
}

}  // namespace accrue::daemon
