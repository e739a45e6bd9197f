// Transforms: the chain that a model's rows pass before its learner sees them, as the setting `transforms` says:
//
//   transforms="impute(mean) | log1p(Population) | clip(-3, 3; Latitude, Longitude) | standard_scaler | polynomial"
//
//   chain      the transforms, with | between them, in the order that a row passes them; an empty text is none
//   transform  NAME, NAME(ARGUMENTS), NAME(COLUMNS) if NAME takes no arguments, or NAME(ARGUMENTS; COLUMNS)
//   ARGUMENTS, COLUMNS   with commas between; without COLUMNS a transform is of all columns
//   a column   the name that it has where the row enters the transform, or its number, from 0, in a stream whose
//              columns have no names; in "double quotes" if there is one of | ( ) ; , " in it, a quote itself doubled
// Blanks beside all these do not count. In whatever order columns are listed, a row keeps its own.
//
//   impute(mean)          a missing value becomes the mean of the values before it, 0 before the first
//   impute(NUMBER)        or always the same number
//   log1p                 sign(x) log(1 + |x|)
//   clip(LOWEST, HIGHEST) what lies beyond becomes the nearest of the two
//   standard_scaler       (x - mean) / standard deviation
//   polynomial            adds the squares A^2 and the products A*B of the columns, in the order A^2, A*B, ..., B^2,
//   ... select                keeps the listed columns alone hash(BUCKETS)         the columns become BUCKETS sums of
//   them, called hash0, hash1, ..., behind the other columns
// makers.hpp defines each. Columns keep their names unless this says otherwise; no two have the same.
//
// Online: a row is transformed with what was learned from the rows before it, then every transform learns it as it went
// in there, and the learner predicts and learns it as it was transformed then. So behind the transforms that learn
// nothing (impute(NUMBER), log1p, clip, polynomial, select, hash) an exact learner stays exact: its fit is the batch
// fit of the transformed rows. Behind standard_scaler and impute(mean) it is the exact fit of the rows as they were
// scaled or imputed at the time, which is not that of rows all scaled by the final figures; the two draw near as
// figures settle.
//
// Partitions: the figures of transforms merge as those of all rows would, to rounding; those of a transform behind one
// that learns are of the rows as they came out of it at the time. A partition that sees others scales and imputes its
// next rows with the figures of all, so that the learners of all partitions are of the same scale when they merge; what
// it hands out and merges stays its own.
//
// Missing values: takes_missing tells of each column whether it may be NaN: whether none is left at the end.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Shapes: rows of as many features as names were given become rows of names().size().
// Costs: O(columns) a row; no allocation once the first rows have passed.
// Errors: the constructor throws std::invalid_argument, which says which transform is wrong, and what is allowed there;
// decode answers DecodeError, and a chain that could not be decoded is only good for destruction; rows and chains of
// another shape are a broken invariant (require.hpp).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/rows.hpp"
#include "models/state_codec.hpp"
#include "models/transform.hpp"

namespace accrue::models {

/// The names as given; numbers from 0 where none are.
std::vector<std::string> column_names(std::size_t columns, std::span<const std::string> names);

class Transforms {
 public:
  Transforms() = default;
  /// Of rows whose features have these names.
  Transforms(std::string_view text, std::vector<std::string> names);
  /// None, of rows of so many features that they are not named one by one.
  static Transforms none(std::size_t features);
  Transforms(const Transforms& other);
  Transforms(Transforms&&) = default;
  Transforms& operator=(const Transforms& other) { return *this = Transforms(other); }
  Transforms& operator=(Transforms&&) = default;
  ~Transforms() = default;

  bool empty() const { return links_.empty(); }
  /// Those of the rows that go in.
  std::size_t features() const { return features_; }
  /// Of those that come out.
  std::size_t width() const { return links_.empty() ? features_ : names_.size(); }
  /// Likewise; none() has none.
  const std::vector<std::string>& names() const { return names_; }
  /// Of a column that goes in.
  bool takes_missing(std::size_t column) const;

  /// The rows, transformed, with all that stands behind their features; then learns them. They are good until the next
  /// call; without transforms they are the rows that came.
  RowsView learn(const RowsView& rows);
  /// Likewise, without learning them.
  RowsView transform(const RowsView& rows);
  /// One row: from features x to row, which has room for kMaxFeatures.
  void transform(const double* x, double* row) const;

  void see(const Transforms& others);
  void merge(const Transforms& other);

  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);

 private:
  void add(std::string_view text);
  RowsView pass(const RowsView& rows, const auto& through);

  std::size_t features_ = 0;  // that go in
  std::vector<std::string> names_;
  std::size_t room_ = 0;  // the most columns there are anywhere in the chain
  std::vector<std::unique_ptr<Transform>> links_;
  std::vector<double> rows_;  // transformed
};

}  // namespace accrue::models
