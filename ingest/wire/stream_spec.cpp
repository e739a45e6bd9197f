#include "ingest/wire/stream_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace accrue::wire {
namespace {

std::string quoted(const std::string& name) { return "'" + name.substr(0, kMaxNameBytes) + "'"; }

std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += ", ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

std::string problem_with_column(const std::string& name) {
  if (name.empty()) return "a column has an empty name";
  if (name.size() > kMaxNameBytes) return "column " + quoted(name) + "... is longer than 128 bytes";
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (std::any_of(name.begin(), name.end(), control)) return "column " + quoted(name) + " has a control character";
  return {};
}

// The shortest text that reads back as the same number: 1e-09 must not look like 0.
std::string shortest(double number) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

const char* yes_no(bool value) { return value ? "yes" : "no"; }

std::string listed(const std::vector<double>& numbers) {
  if (numbers.empty()) return "none";
  std::vector<std::string> texts;
  for (const double number : numbers) texts.push_back(shortest(number));
  return joined(texts);
}

bool needs_key(PartitionBy by) {
  return by == PartitionBy::kHash || by == PartitionBy::kRange || by == PartitionBy::kTimeWindow;
}

std::string problem_with_weights(const StreamSpec& spec) {
  if (spec.partition_weights.size() != spec.partitions) {
    return "partitioning by weighted needs one of partition_weights for each of the " +
           std::to_string(spec.partitions) + " partitions, not " + std::to_string(spec.partition_weights.size());
  }
  const auto bad = [](double weight) { return !(weight > 0) || weight > kMaxMagnitude; };
  if (std::any_of(spec.partition_weights.begin(), spec.partition_weights.end(), bad)) {
    return "each of partition_weights must be above 0 and at most 1e150: " + listed(spec.partition_weights);
  }
  return {};
}

std::string problem_with_cuts(const StreamSpec& spec) {
  const std::vector<double>& cuts = spec.partition_cuts;
  if (cuts.size() + 1 != spec.partitions) {
    return "partitioning by range needs one of partition_cuts between each two of the " +
           std::to_string(spec.partitions) + " partitions: " + std::to_string(spec.partitions - 1) + ", not " +
           std::to_string(cuts.size());
  }
  const auto finite = [](double cut) { return std::isfinite(cut); };
  const auto not_increasing = [](double cut, double next) { return cut >= next; };
  if (!std::all_of(cuts.begin(), cuts.end(), finite) ||
      std::adjacent_find(cuts.begin(), cuts.end(), not_increasing) != cuts.end()) {
    return "partition_cuts must be finite and increasing: " + listed(cuts);
  }
  return {};
}

std::string problem_with_window(const StreamSpec& spec) {
  if (spec.partition_window_s >= kMinPartitionWindowS && std::isfinite(spec.partition_window_s)) return {};
  return "partitioning by time_window needs a partition_window_s of at least 0.001 seconds, not " +
         shortest(spec.partition_window_s);
}

// What a strategy needs must be there and in order; what it does not use must not.
std::string problem_with_partitioning(const StreamSpec& spec) {
  const PartitionBy by = spec.partition_by;
  const auto only = [](const char* what, PartitionBy of) {
    return std::string(what) + " is only for partitioning by " + to_string(of);
  };
  if (spec.partitions < 1 || spec.partitions > kMaxPartitions) return "partitions must be 1 to 64";
  const bool has_key = spec.keyed() || (spec.delayed() && by == PartitionBy::kHash);
  if (needs_key(by) && !has_key) {
    return std::string("partitioning by ") + to_string(by) + " needs a key column: name one as the stream's key";
  }
  if (by != PartitionBy::kRandom && spec.partition_seed != 0) return only("partition_seed", PartitionBy::kRandom);
  if (by != PartitionBy::kWeighted && !spec.partition_weights.empty()) {
    return only("partition_weights", PartitionBy::kWeighted);
  }
  if (by != PartitionBy::kRange && !spec.partition_cuts.empty()) return only("partition_cuts", PartitionBy::kRange);
  if (by != PartitionBy::kTimeWindow && spec.partition_window_s != 0) {
    return only("partition_window_s", PartitionBy::kTimeWindow);
  }
  switch (by) {
    case PartitionBy::kWeighted: return problem_with_weights(spec);
    case PartitionBy::kRange: return problem_with_cuts(spec);
    case PartitionBy::kTimeWindow: return problem_with_window(spec);
    default: return {};
  }
}

// Features and target of a row must meet in one partition.
std::string problem_with_id(const StreamSpec& spec) {
  if (!spec.delayed()) {
    const bool unset = spec.label_ttl_rows == kDefaultLabelTtlRows && spec.label_ttl_s == 0;
    return unset ? "" : "label_ttl_rows and label_ttl_s are only for a stream with an id";
  }
  if (spec.partitions > 1 && spec.partition_by != PartitionBy::kHash) {
    return "the partitions of a stream with an id are by hash, which goes by the id";
  }
  if (spec.label_ttl_rows < 1 || spec.label_ttl_rows > kMaxLabelTtlRows) {
    return "label_ttl_rows must be 1 to 1000000, not " + std::to_string(spec.label_ttl_rows);
  }
  if (!(spec.label_ttl_s >= 0) || !std::isfinite(spec.label_ttl_s)) {
    return "label_ttl_s must be a finite number of at least 0";
  }
  if (spec.label_ttl_s > 0 && !spec.timed()) return "label_ttl_s goes by the event time: name its column as the time";
  return {};
}

std::string problem_with_dimension(const StreamSpec& spec) {
  if (!spec.features.empty()) return "a stream has features with names or, of sparse rows, a dimension, not both";
  if (spec.dimension > kMaxDimension) {
    return "dimension must be at most 1048576, not " + std::to_string(spec.dimension);
  }
  if (spec.keyed() || spec.timed() || spec.delayed()) return "sparse rows have no key, no event time and no id";
  if (spec.ridge != 0) return "ridge is of least squares, which does not learn sparse rows: sgd has l2";
  return {};
}

std::string problem_with_models(const StreamSpec& spec) {
  if (spec.models.size() > kMaxModels) {
    return "a stream has at most 32 models, not " + std::to_string(spec.models.size());
  }
  if (!spec.models.empty() && (!spec.intercept || spec.ridge != 0)) {
    return "of a stream whose models are given, intercept and ridge are settings of each model";
  }
  std::set<std::string> seen;
  for (const ModelSpec& model : spec.models) {
    if (std::string problem = problem_with(model); !problem.empty()) return problem;
    if (!seen.insert(model.name).second) return "model " + quoted(model.name) + " is named twice";
  }
  return {};
}

std::string differs(const std::string& what, const std::string& has, const std::string& wants) {
  return "it has " + what + " " + has + ", not " + wants;
}

std::string difference_of_partitioning(const StreamSpec& existing, const StreamSpec& asked) {
  if (existing.partitions != asked.partitions) {
    return differs("partitions", std::to_string(existing.partitions), std::to_string(asked.partitions));
  }
  if (existing.partition_by != asked.partition_by) {
    return differs("partition_by", to_string(existing.partition_by), to_string(asked.partition_by));
  }
  if (existing.partition_seed != asked.partition_seed) {
    return differs("partition_seed", std::to_string(existing.partition_seed), std::to_string(asked.partition_seed));
  }
  if (existing.partition_weights != asked.partition_weights) {
    return differs("partition_weights", listed(existing.partition_weights), listed(asked.partition_weights));
  }
  if (existing.partition_cuts != asked.partition_cuts) {
    return differs("partition_cuts", listed(existing.partition_cuts), listed(asked.partition_cuts));
  }
  if (existing.partition_window_s != asked.partition_window_s) {
    return differs("partition_window_s", shortest(existing.partition_window_s), shortest(asked.partition_window_s));
  }
  return {};
}

}  // namespace

