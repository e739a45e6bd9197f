// The body of a request for predictions, {"rows": [...], "interval": 0.95, "epoch": 7, "model": "ridge2"}, as a
// question of the protocol. Re-entrant. Errors: Problem, which names the field at fault.
#pragma once

#include <string>
#include <vector>

#include "daemon/http/problem.hpp"
#include "daemon/snapshot.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::daemon::http {

struct PredictQuestion {
  wire::Predict question;  // but for its rows
  std::vector<double> rows;

  wire::Predict message() const;  // which points into this
};

// A row is an object by the names of the features, or an array in their order; of a model that groups by a key which is
// no feature it has that, too. Values that are null or not there are missing. One row alone may be given as "row".
PredictQuestion predict_question(const std::string& stream, const Json& body, const Snapshot& snapshot);

}  // namespace accrue::daemon::http
