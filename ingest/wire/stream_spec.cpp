#include "ingest/wire/stream_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "ingest/wire/limits.hpp"

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

}  // namespace

const char* to_string(PartitionBy by) {
  switch (by) {
    case PartitionBy::kRoundRobin: return "round_robin";
    case PartitionBy::kHash: return "hash";
  }
  return "unknown";
}

std::vector<std::string> StreamSpec::columns() const {
  std::vector<std::string> names = features;
  names.push_back(target);
  if (weighted) names.emplace_back(kWeightColumn);
  const bool own_column = keyed() && std::find(features.begin(), features.end(), key) == features.end();
  if (own_column) names.push_back(key);
  return names;
}

std::string problem_with_stream_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  if (!name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), plain)) return {};
  return "stream name " + quoted(name) + " is not 1 to 128 letters, digits, '_', '-' or '.'";
}

std::string problem_with(const StreamSpec& spec) {
  if (spec.features.empty()) return "a stream needs at least one feature";
  if (spec.features.size() > kMaxFeatures) {
    return "a stream has at most 1024 features, not " + std::to_string(spec.features.size());
  }
  std::set<std::string> seen;
  for (const std::string& name : spec.columns()) {
    if (std::string problem = problem_with_column(name); !problem.empty()) return problem;
    if (!seen.insert(name).second) return "column " + quoted(name) + " is named twice";
  }
  if (!(spec.ridge >= 0) || !std::isfinite(spec.ridge)) return "ridge must be a finite number of at least 0";
  if (spec.partitions < 1 || spec.partitions > kMaxPartitions) return "partitions must be 1 to 64";
  if (spec.partition_by == PartitionBy::kHash && !spec.keyed()) {
    return "partitioning by hash needs a key column: name one as the stream's key";
  }
  return {};
}

std::string difference(const StreamSpec& existing, const StreamSpec& asked) {
  const auto differs = [](const std::string& what, const std::string& has, const std::string& wants) {
    return "it has " + what + " " + has + ", not " + wants;
  };
  if (existing.features != asked.features) {
    return differs("features", joined(existing.features), joined(asked.features));
  }
  if (existing.target != asked.target) return differs("target", existing.target, asked.target);
  if (existing.weighted != asked.weighted)
    return differs("weights:", yes_no(existing.weighted), yes_no(asked.weighted));
  if (existing.key != asked.key) return differs("key", quoted(existing.key), quoted(asked.key));
  if (existing.intercept != asked.intercept) {
    return differs("intercept:", yes_no(existing.intercept), yes_no(asked.intercept));
  }
  if (existing.ridge != asked.ridge) return differs("ridge", shortest(existing.ridge), shortest(asked.ridge));
  if (existing.partitions != asked.partitions) {
    return differs("partitions", std::to_string(existing.partitions), std::to_string(asked.partitions));
  }
  if (existing.partition_by != asked.partition_by) {
    return differs("partition_by", to_string(existing.partition_by), to_string(asked.partition_by));
  }
  return {};
}

}  // namespace accrue::wire
