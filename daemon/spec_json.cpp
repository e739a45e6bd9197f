#include "daemon/spec_json.hpp"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace accrue::daemon {
namespace {

nlohmann::ordered_json json_of(const std::vector<wire::ModelSpec>& models) {
  auto list = nlohmann::ordered_json::array();
  for (const wire::ModelSpec& model : models) {
    auto settings = nlohmann::ordered_json::object();
    for (const auto& [key, value] : model.settings) settings[key] = value;
    list.push_back({{"name", model.name}, {"learner", model.learner}, {"settings", std::move(settings)}});
  }
  return list;
}

std::vector<wire::ModelSpec> models_from(const nlohmann::ordered_json& list) {
  std::vector<wire::ModelSpec> models;
  for (const auto& json : list) {
    wire::ModelSpec& model = models.emplace_back();
    json.at("name").get_to(model.name);
    json.at("learner").get_to(model.learner);
    for (const auto& [key, value] : json.at("settings").items()) model.settings.push_back({key, value});
  }
  return models;
}

}  // namespace

std::string to_json(const wire::StreamSpec& spec) {
  nlohmann::ordered_json json = {
      {"features", spec.features},     {"target", spec.target},
      {"weighted", spec.weighted},     {"key", spec.key},
      {"intercept", spec.intercept},   {"ridge", spec.ridge},
      {"partitions", spec.partitions}, {"partition_by", to_string(spec.partition_by)},
  };
  const wire::StreamSpec unset;
  if (spec.partition_seed != unset.partition_seed) json["partition_seed"] = spec.partition_seed;
  if (spec.partition_weights != unset.partition_weights) json["partition_weights"] = spec.partition_weights;
  if (spec.partition_cuts != unset.partition_cuts) json["partition_cuts"] = spec.partition_cuts;
  if (spec.partition_window_s != unset.partition_window_s) json["partition_window_s"] = spec.partition_window_s;
  if (spec.timed()) json["time"] = spec.time;
  if (spec.delayed()) json["id"] = spec.id;
  if (spec.label_ttl_rows != unset.label_ttl_rows) json["label_ttl_rows"] = spec.label_ttl_rows;
  if (spec.label_ttl_s != unset.label_ttl_s) json["label_ttl_s"] = spec.label_ttl_s;
  if (spec.sparse()) json["dimension"] = spec.dimension;
  if (!spec.models.empty()) json["models"] = json_of(spec.models);
  return json.dump();
}

wire::StreamSpec spec_from_json(const std::string& text) {
  wire::StreamSpec spec;
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    json.at("features").get_to(spec.features);
    json.at("target").get_to(spec.target);
    json.at("weighted").get_to(spec.weighted);
    json.at("key").get_to(spec.key);
    json.at("intercept").get_to(spec.intercept);
    json.at("ridge").get_to(spec.ridge);
    json.at("partitions").get_to(spec.partitions);
    const auto by = json.at("partition_by").get<std::string>();
    const auto known = wire::partition_by_named(by);
    if (!known) throw std::runtime_error("unknown partition_by '" + by + "'");
    spec.partition_by = *known;
    spec.partition_seed = json.value("partition_seed", spec.partition_seed);  // these came after version 0.1.0
    spec.partition_weights = json.value("partition_weights", spec.partition_weights);
    spec.partition_cuts = json.value("partition_cuts", spec.partition_cuts);
    spec.partition_window_s = json.value("partition_window_s", spec.partition_window_s);
    spec.time = json.value("time", spec.time);
    spec.id = json.value("id", spec.id);
    spec.label_ttl_rows = json.value("label_ttl_rows", spec.label_ttl_rows);
    spec.label_ttl_s = json.value("label_ttl_s", spec.label_ttl_s);
    spec.dimension = json.value("dimension", spec.dimension);
    if (json.contains("models")) spec.models = models_from(json.at("models"));
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("a stream's specification cannot be read: ") + error.what());
  }
  if (const std::string problem = problem_with(spec); !problem.empty()) {
    throw std::runtime_error("a stream's specification cannot be used: " + problem);
  }
  return spec;
}

}  // namespace accrue::daemon
