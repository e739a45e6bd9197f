#include "daemon/spec_json.hpp"

#include <functional>
#include <map>

#include <nlohmann/json.hpp>

namespace accrue::daemon {
namespace {

using Json = nlohmann::ordered_json;

// ---- values of the types that there are; false for one of another ----

bool get(const Json& json, std::string& value) {
  if (!json.is_string()) return false;
  value = json.get<std::string>();
  return true;
}

bool get(const Json& json, bool& value) {
  if (!json.is_boolean()) return false;
  value = json.get<bool>();
  return true;
}

bool get(const Json& json, double& value) {
  if (!json.is_number()) return false;
  value = json.get<double>();
  return true;
}

template <std::unsigned_integral Integer>
bool get(const Json& json, Integer& value) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > static_cast<Integer>(-1)) return false;
  value = json.get<Integer>();
  return true;
}

template <class T>
bool get(const Json& json, std::vector<T>& values) {
  if (!json.is_array()) return false;
  values.clear();
  for (const Json& item : json) {
    if (!get(item, values.emplace_back())) return false;
  }
  return true;
}

const char* type_name(const std::string&) { return "text"; }
const char* type_name(bool) { return "true or false"; }
const char* type_name(double) { return "a number"; }
const char* type_name(std::unsigned_integral auto) { return "a whole number that is not negative"; }
const char* type_name(const std::vector<std::string>&) { return "an array of texts"; }
const char* type_name(const std::vector<double>&) { return "an array of numbers"; }

// ---- fields by their names ----

// How each field of an object is read; throws for one that is none.
using Fields = std::map<std::string, std::function<void(const Json&, const std::string& path)>>;

template <class T>
auto into(T& value) {
  return [&value](const Json& json, const std::string& path) {
    if (!get(json, value)) throw BadSpecField(path, std::string("must be ") + type_name(value));
  };
}

void read_object(const Json& json, const std::string& at, const Fields& fields) {
  if (!json.is_object()) throw BadSpecField(at.empty() ? "body" : at, "must be an object");
  for (const auto& [name, value] : json.items()) {
    const std::string path = at.empty() ? name : std::string(at).append(".").append(name);
    const auto field = fields.find(name);
    if (field == fields.end()) throw BadSpecField(path, "there is no such field");
    field->second(value, path);
  }
}

void read_partition_by(const Json& json, const std::string& path, wire::PartitionBy& by) {
  std::string name;
  into(name)(json, path);
  const auto known = wire::partition_by_named(name);
  if (!known) throw BadSpecField(path, "unknown partition_by '" + name + "'");
  by = *known;
}

// A value may be a number or a bool, too, for the convenience of whoever writes it.
void read_settings(const Json& json, const std::string& path, std::vector<wire::Setting>& settings) {
  if (!json.is_object()) throw BadSpecField(path, "must be an object");
  for (const auto& [key, value] : json.items()) {
    if (value.is_structured() || value.is_null()) {
      throw BadSpecField(std::string(path).append(".").append(key), "must be text, a number, or true or false");
    }
    settings.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
  }
}

void read_models(const Json& json, const std::string& path, std::vector<wire::ModelSpec>& models) {
  if (!json.is_array()) throw BadSpecField(path, "must be an array");
  for (const Json& model : json) {
    models.push_back(model_of(model, path + "[" + std::to_string(models.size()) + "]"));
  }
}

}  // namespace

Json json_of(const wire::ModelSpec& model) {
  Json settings = Json::object();
  for (const auto& [key, value] : model.settings) settings[key] = value;
  return {{"name", model.name}, {"learner", model.learner}, {"settings", std::move(settings)}};
}

Json json_of(const wire::StreamSpec& spec) {
  Json json = {
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
  if (spec.models.empty()) return json;
  Json& models = json["models"] = Json::array();
  for (const wire::ModelSpec& model : spec.models) models.push_back(json_of(model));
  return json;
}

wire::ModelSpec model_of(const Json& json, const std::string& at) {
  wire::ModelSpec model{.name = {}, .learner = wire::kDefaultModel, .settings = {}};
  read_object(
      json, at,
      {{"name", into(model.name)},
       {"learner", into(model.learner)},
       {"settings", [&](const Json& value, const std::string& path) { read_settings(value, path, model.settings); }}});
  return model;
}

wire::StreamSpec spec_of(const Json& json) {
  wire::StreamSpec spec;
  spec.target = "target";
  const auto partition_by = [&](const Json& value, const std::string& path) {
    read_partition_by(value, path, spec.partition_by);
  };
  const auto models = [&](const Json& value, const std::string& path) { read_models(value, path, spec.models); };
  read_object(json, {},
              {{"features", into(spec.features)},
               {"target", into(spec.target)},
               {"weighted", into(spec.weighted)},
               {"key", into(spec.key)},
               {"intercept", into(spec.intercept)},
               {"ridge", into(spec.ridge)},
               {"partitions", into(spec.partitions)},
               {"partition_by", partition_by},
               {"partition_seed", into(spec.partition_seed)},
               {"partition_weights", into(spec.partition_weights)},
               {"partition_cuts", into(spec.partition_cuts)},
               {"partition_window_s", into(spec.partition_window_s)},
               {"time", into(spec.time)},
               {"models", models},
               {"id", into(spec.id)},
               {"label_ttl_rows", into(spec.label_ttl_rows)},
               {"label_ttl_s", into(spec.label_ttl_s)},
               {"dimension", into(spec.dimension)}});
  return spec;
}

std::string to_json(const wire::StreamSpec& spec) { return json_of(spec).dump(); }

wire::StreamSpec spec_from_json(const std::string& text) {
  wire::StreamSpec spec;
  try {
    spec = spec_of(Json::parse(text));
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("a stream's specification cannot be read: ") + error.what());
  }
  if (const std::string problem = problem_with(spec); !problem.empty()) {
    throw std::runtime_error("a stream's specification cannot be used: " + problem);
  }
  return spec;
}

}  // namespace accrue::daemon
