#include "client/src/sparse_row.hpp"

#include <algorithm>

#include "ingest/wire/limits.hpp"

namespace accrue {
namespace client {

void InOrder::put(const std::string& subject, std::span<const std::uint32_t> columns, std::span<const double> values,
                  std::uint32_t dimension) {
  const auto refuse = [&](const std::string& why) { throw Error(Error::Kind::kInvalid, subject + ": " + why); };
  if (columns.size() != values.size()) {
    refuse(std::to_string(columns.size()) + " features have " + std::to_string(values.size()) + " values");
  }
  if (columns.size() > wire::kMaxNonzeros) {
    refuse("a row has at most " + std::to_string(wire::kMaxNonzeros) + " values, not " +
           std::to_string(columns.size()));
  }
  bool increasing = true;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] >= dimension) {
      refuse("feature " + std::to_string(columns[i]) + " is not below the dimension, " + std::to_string(dimension));
    }
    increasing = increasing && (i == 0 || columns[i - 1] < columns[i]);
  }
  columns_ = columns;
  values_ = values;
  if (increasing) return;
  features_.clear();
  for (std::size_t i = 0; i < columns.size(); ++i) features_.push_back({columns[i], values[i]});
  std::stable_sort(features_.begin(), features_.end(),
                   [](const Feature& one, const Feature& other) { return one.column < other.column; });
  ordered_columns_.clear();
  ordered_values_.clear();
  for (const auto& [column, value] : features_) {
    if (!ordered_columns_.empty() && ordered_columns_.back() == column) {
      ordered_values_.back() += value;
    } else {
      ordered_columns_.push_back(column);
      ordered_values_.push_back(value);
    }
  }
  columns_ = ordered_columns_;
  values_ = ordered_values_;
}

}  // namespace client

// Streams that are stored depend on every bit of it: the hash of the transform `hash` (models/transforms/
// new_columns.cpp), FNV-1a finished as MurmurHash3 is, whose lowest bit is the sign there.
std::uint32_t hashed_feature(std::string_view name, std::uint32_t dimension) {
  if (dimension == 0) throw Error(Error::Kind::kInvalid, "a dimension of 0 has no features");
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 33;
  return static_cast<std::uint32_t>((hash >> 1) % dimension);
}

}  // namespace accrue
