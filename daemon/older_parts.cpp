#include "daemon/older_parts.hpp"

#include "daemon/evicted_keys.hpp"
#include "daemon/history.hpp"
#include "models/key_state.hpp"

namespace accrue::daemon {

OlderParts::OlderParts(const std::filesystem::path& store, const Snapshot& snapshot, const models::Model& model)
    : file_(store),
      snapshot_(snapshot),
      model_(model.spec().name),
      keys_(model.learner().keys().value()),
      store_(store),
      epoch_(snapshot.epoch) {
  const std::optional<StreamRecord> record = store_.stream(snapshot.stream);
  if (!record) throw EpochNotKept(not_kept(snapshot.stream, snapshot.epoch, {}));
  stream_ = record->id;
  if (store_.epoch(stream_, epoch_)) return;
  const EpochRange kept = store_.epoch_range(stream_);
  if (kept.newest > epoch_) throw EpochNotKept(not_kept(snapshot.stream, epoch_, kept));
  epoch_ = kept.newest;
}

const models::Factor* OlderParts::find(double key) {
  key += 0.0;  // -0.0 is 0.0
  const auto [place, is_new] = found_.try_emplace(key);
  std::optional<models::Factor>& sum = place->second;
  if (is_new) {
    const bool not_in_the_store = epoch_ != snapshot_.epoch && snapshot_.evicted;
    for (const models::KeyOrigin& origin : keys_.origins) {
      const KeyBeginning learner{model_, origin.beginning};
      add(store_.evicted_key(stream_, learner, key, epoch_), origin.kept, key, sum);
      const EvictedKey* newer = not_in_the_store ? daemon::find(*snapshot_.evicted, learner, key) : nullptr;
      if (newer) add(newer->state, origin.kept, key, sum);
    }
  }
  return sum ? &*sum : nullptr;
}

void OlderParts::add(const std::vector<std::byte>& state, double kept, double key,
                     std::optional<models::Factor>& sum) const {
  if (state.empty()) return;
  std::optional<models::KeyState> part;
  const models::DecodeError damage = models::KeyState::decode(state, part);
  if (!part || (sum && part->columns != sum->columns())) {
    throw StoreError(file_, "what model '" + model_ + "' of stream '" + snapshot_.stream + "' knew of key " +
                                std::to_string(key) + " is damaged: " + to_string(damage));
  }
  if (sum) {
    sum->merge(part->factor(kept));
  } else {
    sum = part->factor(kept);
  }
}

}  // namespace accrue::daemon
