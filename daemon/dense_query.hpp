// The rows of a question for predictions, of a stream of named features. Functions are re-entrant.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ingest/wire/queries.hpp"
#include "models/model.hpp"

namespace accrue::daemon {

// Whether a row to predict has the key behind its features: where the model goes by one that is not among them.
bool has_key_behind(const wire::StreamSpec& spec, const models::Model& model);

// The rows of a query as float64, whatever form they came in: where they are or, when they cannot be read there, in
// `memory`. A sentence about what is wrong with them otherwise.
std::string read_dense_rows(const wire::Predict& query, const wire::StreamSpec& spec, const models::Model& model,
                            std::vector<double>& memory, std::span<const double>& rows);

}  // namespace accrue::daemon
