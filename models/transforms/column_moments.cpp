#include "models/transforms/column_moments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "models/require.hpp"
#include "models/rows.hpp"

namespace accrue::models {
namespace {

// What means and variances can come to, with room for rounding.
constexpr double kMaxMean = 2 * kMaxMagnitude;
constexpr double kMaxVariance = kMaxMean * kMaxMean;

void merge_all(std::vector<Moments>& into, const std::vector<Moments>& from) {
  require(into.size() == from.size(), "moments that meet are of the same columns");
  for (std::size_t k = 0; k < into.size(); ++k) {
    into[k].merge(from[k]);
  }
}

void put(StateWriter& writer, const std::vector<Moments>& columns) {
  for (const Moments& column : columns) {
    writer.put_double(column.weight);
    writer.put_double(column.mean);
    writer.put_double(column.variance);
  }
}

[[nodiscard]] bool get(StateReader& reader, std::vector<Moments>& columns) {
  return std::all_of(columns.begin(), columns.end(), [&](Moments& column) {
    return reader.get_double(0, kMaxStateMagnitude, column.weight) &&
           reader.get_double(-kMaxMean, kMaxMean, column.mean) && reader.get_double(0, kMaxVariance, column.variance) &&
           (column.weight > 0 || (column.mean == 0 && column.variance == 0));
  });
}

}  // namespace

void Moments::add(double value, double weight_of_value) {
  weight += weight_of_value;
  const double share = weight_of_value / weight;
  const double deviation = value - mean;
  mean += share * deviation;
  // Never negative but for rounding, which a variance must not show.
  variance += share * (std::max(0.0, deviation * (value - mean)) - variance);
}

void Moments::merge(const Moments& other) {
  if (other.weight == 0) {
    return;
  }
  weight += other.weight;
  const double share = other.weight / weight;
  const double distance = other.mean - mean;
  mean += share * distance;
  variance += share * (other.variance - variance) + share * (1 - share) * distance * distance;
}

void ColumnMoments::add(std::size_t column, double value, double weight) {
  if (std::isnan(value) || weight == 0) {
    return;
  }
  own_[column].add(value, weight);
  if (!with_others_.empty()) {
    with_others_[column].add(value, weight);
  }
}

void ColumnMoments::see(const ColumnMoments& others) {
  with_others_ = own_;
  merge_all(with_others_, others.own_);
}

void ColumnMoments::merge(const ColumnMoments& other) {
  merge_all(own_, other.own_);
  with_others_.clear();
}

void ColumnMoments::encode(StateWriter& writer) const {
  put(writer, own_);
  writer.put_count(with_others_.empty() ? 0 : 1);
  put(writer, with_others_);
}

DecodeError ColumnMoments::decode(StateReader& reader) {
  bool has_others = false;
  if (!get(reader, own_) || !reader.get_flag(has_others)) {
    return DecodeError::kInvalid;
  }
  with_others_.resize(has_others ? own_.size() : 0);
  const auto includes = [](const Moments& all, const Moments& own) { return all.weight >= own.weight; };
  const bool good =
      get(reader, with_others_) && std::equal(with_others_.begin(), with_others_.end(), own_.begin(), includes);
  return good ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
