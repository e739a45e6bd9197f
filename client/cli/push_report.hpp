// What `accrue push` does alike for rows of either kind.
#pragma once

#include <cstdint>
#include <string>

#include "client/cli/commands.hpp"
#include "client/cli/feed.hpp"

namespace accrue::cli {

struct LinesRead {
  std::string stopped;  // why not all of them; empty where all were
  std::uint64_t skipped = 0;
};

// Tells what became of the rows that were pushed and flushed, and returns the exit code.
int report_push(const Connection& connection, const PushOptions& options, const Feed& feed, const LinesRead& lines,
                const FlushReport& flushed, bool created);

// Of a stream of sparse rows, that is there already or whose dimension is given.
int push_sparse(const Connection& connection, const PushOptions& options);

}  // namespace accrue::cli
