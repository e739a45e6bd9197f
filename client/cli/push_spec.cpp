#include "client/cli/push_spec.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "client/cli/model_spec.hpp"
#include "client/cli/output.hpp"

namespace accrue::cli {
namespace {

constexpr const char* kSparseLearner = "sgd";    // of a new stream of sparse rows, unless --learner says otherwise
constexpr const char* kWeightColumn = "weight";  // of an existing stream, unless --weight names another

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// None where the options do not ask for a model but for the default one.
std::vector<ModelSpec> models_of(const PushOptions& options, bool sparse) {
  if (!options.model.learner && options.model.settings.empty()) return {};
  const std::string learner = options.model.learner.value_or(sparse ? kSparseLearner : ModelSpec().learner);
  ModelSpec model = model_spec(learner, options.model);
  model.learner = learner;
  if (options.no_intercept) model.settings.push_back({.key = "intercept", .value = "false"});
  if (options.ridge) model.settings.push_back({.key = "ridge", .value = exact(*options.ridge)});
  return {model};
}

// The models of a new stream and its partitions.
void set_learning(StreamSpec& spec, const PushOptions& options) {
  spec.intercept = !options.no_intercept;
  spec.ridge = options.ridge.value_or(0);
  spec.models = models_of(options, options.dimension.has_value());
  if (!spec.models.empty()) {  // which then have them
    spec.intercept = true;
    spec.ridge = 0;
  }
  set_partitioning(spec, options.partitioning);
}

}  // namespace

StreamSpec spec_of_columns(const FileOptions& options, const std::string& key,
                           const std::vector<std::string>& columns) {
  StreamSpec spec;
  spec.features = options.features;
  spec.weighted = options.weight.has_value();
  spec.key = key;
  spec.time = options.time.value_or("");
  std::vector<std::string> others;
  for (const std::string& column : columns) {
    const bool has_its_use = column == options.weight || column == key || column == options.time;
    if (!has_its_use) others.push_back(column);
  }
  if (!options.target && others.empty()) throw std::runtime_error(options.file + ": no column is left for the target");
  spec.target = options.target ? *options.target : others.back();
  if (spec.features.empty()) {
    std::copy_if(others.begin(), others.end(), std::back_inserter(spec.features),
                 [&](const std::string& column) { return column != spec.target; });
  }
  return spec;
}

StreamSpec new_spec(const PushOptions& options, const std::vector<std::string>& columns) {
  std::vector<std::string> others = columns;
  if (options.id) std::erase(others, *options.id);
  StreamSpec spec = spec_of_columns(options, options.partitioning.key.value_or(""), others);
  spec.id = options.id.value_or("");
  spec.label_ttl_rows = options.label_ttl_rows.value_or(spec.label_ttl_rows);
  spec.label_ttl_s = options.label_ttl_s.value_or(spec.label_ttl_s);
  set_learning(spec, options);
  return spec;
}

StreamSpec new_sparse_spec(const PushOptions& options) {
  StreamSpec spec;
  spec.dimension = options.dimension.value();
  set_learning(spec, options);
  return spec;
}

std::string option_of_columns(const PushOptions& options) {
  if (options.target) return "--target";
  if (!options.features.empty()) return "--features";
  if (options.weight) return "--weight";
  if (options.time) return "--time";
  if (options.id) return "--id";
  if (options.label_ttl_rows) return "--label-ttl-rows";
  if (options.label_ttl_s) return "--label-ttl";
  return options.partitioning.key ? "--key" : "";
}

std::string contradiction(const StreamSpec& is, const PushOptions& asked) {
  if (asked.dimension && *asked.dimension != is.dimension) {
    return "--dimension: it has " +
           (is.dimension == 0 ? "features with names" : "dimension " + std::to_string(is.dimension));
  }
  auto has = is.features;
  auto wants = asked.features;
  std::sort(has.begin(), has.end());
  std::sort(wants.begin(), wants.end());
  if (!wants.empty() && wants != has) return "--features: it has other features";
  if (asked.target && *asked.target != is.target) return "--target: it learns '" + is.target + "'";
  if (asked.weight && !is.weighted) return "--weight: it has no weights";
  if (asked.time && *asked.time != is.time) {
    return is.time.empty() ? "--time: it has no event time" : "--time: its event time is '" + is.time + "'";
  }
  if (asked.id && *asked.id != is.id) return is.id.empty() ? "--id: it has no id" : "--id: its id is '" + is.id + "'";
  if (asked.label_ttl_rows && *asked.label_ttl_rows != is.label_ttl_rows) {
    return "--label-ttl-rows: it has " + std::to_string(is.label_ttl_rows);
  }
  if (asked.label_ttl_s && *asked.label_ttl_s != is.label_ttl_s) return "--label-ttl: it has " + exact(is.label_ttl_s);
  if (const auto models = models_of(asked, is.dimension > 0); !models.empty()) {
    if (models == is.models) return partitioning_contradiction(is, asked.partitioning);
    return "--learner or --set: it was created with other models, and accrue model add gives it more";
  }
  if (asked.no_intercept && is.intercept) return "--no-intercept: it has one";
  if (asked.ridge && *asked.ridge != is.ridge) return "--ridge: it has " + exact(is.ridge);
  return partitioning_contradiction(is, asked.partitioning);
}

std::vector<std::string> columns_of(const StreamSpec& spec, const FileOptions& options) {
  std::vector<std::string> names = spec.features;
  names.push_back(spec.target);
  if (spec.weighted) names.push_back(options.weight.value_or(kWeightColumn));
  if (!spec.key.empty() && !contains(spec.features, spec.key)) names.push_back(spec.key);
  if (!spec.time.empty() && spec.time != spec.key && !contains(spec.features, spec.time)) names.push_back(spec.time);
  if (!spec.id.empty()) names.push_back(spec.id);
  return names;
}

}  // namespace accrue::cli