const char* to_string(PartitionBy by) {
  switch (by) {
    case PartitionBy::kRoundRobin: return "round_robin";
    case PartitionBy::kHash: return "hash";
    case PartitionBy::kRandom: return "random";
    case PartitionBy::kWeighted: return "weighted";
    case PartitionBy::kLeastLoaded: return "least_loaded";
    case PartitionBy::kRange: return "range";
    case PartitionBy::kTimeWindow: return "time_window";
  }
  return "unknown";
}

std::optional<PartitionBy> partition_by_named(const std::string& name) {
  for (std::uint8_t i = 0; i < kPartitionByCount; ++i) {
    if (name == to_string(static_cast<PartitionBy>(i))) return static_cast<PartitionBy>(i);
  }
  return std::nullopt;
}

std::vector<std::string> StreamSpec::columns() const {
  std::vector<std::string> names = features;
  names.push_back(target);
  if (weighted) names.emplace_back(kWeightColumn);
  const auto is_feature = [&](const std::string& name) {
    return std::find(features.begin(), features.end(), name) != features.end();
  };
  if (keyed() && !is_feature(key)) names.push_back(key);
  if (timed() && time != key && !is_feature(time)) names.push_back(time);
  if (delayed()) names.push_back(id);
  return names;
}

std::vector<std::string> StreamSpec::model_names() const {
  if (models.empty()) return {sparse() ? kDefaultSparseModel : kDefaultModel};
  std::vector<std::string> names;
  for (const ModelSpec& model : models) names.push_back(model.name);
  return names;
}

