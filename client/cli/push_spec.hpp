// What the options of `accrue push` and a file's header make of a stream. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "accrue/client.hpp"
#include "client/cli/commands.hpp"

namespace accrue::cli {

// A stream of the file's columns: the target is the last that is not weight, key or event time, the features
// are the others.
// Throws std::runtime_error where no column is left for the target.
StreamSpec new_spec(const PushOptions& options, const std::vector<std::string>& columns);

// The first option that the existing stream contradicts, and how; empty if none does.
std::string contradiction(const StreamSpec& is, const PushOptions& asked);

// The columns of a row as Stream::push_rows() takes them, by their names in the file.
std::vector<std::string> columns_of(const StreamSpec& spec, const PushOptions& options);

}  // namespace accrue::cli
