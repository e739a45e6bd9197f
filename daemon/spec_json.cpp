#include "daemon/spec_json.hpp"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace accrue::daemon {

std::string to_json(const wire::StreamSpec& spec) {
  const nlohmann::ordered_json json = {
      {"features", spec.features},     {"target", spec.target},
      {"weighted", spec.weighted},     {"key", spec.key},
      {"intercept", spec.intercept},   {"ridge", spec.ridge},
      {"partitions", spec.partitions}, {"partition_by", to_string(spec.partition_by)},
  };
  return json.dump();
}

wire::StreamSpec spec_from_json(const std::string& text) {
  wire::StreamSpec spec;
  try {
    const auto json = nlohmann::json::parse(text);
    json.at("features").get_to(spec.features);
    json.at("target").get_to(spec.target);
    json.at("weighted").get_to(spec.weighted);
    json.at("key").get_to(spec.key);
    json.at("intercept").get_to(spec.intercept);
    json.at("ridge").get_to(spec.ridge);
    json.at("partitions").get_to(spec.partitions);
    const auto by = json.at("partition_by").get<std::string>();
    spec.partition_by =
        by == to_string(wire::PartitionBy::kHash) ? wire::PartitionBy::kHash : wire::PartitionBy::kRoundRobin;
    if (by != to_string(spec.partition_by)) throw std::runtime_error("unknown partition_by '" + by + "'");
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("a stream's specification cannot be read: ") + error.what());
  }
  if (const std::string problem = problem_with(spec); !problem.empty()) {
    throw std::runtime_error("a stream's specification cannot be used: " + problem);
  }
  return spec;
}

}  // namespace accrue::daemon
