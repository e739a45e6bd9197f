// Rows as small producers and other languages write them: an array of rows, each an array of numbers in column order or
// a map from column name to number. They become the same float64 rows as a bin and meet the same checks afterwards.
// Functions are re-entrant.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingest/wire/messages.hpp"

namespace accrue::wire {

// The names of a row's columns in order, and where each stands.
class Columns {
 public:
  explicit Columns(std::vector<std::string> names);
  std::size_t size() const { return names_.size(); }
  std::optional<std::size_t> find(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> position_;
};

// How many rows a friendly value holds.
std::size_t friendly_count(const Rows& rows);

// What a nil, or a column that a row by names has not, is: a missing value (NaN), or what a row is refused for.
enum class Absent : std::uint8_t { kRefused, kMissing };

// Row `index` of `rows` into `values` (columns.size() of them). On a reason, `values` is unspecified.
[[nodiscard]] std::optional<RejectReason> read_friendly_row(const Rows& rows, std::size_t index, const Columns& columns,
                                                            Absent absent, std::span<double> values);

}  // namespace accrue::wire
