#include "daemon/evicted_keys.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "ingest/pipeline_messages.hpp"
#include "models/key_state.hpp"

namespace accrue::daemon {
namespace {

auto place(const EvictedKey& evicted) { return std::tie(evicted.model, evicted.beginning, evicted.key); }

models::KeyState state_of(const EvictedKey& evicted) {
  std::optional<models::KeyState> state;
  ACCRUE_ASSERT(models::KeyState::decode(evicted.state, state) == models::DecodeError::kNone);
  return *std::move(state);
}

}  // namespace

wire::Bytes encode_evicted(const std::vector<models::EvictedKey>& evicted) {
  if (evicted.empty()) return {};
  ingest::EvictedKeys message;
  message.keys.reserve(evicted.size());
  for (const auto& [model, state] : evicted) {
    message.keys.push_back({model, state.origin.beginning, state.key, state.encode()});
  }
  return wire::encode(message);
}

void add_evicted(wire::BytesView encoded, std::vector<EvictedKey>& to) {
  if (encoded.empty()) return;
  wire::Frame frame;
  ACCRUE_ASSERT(frame.parse(encoded, wire::Sender::kTrusted) == wire::DecodeError::kNone);
  for (auto& [model, beginning, key, state] : ingest::read<ingest::EvictedKeys>(frame).keys) {
    to.push_back({std::move(model), beginning, key, std::move(state)});
  }
}

std::shared_ptr<const std::vector<EvictedKey>> in_order(std::vector<EvictedKey>&& evicted) {
  if (evicted.empty()) return nullptr;
  std::stable_sort(evicted.begin(), evicted.end(), [](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<EvictedKey> once;
  for (auto first = evicted.begin(); first != evicted.end();) {
    const auto end =
        std::find_if(first, evicted.end(), [&](const auto& other) { return place(other) != place(*first); });
    if (end - first > 1) {
      models::KeyState sum = state_of(*first);
      std::for_each(first + 1, end, [&](const EvictedKey& more) { sum.merge(state_of(more)); });
      first->state = sum.encode();
    }
    once.push_back(std::move(*first));
    first = end;
  }
  return std::make_shared<const std::vector<EvictedKey>>(std::move(once));
}

const EvictedKey* find(const std::vector<EvictedKey>& ordered, const KeyBeginning& learner, double key) {
  const auto wanted = std::tie(learner.model, learner.beginning, key);
  const auto found = std::lower_bound(ordered.begin(), ordered.end(), wanted,
                                      [](const EvictedKey& one, const auto& where) { return place(one) < where; });
  return found != ordered.end() && place(*found) == wanted ? &*found : nullptr;
}

}  // namespace accrue::daemon
