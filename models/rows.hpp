// Rows as the learners see them: a view of somebody else's memory, nothing is owned and nothing is copied.
//
// Row i begins at data + i * stride and is x[0..features), then y, then w when weighted (otherwise w is 1).
// Counts are in rows, strides in doubles. The values have been validated by ingest: finite, |v| <= kMaxMagnitude, w >=
// 0; the learners keep every result finite under that promise and do not check it again. Threads: a view is a plain
// value; who owns the memory says who may read it, and when.
#pragma once

#include <cstddef>

namespace accrue::models {

/// The largest magnitude of a feature, target, weight or prediction: a squared error of it is still finite.
inline constexpr double kMaxMagnitude = 1e150;

struct RowsView {
  const double* data;
  std::size_t count;
  std::size_t stride;
  std::size_t features;
  bool weighted;

  const double* row(std::size_t i) const { return data + i * stride; }
  double target(std::size_t i) const { return row(i)[features]; }
  double weight(std::size_t i) const { return weighted ? row(i)[features + 1] : 1.0; }
  RowsView slice(std::size_t first, std::size_t rows) const { return {row(first), rows, stride, features, weighted}; }
};

}  // namespace accrue::models
