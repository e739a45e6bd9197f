#include "models/metrics.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace accrue::models {

// Those of one pane that have one conformal interval, and change nothing of what predictions are clipped to, are added
// at once.
void Metrics::add(const ScoredRows& rows) {
  std::array<double, ErrorSums::kMaxRows> residuals;
  for (std::size_t i = 0, count = 0; i < rows.count; i += count) {
    const std::uint64_t index = rows.indices[i];
    count = std::min({rows.count - i, rolling_.room_for(index), conformal_.rows_until_refresh()});
    const auto of_the_pane = [index](std::uint64_t other) { return RollingError::same_pane(index, other); };
    const std::uint64_t* const first = rows.indices + i;
    count = static_cast<std::size_t>(std::partition_point(first, first + count, of_the_pane) - first);
    const auto range = settled_.range_beside(rows.targets + i, count);
    if (!range) {
      for (std::size_t k = i; k < i + count; ++k) {
        add({rows.predictions[k], rows.variances[k], rows.targets[k], 1, rows.indices[k]});
      }
      continue;
    }
    if (rolling_.begins_pane(index)) {
      settle(rolling_.begin_pane(index));
    }
    const ForetoldRows foretold{.predictions = rows.predictions + i,
                                .targets = rows.targets + i,
                                .variances = rows.variances + i,
                                .count = count,
                                .lowest = range->lowest,
                                .highest = range->highest,
                                .half_width = half_width()};
    rolling_.add(foretold, index, residuals.data());
    conformal_.add({residuals.data(), count}, index);
  }
}

void Metrics::settle(const Window& pane) {
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
  settle(rolling_.newest_pane());
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
