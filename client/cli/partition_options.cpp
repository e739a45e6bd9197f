#include "client/cli/partition_options.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "client/cli/output.hpp"

namespace accrue::cli {
namespace {

PartitionBy implied(const PartitionOptions& options) {
  if (!options.cuts.empty()) return PartitionBy::kRange;
  if (!options.weights.empty()) return PartitionBy::kWeighted;
  if (options.window_s) return PartitionBy::kTimeWindow;
  if (options.seed) return PartitionBy::kRandom;
  return options.key ? PartitionBy::kHash : PartitionBy::kRoundRobin;
}

std::uint32_t implied_partitions(const StreamSpec& spec) {
  if (!spec.partition_cuts.empty()) return static_cast<std::uint32_t>(spec.partition_cuts.size() + 1);
  if (!spec.partition_weights.empty()) return static_cast<std::uint32_t>(spec.partition_weights.size());
  return 1;
}

std::string listed(const std::vector<double>& numbers) {
  std::string text;
  for (const double number : numbers) text += (text.empty() ? "" : ",") + exact(number);
  return text.empty() ? "none" : text;
}

}  // namespace

const std::vector<std::string>& partition_by_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i <= static_cast<int>(PartitionBy::kTimeWindow); ++i) {
      all.emplace_back(to_string(static_cast<PartitionBy>(i)));
    }
    return all;
  }();
  return names;
}

PartitionBy partition_by_named(const std::string& name) {
  const auto& names = partition_by_names();
  return static_cast<PartitionBy>(std::find(names.begin(), names.end(), name) - names.begin());
}

void set_partitioning(StreamSpec& spec, const PartitionOptions& options) {
  spec.key = options.key.value_or("");
  spec.partition_by = options.by.value_or(implied(options));
  spec.partition_seed = options.seed.value_or(0);
  spec.partition_weights = options.weights;
  spec.partition_cuts = options.cuts;
  spec.partition_window_s = options.window_s.value_or(0);
  spec.partitions = options.partitions.value_or(implied_partitions(spec));
}

bool wants_cuts(const StreamSpec& spec) {
  return spec.partition_by == PartitionBy::kRange && !spec.key.empty() && spec.partitions > 1 &&
         spec.partition_cuts.empty();
}

std::vector<double> cuts_from(std::span<const double> rows, const std::vector<std::string>& columns,
                              const StreamSpec& spec) {
  const auto key = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), spec.key) - columns.begin());
  std::vector<double> keys;
  for (std::size_t at = key; at < rows.size(); at += columns.size()) keys.push_back(rows[at]);
  const std::size_t count = keys.size();
  try {
    return learned_cuts(std::move(keys), spec.partitions);
  } catch (const Error& error) {
    throw std::runtime_error("the first " + counted_rows(count) + " do not tell where to cut '" + spec.key +
                             "': " + error.what() + "; say it with --partition-cuts");
  }
}

std::string partitioning_contradiction(const StreamSpec& is, const PartitionOptions& asked) {
  if (asked.key && *asked.key != is.key) {
    return is.key.empty() ? "--key: it has no key" : "--key: its key is '" + is.key + "'";
  }
  if (asked.partitions && *asked.partitions != is.partitions) {
    return "--partitions: it has " + std::to_string(is.partitions);
  }
  if (asked.by && *asked.by != is.partition_by) {
    return std::string("--partition-by: it is ") + to_string(is.partition_by);
  }
  if (asked.seed && *asked.seed != is.partition_seed) {
    return "--partition-seed: it has " + std::to_string(is.partition_seed);
  }
  if (!asked.weights.empty() && asked.weights != is.partition_weights) {
    return "--partition-weights: it has " + listed(is.partition_weights);
  }
  if (!asked.cuts.empty() && asked.cuts != is.partition_cuts) {
    return "--partition-cuts: it has " + listed(is.partition_cuts);
  }
  if (asked.window_s && *asked.window_s != is.partition_window_s) {
    return "--partition-window: it has " + exact(is.partition_window_s) + " seconds";
  }
  return {};
}

}  // namespace accrue::cli
