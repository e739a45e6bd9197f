// What the options of `accrue push` and a file's header make of a stream. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "accrue/client.hpp"
#include "client/cli/commands.hpp"

namespace accrue::cli {

struct Roles {
  std::vector<std::string> features;
  std::string target;
};

// Which of the file's columns are what: the target is the last that is neither weight nor key, the features are the
// others. Throws std::runtime_error where no column is left for the target.
Roles roles_of(const FileOptions& options, const std::vector<std::string>& columns,
               const std::optional<std::string>& key = std::nullopt);

// A stream of the file's columns. Throws as roles_of() does.
StreamSpec new_spec(const PushOptions& options, const std::vector<std::string>& columns);

// The first option that the existing stream contradicts, and how; empty if none does.
std::string contradiction(const StreamSpec& is, const PushOptions& asked);

// The columns of a row as Stream::push_rows() takes them, by their names in the file.
std::vector<std::string> columns_of(const StreamSpec& spec, const PushOptions& options);

}  // namespace accrue::cli
