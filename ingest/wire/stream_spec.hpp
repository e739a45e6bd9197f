// What a stream is: its schema and how its model is to be learned. Fixed when the stream is created.
//
// A row on the wire is, in this order: the features, the target, the weight if `weighted`, and the key if there is one
// that is not itself a feature.
// A value; no thread-safety of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace accrue::wire {

enum class PartitionBy : std::uint8_t {
  kRoundRobin = 0,  // whole batches in turn: batch sequence modulo partitions
  kHash = 1,        // rows by the hash of their key: all rows of a key meet in one partition
};
inline constexpr std::uint8_t kPartitionByCount = 2;
constexpr std::uint8_t enumerators(PartitionBy) { return kPartitionByCount; }
const char* to_string(PartitionBy by);

struct StreamSpec {
  std::vector<std::string> features;
  std::string target;
  bool weighted = false;
  std::string key =
      {};  // what the row is about (a store, a sensor): a feature's name or a column of its own; empty for none
  bool intercept = true;
  double ridge = 0;  // penalty at solve time, in rows' worth of prior (models/factor.hpp)
  std::uint32_t partitions = 1;
  PartitionBy partition_by = PartitionBy::kRoundRobin;

  bool operator==(const StreamSpec&) const = default;
  auto fields() { return std::tie(features, target, weighted, key, intercept, ridge, partitions, partition_by); }

  bool keyed() const { return !key.empty(); }
  std::vector<std::string> columns() const;  // names, in the order of a row on the wire
  std::size_t column_count() const { return columns().size(); }
};

inline constexpr const char* kWeightColumn = "weight";  // the weight's name in rows given by names

// What is wrong with a name or a specification, as a sentence for its author; empty when nothing is.
[[nodiscard]] std::string problem_with_stream_name(const std::string& name);
[[nodiscard]] std::string problem_with(const StreamSpec& spec);

// The first difference between the specification a stream has and the one a client asks for; empty when equal.
[[nodiscard]] std::string difference(const StreamSpec& existing, const StreamSpec& asked);

}  // namespace accrue::wire
