#include "models/metrics.hpp"

namespace accrue::models {

// Once for each pane, not for each row: that much less is done for a row.
void Metrics::settle() {
  const Window& pane = rolling_.newest_pane();
  settled_.pool(pane.error);
  settled_coverage_.merge(pane.coverage);
}

ProgressiveError Metrics::lifetime() const {
  ProgressiveError all = settled_;
  all.pool(rolling_.newest_pane().error);
  return all;
}

Coverages Metrics::coverage() const {
  Coverages all = settled_coverage_;
  all.merge(rolling_.newest_pane().coverage);
  return all;
}

Metrics Metrics::as_seen_by_others() const {
  Metrics seen;
  seen.settled_ = lifetime();
  return seen;
}

void Metrics::merge(const Metrics& other) {
  settle();
  settled_.merge(other.lifetime());
  settled_coverage_.merge(other.coverage());
  rolling_.merge(other.rolling_);  // which leaves no newest pane
  conformal_.merge(other.conformal_);
}

void Metrics::encode(StateWriter& writer) const {
  settled_.encode(writer);
  rolling_.encode(writer);
  conformal_.encode(writer);
  settled_coverage_.encode(writer);
}

DecodeError Metrics::decode(StateReader& reader) {
  if (const DecodeError damage = settled_.decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  if (reader.version() < kStateVersionOfSets) {
    return DecodeError::kNone;
  }
  const bool sane = rolling_.decode(reader) == DecodeError::kNone &&    //
                    conformal_.decode(reader) == DecodeError::kNone &&  //
                    settled_coverage_.decode(reader) == DecodeError::kNone;
  if (reader.version() < kStateVersionOfPanes) {
    rolling_.settle();  // what it holds of the newest pane was counted in the lifetime already
  }
  return sane ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
