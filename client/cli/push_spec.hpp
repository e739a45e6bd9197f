// What the options of `accrue push`, or `accrue evaluate`, and a file's header make of a stream. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "accrue/client.hpp"
#include "client/cli/commands.hpp"

namespace accrue::cli {

// What the file's columns are: the target is the last that is not weight, key (empty for none) or event time, the
// features are the others. Throws std::runtime_error where no column is left for the target.
StreamSpec spec_of_columns(const FileOptions& options, const std::string& key, const std::vector<std::string>& columns);

// A stream of the file's columns. Throws as spec_of_columns() does.
StreamSpec new_spec(const PushOptions& options, const std::vector<std::string>& columns);

// A stream of sparse rows, whose dimension is given.
StreamSpec new_sparse_spec(const PushOptions& options);

// The first option that is about the columns of a CSV file; empty if none is.
std::string option_of_columns(const PushOptions& options);

// The first option that the existing stream contradicts, and how; empty if none does.
std::string contradiction(const StreamSpec& is, const PushOptions& asked);

// The columns of a row as Stream::push_rows() takes them, by their names in the file.
std::vector<std::string> columns_of(const StreamSpec& spec, const FileOptions& options);

}  // namespace accrue::cli
