#include "client/cli/model_spec.hpp"

#include <optional>
#include <stdexcept>

#include "models/model_set.hpp"

namespace accrue::cli {
namespace {

Json nullable(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

std::string settings_text(const ModelSpec& spec) {
  std::string text;
  for (const auto& [key, value] : spec.settings) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

}  // namespace

ModelSpec model_spec(const std::string& name, const ModelOptions& options) {
  ModelSpec spec{.name = name};
  if (options.learner) spec.learner = *options.learner;
  for (const std::string& setting : options.settings) {
    const std::size_t at = setting.find('=');
    spec.settings.push_back({.key = setting.substr(0, at), .value = setting.substr(at + 1)});
  }
  return spec;
}

std::vector<bool> may_be_empty(const StreamSpec& spec) {
  if (!spec.id.empty()) return std::vector<bool>(spec.features.size() + 1, true);
  std::vector<models::ModelSpec> specs;
  for (const ModelSpec& model : spec.models) {
    models::ModelSpec& of = specs.emplace_back(models::ModelSpec{model.name, model.learner});
    for (const auto& [key, value] : model.settings) of.settings.push_back({key, value});
  }
  if (specs.empty()) return {};
  try {
    const models::ModelSet models(spec.features.size(), specs, spec.features);
    std::vector<bool> may_be;
    for (std::size_t i = 0; i < spec.features.size(); ++i) may_be.push_back(models.takes_missing(i));
    return may_be;
  } catch (const std::invalid_argument&) {
    return {};  // models that the daemon may know; it will say so if it does not
  }
}

Report model_report(const Models& models) {
  Report report;
  report.document = Json::array();
  report.table.columns = {{"model", "model"},
                          {"champion", "champion"},
                          {"learner", "learner"},
                          {"settings", "settings"},
                          {"n", "rows"},
                          {"mse", "progressive MSE"},
                          {"mae", "progressive MAE"},
                          {"r2", "progressive R2"},
                          {"mse_clipped", "MSE, clipped"},
                          {"mae_clipped", "MAE, clipped"}};
  for (const ModelStatus& model : models.models) {
    Json settings = Json::object();
    for (const auto& [key, value] : model.spec.settings) settings[key] = value;
    report.document.push_back({{"model", model.spec.name},
                               {"champion", model.champion},
                               {"learner", model.spec.learner},
                               {"settings", settings},
                               {"n", model.rows},
                               {"mse", nullable(model.mse)},
                               {"mae", nullable(model.mae)},
                               {"r2", nullable(model.r2)},
                               {"mse_clipped", nullable(model.mse_clipped)},
                               {"mae_clipped", nullable(model.mae_clipped)}});
    report.table.rows.push_back({model.spec.name, model.champion, model.spec.learner, settings_text(model.spec),
                                 model.rows, nullable(model.mse), nullable(model.mae), nullable(model.r2),
                                 nullable(model.mse_clipped), nullable(model.mae_clipped)});
  }
  return report;
}

}  // namespace accrue::cli
