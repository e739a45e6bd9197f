// The transforms, each defined: makers for transforms.cpp, which knows them by name. Functions are re-entrant.
//
// A maker is given its arguments as the user wrote them, its columns (positions, increasing, at least one) and the
// names of all columns that go in, which it makes into the names of those that come out. x is a column's value, u and v
// others. Every result is kept within kMaxMagnitude. NaN stays NaN, but for impute.
//
// Errors: std::invalid_argument for an argument that cannot be, and for more than kMaxFeatures columns.
// Sources: hash: Weinberger, Dasgupta, Langford, Smola, Attenberg, "Feature hashing for large scale multitask learning"
// (ICML 2009); means and variances: column_moments.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/transform.hpp"

namespace accrue::models {

using Arguments = std::span<const std::string>;
using Columns = std::vector<std::size_t>;
using Names = std::vector<std::string>;

/// Takes missing values: NaN becomes the weighted mean of the values (not NaN) before it, 0 before the first; or, with
/// a number for an argument, that number.
std::unique_ptr<Transform> make_impute(Arguments arguments, Columns columns, Names& names);

/// sign(x) log(1 + |x|): log(1 + x) where x >= 0, which is what it is for (counts, sums of money). It is continued to
/// negative values as an odd function, as no value that the stream takes may be refused by one of its models.
std::unique_ptr<Transform> make_log1p(Arguments arguments, Columns columns, Names& names);

/// The nearest to x within [lowest, highest], the two arguments.
std::unique_ptr<Transform> make_clip(Arguments arguments, Columns columns, Names& names);

/// (x - mean) / standard deviation, both of the values (not NaN) before it, weighted. 0 until these differ: a column
/// tells nothing yet, and unscaled it would outweigh all rows that follow.
std::unique_ptr<Transform> make_standard_scaler(Arguments arguments, Columns columns, Names& names);

/// All columns, and behind them u * v for every pair of the listed ones, u before v or the same.
std::unique_ptr<Transform> make_polynomial(Arguments arguments, Columns columns, Names& names);

/// The listed columns alone.
std::unique_ptr<Transform> make_select(Arguments arguments, Columns columns, Names& names);

/// The columns not listed, and behind them as many buckets as the argument says: each the sum of +x or -x of those
/// listed columns whose names hash to it. Bucket and sign come from the name alone (fixed for all time: hash.cpp), so
/// that a column means the same in every stream that has it; where two share a bucket, the signs keep the sum unbiased.
std::unique_ptr<Transform> make_hash(Arguments arguments, Columns columns, Names& names);

}  // namespace accrue::models
