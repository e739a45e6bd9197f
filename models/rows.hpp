// Rows as the learners see them: a view of somebody else's memory, nothing is owned and nothing is copied.
//
// Row i begins at data + i * stride and is x[0..features), then y, then w when weighted (otherwise w is 1); behind them
// may stand the event time, the key and the id, where the view says that there are such columns.
// A sparse row, SparseRowsView, is the columns that are not zero, in increasing order, and their values; it stands for
// the dense row that has them and zeros elsewhere.
//
// Counts are in rows, strides and columns in doubles, event times in seconds. The values have been validated by ingest:
// finite, |v| <= kMaxMagnitude, w >= 0 (a feature may be NaN where a transform takes it, and in rows with an id
// whatever delayed_labels.hpp says); the learners keep every result finite under that promise and do not check it
// again. Threads: a view is a plain value; who owns the memory says who may read it, and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace accrue::models {

/// The largest magnitude of a feature, target, weight or prediction: a squared error of it is still finite.
inline constexpr double kMaxMagnitude = 1e150;

/// A column that there is not.
inline constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

struct RowsView {
  const double* data;
  std::size_t count;
  std::size_t stride;
  std::size_t features;
  bool weighted;
  /// Where the rows stand among all rows of the stream, which is what forgetting and windows go by: row i has index
  /// first_index + i or, where a partition's rows were picked out of others, indices[i]. Indices increase.
  std::uint64_t first_index = 0;
  const std::uint64_t* indices = nullptr;
  std::size_t time_column = kNoColumn;
  std::size_t key_column = kNoColumn;
  std::size_t id_column = kNoColumn;

  const double* row(std::size_t i) const { return data + i * stride; }
  double target(std::size_t i) const { return row(i)[features]; }
  double weight(std::size_t i) const { return weighted ? row(i)[features + 1] : 1.0; }
  std::uint64_t index(std::size_t i) const { return indices ? indices[i] : first_index + i; }
  double time(std::size_t i) const { return row(i)[time_column]; }
  double key(std::size_t i) const { return row(i)[key_column]; }
  double id(std::size_t i) const { return row(i)[id_column]; }
  bool all_weigh_one() const { return !weighted; }
  RowsView slice(std::size_t first, std::size_t rows) const {
    RowsView part = *this;
    part.data = row(first);
    part.count = rows;
    part.first_index += first;
    part.indices = indices ? indices + first : nullptr;
    return part;
  }
};

/// Rows in compressed form: those of row i are columns[j] and values[j] for j from starts[i] to starts[i + 1]. Columns
/// are below `features` and increase within a row.
struct SparseRowsView {
  const std::uint64_t* starts;  // count + 1 of them
  const std::uint32_t* columns;
  const double* values;
  const double* targets;
  const double* weights;  // null where all are 1
  std::size_t count;
  std::size_t features;
  std::uint64_t first_index = 0;  // as in RowsView

  std::span<const std::uint32_t> row_columns(std::size_t i) const {
    return {columns + starts[i], columns + starts[i + 1]};
  }
  const double* row_values(std::size_t i) const { return values + starts[i]; }
  double target(std::size_t i) const { return targets[i]; }
  double weight(std::size_t i) const { return weights ? weights[i] : 1.0; }
  std::uint64_t index(std::size_t i) const { return first_index + i; }
  bool all_weigh_one() const { return weights == nullptr; }
  SparseRowsView slice(std::size_t first, std::size_t rows) const {
    SparseRowsView part = *this;
    part.starts += first;
    part.targets += first;
    part.weights = weights ? weights + first : nullptr;
    part.count = rows;
    part.first_index += first;
    return part;
  }
};

/// Rows of weight 1 that were predicted before they were learned, column by column.
struct ScoredRows {
  const double* predictions;
  const double* variances;  // of a target about its prediction, NaN for what does not know
  const double* targets;
  const std::uint64_t* indices;  // in the stream; they increase
  std::size_t count;
};

}  // namespace accrue::models
