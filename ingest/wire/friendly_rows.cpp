#include "ingest/wire/friendly_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace accrue::wire {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] bool read_value(const msgpack::object& object, Absent absent, double& value) {
  if (object.type != msgpack::type::NIL) return detail::get(object, value);
  value = kMissing;
  return absent == Absent::kMissing;
}

std::optional<RejectReason> read_array(const msgpack::object_array& row, Absent absent, std::span<double> values) {
  if (row.size != values.size()) return RejectReason::kRowLength;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!read_value(row.ptr[i], absent, values[i])) return RejectReason::kNotANumber;
  }
  return std::nullopt;
}

std::optional<RejectReason> read_map(const msgpack::object_map& row, const Columns& columns, Absent absent,
                                     std::span<double> values) {
  std::fill(values.begin(), values.end(), kMissing);
  std::vector<bool> seen(values.size());
  std::size_t found = 0;
  for (std::uint32_t i = 0; i < row.size; ++i) {
    std::string name;
    if (!detail::get(row.ptr[i].key, name)) return RejectReason::kUnknownColumn;
    const std::optional<std::size_t> at = columns.find(name);
    if (!at || seen[*at]) return RejectReason::kUnknownColumn;
    if (!read_value(row.ptr[i].val, absent, values[*at])) return RejectReason::kNotANumber;
    seen[*at] = true;
    ++found;
  }
  if (found != values.size() && absent == Absent::kRefused) return RejectReason::kMissingColumn;
  return std::nullopt;
}

}  // namespace

Columns::Columns(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::size_t i = 0; i < names_.size(); ++i) position_.emplace(names_[i], i);
}

std::optional<std::size_t> Columns::find(const std::string& name) const {
  const auto found = position_.find(name);
  if (found == position_.end()) return std::nullopt;
  return found->second;
}

std::size_t friendly_count(const Rows& rows) { return rows.friendly ? rows.friendly->via.array.size : 0; }

std::optional<RejectReason> read_friendly_row(const Rows& rows, std::size_t index, const Columns& columns,
                                              Absent absent, std::span<double> values) {
  const msgpack::object& row = rows.friendly->via.array.ptr[index];
  if (row.type == msgpack::type::ARRAY) return read_array(row.via.array, absent, values);
  if (row.type == msgpack::type::MAP) return read_map(row.via.map, columns, absent, values);
  return RejectReason::kRowLength;
}

}  // namespace accrue::wire
