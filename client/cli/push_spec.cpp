#include "client/cli/push_spec.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "client/cli/output.hpp"

namespace accrue::cli {
namespace {

constexpr const char* kWeightColumn = "weight";  // of an existing stream, unless --weight names another

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Roles roles_of(const FileOptions& options, const std::vector<std::string>& columns,
               const std::optional<std::string>& key) {
  std::vector<std::string> others;
  for (const std::string& column : columns) {
    if (column != options.weight && column != key) others.push_back(column);
  }
  if (!options.target && others.empty()) throw std::runtime_error(options.file + ": no column is left for the target");
  Roles roles{.features = options.features, .target = options.target ? *options.target : others.back()};
  if (roles.features.empty()) {
    std::copy_if(others.begin(), others.end(), std::back_inserter(roles.features),
                 [&](const std::string& column) { return column != roles.target; });
  }
  return roles;
}

StreamSpec new_spec(const PushOptions& options, const std::vector<std::string>& columns) {
  StreamSpec spec;
  spec.weighted = options.weight.has_value();
  spec.intercept = !options.no_intercept;
  spec.ridge = options.ridge.value_or(0);
  set_partitioning(spec, options.partitioning);
  Roles roles = roles_of(options, columns, options.partitioning.key);
  spec.features = std::move(roles.features);
  spec.target = std::move(roles.target);
  return spec;
}

std::string contradiction(const StreamSpec& is, const PushOptions& asked) {
  auto has = is.features;
  auto wants = asked.features;
  std::sort(has.begin(), has.end());
  std::sort(wants.begin(), wants.end());
  if (!wants.empty() && wants != has) return "--features: it has other features";
  if (asked.target && *asked.target != is.target) return "--target: it learns '" + is.target + "'";
  if (asked.weight && !is.weighted) return "--weight: it has no weights";
  if (asked.no_intercept && is.intercept) return "--no-intercept: it has one";
  if (asked.ridge && *asked.ridge != is.ridge) return "--ridge: it has " + exact(is.ridge);
  return partitioning_contradiction(is, asked.partitioning);
}

std::vector<std::string> columns_of(const StreamSpec& spec, const PushOptions& options) {
  std::vector<std::string> names = spec.features;
  names.push_back(spec.target);
  if (spec.weighted) names.push_back(options.weight.value_or(kWeightColumn));
  if (!spec.key.empty() && !contains(spec.features, spec.key)) names.push_back(spec.key);
  return names;
}

}  // namespace accrue::cli