std::size_t StreamSpec::column(const std::string& name) const {
  const auto names = columns();
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

std::string problem_with_stream_name(const std::string& name) {
  if (is_plain_name(name)) return {};
  return "stream name " + quoted(name) + " is not 1 to 128 letters, digits, '_', '-' or '.'";
}

std::string problem_with(const StreamSpec& spec) {
  if (spec.sparse()) {
    if (std::string problem = problem_with_dimension(spec); !problem.empty()) return problem;
  } else if (spec.features.empty()) {
    return "a stream needs at least one feature";
  }
  if (spec.features.size() > kMaxFeatures) {
    return "a stream has at most 1024 features, not " + std::to_string(spec.features.size());
  }
  std::set<std::string> seen;
  for (const std::string& name : spec.columns()) {
    if (std::string problem = problem_with_column(name); !problem.empty()) return problem;
    if (!seen.insert(name).second) return "column " + quoted(name) + " is named twice";
  }
  if (!(spec.ridge >= 0) || !std::isfinite(spec.ridge)) return "ridge must be a finite number of at least 0";
  if (std::string problem = problem_with_models(spec); !problem.empty()) return problem;
  if (std::string problem = problem_with_id(spec); !problem.empty()) return problem;
  return problem_with_partitioning(spec);
}

std::string difference(const StreamSpec& existing, const StreamSpec& asked) {
  if (existing.dimension != asked.dimension) {
    return differs("dimension", std::to_string(existing.dimension), std::to_string(asked.dimension));
  }
  if (existing.features != asked.features) {
    return differs("features", joined(existing.features), joined(asked.features));
  }
  if (existing.target != asked.target) return differs("target", existing.target, asked.target);
  if (existing.weighted != asked.weighted)
    return differs("weights:", yes_no(existing.weighted), yes_no(asked.weighted));
  if (existing.key != asked.key) return differs("key", quoted(existing.key), quoted(asked.key));
  if (existing.time != asked.time) return differs("time", quoted(existing.time), quoted(asked.time));
  if (existing.id != asked.id) return differs("id", quoted(existing.id), quoted(asked.id));
  if (existing.label_ttl_rows != asked.label_ttl_rows) {
    return differs("label_ttl_rows", std::to_string(existing.label_ttl_rows), std::to_string(asked.label_ttl_rows));
  }
  if (existing.label_ttl_s != asked.label_ttl_s) {
    return differs("label_ttl_s", shortest(existing.label_ttl_s), shortest(asked.label_ttl_s));
  }
  if (existing.intercept != asked.intercept) {
    return differs("intercept:", yes_no(existing.intercept), yes_no(asked.intercept));
  }
  if (existing.ridge != asked.ridge) return differs("ridge", shortest(existing.ridge), shortest(asked.ridge));
  if (!asked.models.empty() && existing.models != asked.models) {
    return "it was created with other models: " + listed(existing.models) + ", not " + listed(asked.models);
  }
  return difference_of_partitioning(existing, asked);
}

}  // namespace accrue::wire
