#include "models/delayed_labels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "models/require.hpp"

namespace accrue::models {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr std::uint64_t kMaxTtlRows = std::uint64_t{1} << 32;

// 0 where rows have none; NaN where it is a feature, and missing.
double time_of(const RowsView& rows, std::size_t i) { return rows.time_column == kNoColumn ? 0.0 : rows.time(i); }

// A state has no NaN in it: whether there is a number, and the number.
void put_if_any(StateWriter& writer, double number) {
  writer.put_count(std::isnan(number) ? 0 : 1);
  if (!std::isnan(number)) {
    writer.put_double(number);
  }
}

[[nodiscard]] bool get_if_any(StateReader& reader, double lowest, double highest, double& number) {
  bool any = false;
  number = std::numeric_limits<double>::quiet_NaN();
  return reader.get_flag(any) && (!any || reader.get_double(lowest, highest, number));
}

}  // namespace

DelayedLabels::Kind DelayedLabels::kind_of(const RowsView& rows, std::size_t i) {
  if (std::isnan(rows.target(i))) {
    return Kind::kFeatures;
  }
  const double* x = rows.row(i);
  const bool none = std::all_of(x, x + rows.features, [](double value) { return std::isnan(value); });
  return none ? Kind::kLabel : Kind::kWhole;
}

bool DelayedLabels::is_late(const WaitingByIndex::value_type& waiting, std::uint64_t index, double time) const {
  const bool by_rows = index > waiting.first && index - waiting.first > options_.ttl_rows;
  return by_rows || (options_.ttl_seconds > 0 && time - waiting.second.time > options_.ttl_seconds);
}

DelayedLabels::WaitingByIndex::iterator DelayedLabels::forget(WaitingByIndex::iterator waiting) {
  indices_.erase(waiting->second.id);
  return waiting_.erase(waiting);
}

void DelayedLabels::pass(const RowsView& rows, std::size_t i) {
  while (!waiting_.empty() && is_late(*waiting_.begin(), rows.index(i), time_of(rows, i))) {
    forget(waiting_.begin());
    ++expired_;
  }
}

void DelayedLabels::wait(const RowsView& rows, std::size_t i, std::vector<std::optional<Forecast>> foretold) {
  const double* x = rows.row(i);
  const bool is_first = indices_.emplace(rows.id(i), rows.index(i)).second;
  require(is_first, "of an id that waits already the first features count");
  waiting_.insert_or_assign(rows.index(i),
                            Waiting{rows.id(i), time_of(rows, i), {x, x + rows.features}, std::move(foretold)});
}

std::optional<DelayedLabels::Waiting> DelayedLabels::take(const RowsView& rows, std::size_t i) {
  const auto found = indices_.find(rows.id(i));
  if (found == indices_.end()) {
    ++unknown_;
    return std::nullopt;
  }
  const auto waiting = waiting_.find(found->second);
  std::optional<Waiting> taken;
  if (is_late(*waiting, rows.index(i), time_of(rows, i))) {
    ++expired_;
    ++unknown_;
  } else {
    taken = std::move(waiting->second);
  }
  forget(waiting);
  return taken;
}

void DelayedLabels::add_model() {
  for (auto& [index, waiting] : waiting_) {
    waiting.foretold.emplace_back();
  }
}

void DelayedLabels::drop_model(std::size_t position) {
  for (auto& [index, waiting] : waiting_) {
    waiting.foretold.erase(waiting.foretold.begin() + static_cast<std::ptrdiff_t>(position));
  }
}

void DelayedLabels::merge(const DelayedLabels& other) {
  for (const auto& [index, waiting] : other.waiting_) {
    if (indices_.emplace(waiting.id, index).second) {
      waiting_.emplace(index, waiting);
    }
  }
  expired_ += other.expired_;
  unknown_ += other.unknown_;
  repeated_ += other.repeated_;
}

void DelayedLabels::encode(StateWriter& writer) const {
  writer.put_count(options_.ttl_rows);
  writer.put_double(options_.ttl_seconds);
  writer.put_count(expired_);
  writer.put_count(unknown_);
  writer.put_count(repeated_);
  writer.put_count(waiting_.size());
  for (const auto& [index, waiting] : waiting_) {
    writer.put_count(index);
    writer.put_double(waiting.id);
    put_if_any(writer, waiting.time);
    for (const double feature : waiting.features) {
      put_if_any(writer, feature);
    }
    for (const std::optional<Forecast>& foretold : waiting.foretold) {
      writer.put_count(foretold ? 1 : 0);
      if (foretold) {
        writer.put_double(foretold->prediction);
        put_if_any(writer, foretold->variance);
        put_if_any(writer, foretold->half_width);
      }
    }
  }
}

DecodeError DelayedLabels::decode(StateReader& reader, std::size_t features, std::size_t models) {
  std::uint64_t count = 0;
  if (!reader.get_count_up_to(kMaxTtlRows, options_.ttl_rows) || options_.ttl_rows == 0 ||
      !reader.get_double(0, kLargest, options_.ttl_seconds) || !reader.get_count(expired_) ||
      !reader.get_count(unknown_) || !reader.get_count(repeated_) || !reader.get_count(count)) {
    return DecodeError::kInvalid;
  }
  std::uint64_t least = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t index = 0;
    Waiting waiting;
    if (!reader.get_count(index) || index < least || index == std::numeric_limits<std::uint64_t>::max() ||
        !decode_waiting(reader, features, models, waiting) || indices_.contains(waiting.id)) {
      return DecodeError::kInvalid;
    }
    indices_.emplace(waiting.id, index);
    waiting_.emplace_hint(waiting_.end(), index, std::move(waiting));
    least = index + 1;
  }
  return DecodeError::kNone;
}

bool DelayedLabels::decode_waiting(StateReader& reader, std::size_t features, std::size_t models, Waiting& waiting) {
  if (!reader.get_double(-kMaxMagnitude, kMaxMagnitude, waiting.id) ||
      !get_if_any(reader, -kMaxMagnitude, kMaxMagnitude, waiting.time)) {
    return false;
  }
  for (std::size_t k = 0; k < features; ++k) {
    if (!get_if_any(reader, -kMaxMagnitude, kMaxMagnitude, waiting.features.emplace_back())) {
      return false;
    }
  }
  for (std::size_t k = 0; k < models; ++k) {
    bool any = false;
    std::optional<Forecast>& foretold = waiting.foretold.emplace_back();
    if (!reader.get_flag(any)) {
      return false;
    }
    if (any && (foretold.emplace(), !reader.get_double(-kMaxMagnitude, kMaxMagnitude, foretold->prediction) ||
                                        !get_if_any(reader, 0, kLargest, foretold->variance) ||
                                        !get_if_any(reader, 0, kLargest, foretold->half_width))) {
      return false;
    }
  }
  return true;
}

}  // namespace accrue::models
