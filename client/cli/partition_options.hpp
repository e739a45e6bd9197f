// The options that say how a stream's rows find their partition, of the commands that make streams. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "accrue/client.hpp"

namespace accrue::cli {

// What is not given is the existing stream's, or the default of a new one.
struct PartitionOptions {
  std::optional<std::uint32_t> partitions;
  std::optional<PartitionBy> by;
  std::optional<std::string> key;
  std::optional<std::uint64_t> seed;
  std::vector<double> weights;
  std::vector<double> cuts;
  std::optional<double> window_s;
};

const std::vector<std::string>& partition_by_names();
PartitionBy partition_by_named(const std::string& name);  // one of those names

// Sets them in a new stream's specification. How, where it is not given, is what the others are for; how many, where it
// is not given, is what weights or cuts are given for.
void set_partitioning(StreamSpec& spec, const PartitionOptions& options);

// The stream is partitioned by range, and where to cut is to be learned from its first rows.
bool wants_cuts(const StreamSpec& spec);

// Where to cut, as rows of these columns tell. Throws std::runtime_error where too few of their keys differ.
std::vector<double> cuts_from(std::span<const double> rows, const std::vector<std::string>& columns,
                              const StreamSpec& spec);

// The first option that the existing stream contradicts, and how; empty if none does.
std::string partitioning_contradiction(const StreamSpec& is, const PartitionOptions& asked);

}  // namespace accrue::cli
