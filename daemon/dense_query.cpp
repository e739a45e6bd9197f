#include "daemon/dense_query.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include "daemon/doubles.hpp"
#include "ingest/wire/friendly_rows.hpp"
#include "ingest/wire/usable.hpp"

namespace accrue::daemon {

bool has_key_behind(const wire::StreamSpec& spec, const models::Model& model) {
  return model.learner().needs_key() && spec.column(spec.key) >= spec.features.size();
}

std::string read_dense_rows(const wire::Predict& query, const wire::StreamSpec& spec, const models::Model& model,
                            std::vector<double>& memory, std::span<const double>& rows) {
  const std::size_t features = model.features();
  const std::size_t columns = features + (has_key_behind(spec, model) ? 1 : 0);
  const std::size_t values = query.count * columns;
  const wire::BytesView bin = query.rows.bin;
  if (query.rows.friendly) {
    if (wire::friendly_count(query.rows) != query.count) return "the count is not the number of rows";
    std::vector<std::string> names = spec.features;
    if (columns > features) names.push_back(spec.key);
    const wire::Columns given(std::move(names));
    memory.resize(values);
    for (std::size_t i = 0; i < query.count; ++i) {
      if (const auto problem =
              read_friendly_row(query.rows, i, given, wire::Absent::kMissing, {memory.data() + i * columns, columns})) {
        return "row " + std::to_string(i + 1) + ": " + to_string(*problem);
      }
    }
    rows = memory;
  } else if (bin.size() != values * size_of(query.dtype)) {
    return "the rows are " + std::to_string(bin.size()) + " bytes, where " + std::to_string(query.count) + " rows of " +
           std::to_string(columns) + " features are " + std::to_string(values * size_of(query.dtype));
  } else {
    rows = as_doubles(bin.data(), values, query.dtype, memory);
  }
  if (wire::all_surely_usable(rows.data(), rows.size())) return {};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::abs(rows[i]) <= wire::kMaxMagnitude) continue;
    const std::size_t column = i % columns;
    const bool missing = std::isnan(rows[i]);
    if (missing && column < features && model.takes_missing(column)) continue;
    const std::string& name = column < features ? spec.features[column] : spec.key;
    return "row " + std::to_string(i / columns + 1) + ", column '" + name + "': the value is " +
           (missing ? "missing" : "not a number within 1e150");
  }
  return {};
}

}  // namespace accrue::daemon
