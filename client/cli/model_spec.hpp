// Models as options ask for them and as reports show them. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "accrue/client.hpp"
#include "client/cli/commands.hpp"
#include "client/cli/output.hpp"

namespace accrue::cli {

// The settings are key=value each; a learner that is not given is the library's default.
ModelSpec model_spec(const std::string& name, const ModelOptions& options);

// Of each column of a row, whether rows of the stream may lack it: a feature that all the models it was created with
// take so; of a stream with an id any feature, and the target.
std::vector<bool> may_be_empty(const StreamSpec& spec);

// A row a model; its document is an array.
Report model_report(const Models& models);

}  // namespace accrue::cli
