// What a stream is: its schema, how its rows are dealt out, and the models that it begins with. Fixed when the stream
// is created; which models it has later is not the specification's.
//
// A row on the wire is, in this order: the features, the target, the weight if `weighted`, the key if there is one that
// is not itself a feature, the event time if there is one that is neither a feature nor the key, and the id if there is
// one. A stream of sparse rows has a dimension instead of names of features.
// A value; no thread-safety of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "ingest/wire/limits.hpp"
#include "ingest/wire/model_spec.hpp"

namespace accrue::wire {

// How rows find their partition (ingest/partitioning.hpp has each strategy and its source).
enum class PartitionBy : std::uint8_t {
  kRoundRobin = 0,   // whole batches in turn
  kHash = 1,         // rows by the hash of their key: all rows of a key meet in one partition
  kRandom = 2,       // whole batches as partition_seed draws them
  kWeighted = 3,     // whole batches in proportion to partition_weights
  kLeastLoaded = 4,  // whole batches to the worker with the least to do
  kRange = 5,        // rows by where their key lies among partition_cuts
  kTimeWindow = 6,   // rows by which window of partition_window_s their key, the event time, falls into
};
inline constexpr std::uint8_t kPartitionByCount = 7;
constexpr std::uint8_t enumerators(PartitionBy) { return kPartitionByCount; }
const char* to_string(PartitionBy by);
std::optional<PartitionBy> partition_by_named(const std::string& name);

struct StreamSpec {
  std::vector<std::string> features;
  std::string target;
  bool weighted = false;
  // What rows are partitioned by (a store, a place, a time): a feature's name or a column of its own; empty for none.
  std::string key = {};
  bool intercept = true;
  double ridge = 0;  // penalty at solve time, in rows' worth of prior (models/factor.hpp)
  std::uint32_t partitions = 1;
  PartitionBy partition_by = PartitionBy::kRoundRobin;
  std::uint64_t partition_seed = 0;            // of kRandom
  std::vector<double> partition_weights = {};  // of kWeighted: one a partition, above 0
  std::vector<double> partition_cuts = {};     // of kRange: increasing, one fewer than partitions; a cut begins a range
  double partition_window_s = 0;               // of kTimeWindow: seconds
  std::string time = {};                       // the column that is the event time, in seconds; empty for none
  // What it is created with, the champion first; none: one `least_squares` with the intercept and the ridge above, or
  // of sparse rows one `sgd` with the intercept.
  std::vector<ModelSpec> models = {};
  // A column of its own that joins the features of a row to a target that comes later (models/delayed_labels.hpp);
  // empty for none. A target is late when it comes more than so many rows, or seconds of event time, after them.
  std::string id = {};
  std::uint64_t label_ttl_rows = kDefaultLabelTtlRows;
  double label_ttl_s = 0;       // 0: whenever it comes
  std::uint32_t dimension = 0;  // of sparse rows, whose features have numbers below it; 0 for rows of named features

  bool operator==(const StreamSpec&) const = default;
  static constexpr std::size_t kFieldsAtFirst = 8;  // of version 0.1.0 (codec.hpp)
  auto fields() {
    return std::tie(features, target, weighted, key, intercept, ridge, partitions, partition_by, partition_seed,
                    partition_weights, partition_cuts, partition_window_s, time, models, id, label_ttl_rows,
                    label_ttl_s, dimension);
  }

  bool keyed() const { return !key.empty(); }
  bool timed() const { return !time.empty(); }
  bool delayed() const { return !id.empty(); }
  bool sparse() const { return dimension > 0; }
  std::vector<std::string> columns() const;  // names, in the order of a row on the wire
  std::size_t column_count() const { return columns().size(); }
  std::size_t column(const std::string& name) const;  // the place in a row of one of them
  std::vector<std::string> model_names() const;       // of those it is created with, the champion's first
};

inline constexpr const char* kDefaultModel = "least_squares";  // the name of the one where none are asked for
inline constexpr const char* kDefaultSparseModel = "sgd";      // likewise of sparse rows, and its learner
inline constexpr const char* kWeightColumn = "weight";         // the weight's name in rows given by names

// What is wrong with a name or a specification, as a sentence for its author; empty when nothing is.
[[nodiscard]] std::string problem_with_stream_name(const std::string& name);
[[nodiscard]] std::string problem_with(const StreamSpec& spec);

// The first difference between the specification a stream has and the one a client asks for; empty when equal.
[[nodiscard]] std::string difference(const StreamSpec& existing, const StreamSpec& asked);

}  // namespace accrue::wire
