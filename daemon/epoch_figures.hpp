// What an epoch says of its models in figures, for the store: their errors so far, the points of their history, and
// what happened to them. Functions are re-entrant.
#pragma once

#include "daemon/store.hpp"
#include "models/model_set.hpp"

namespace accrue::daemon {

// Fills in champion, metrics, history, events and beginnings. `before` are the models of the stream's epoch before this
// one; null where there is none.
void add_figures(EpochRecord& record, const models::ModelSet& models, const models::ModelSet* before);

}  // namespace accrue::daemon
