// What questions about a stream of sparse rows need besides: rows to predict that are a bin, and coefficients that are
// too many to be listed. Functions are re-entrant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ingest/wire/queries.hpp"
#include "ingest/wire/sparse_rows.hpp"
#include "models/summary.hpp"

namespace accrue::daemon {

// The rows of a query, where they are or, when they cannot be read there, in `memory`; otherwise a sentence about what
// is wrong with them.
std::string read_sparse_rows(const wire::Predict& query, std::uint32_t dimension, std::vector<double>& memory,
                             wire::SparseParts& rows);

// The coefficients that are not zero, at most kMaxCoefficientsListed, those of the largest magnitude, in the order of
// their features, by whose numbers they are named.
void list_coefficients(const models::Summary& summary, wire::Coef& reply);

}  // namespace accrue::daemon
