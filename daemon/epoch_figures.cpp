#include "daemon/epoch_figures.hpp"

#include <cstdint>
#include <limits>
#include <string>

namespace accrue::daemon {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

ModelMetrics metrics_of(const models::Model& model) {
  const models::ProgressiveError& error = model.error();
  return {model.spec().name, error.n(),  error.mse(),         error.mae(),
          error.rmse(),      error.r2(), error.mse_clipped(), error.mae_clipped()};
}

HistoryPoint point(const models::Model& model, const std::string& span, const models::ErrorMeans& error) {
  return {.model = model.spec().name,
          .span = span,
          .n = error.n(),
          .mse = error.mse(),
          .mae = error.mae(),
          .rmse = error.rmse(),
          .r2 = error.r2(),
          .mape = error.mape(),
          .bias = error.bias(),
          .mse_clipped = error.mse_clipped(),
          .mae_clipped = error.mae_clipped(),
          .conformal_coverage = kNaN,
          .conformal_width = kNaN,
          .model_coverage = kNaN,
          .model_width = kNaN};
}

HistoryPoint point(const models::Model& model, const std::string& span, const models::ErrorMeans& error,
                   const models::Coverage& conformal, const models::Coverage& variance) {
  HistoryPoint result = point(model, span, error);
  result.conformal_coverage = conformal.rate();
  result.conformal_width = conformal.mean_width();
  result.model_coverage = variance.rate();
  result.model_width = variance.mean_width();
  return result;
}

void add_history(std::vector<HistoryPoint>& history, const models::Model& model, const models::Metrics& before) {
  const models::Metrics& now = model.metrics();
  history.push_back(point(model, "lifetime", now.lifetime(), now.conformal_coverage(), now.variance_coverage()));
  history.push_back(point(model, "epoch", now.lifetime().since(before.lifetime()),
                          now.conformal_coverage().since(before.conformal_coverage()),
                          now.variance_coverage().since(before.variance_coverage())));
  for (const std::uint64_t window : models::RollingError::kWindows) {
    history.push_back(point(model, "last_" + std::to_string(window), now.last(window)));
  }
}

}  // namespace

void add_figures(EpochRecord& record, const models::ModelSet& models, const models::ModelSet* before) {
  record.champion = models.champion().spec().name;
  for (const models::Model& model : models.models()) {
    record.metrics.push_back(metrics_of(model));
    // One of the same name that has scored more rows is another, which was dropped.
    const models::Model* same = before ? before->find(model.spec().name) : nullptr;
    const bool goes_on = same && same->spec() == model.spec() && same->error().n() <= model.error().n();
    add_history(record.history, model, goes_on ? same->metrics() : models::Metrics());
    const std::uint64_t alarms_before = goes_on ? same->drift().alarms() : 0;
    if (model.drift().alarms() > alarms_before) {
      record.events.push_back({.model = model.spec().name, .event = "drift", .row = *model.drift().last_alarm()});
    }
    const models::KeyFigures keys = model.learner().keys().value_or(models::KeyFigures{});
    if (keys.evicted == 0) continue;
    for (const models::KeyOrigin& origin : keys.origins) {
      record.beginnings.push_back({model.spec().name, origin.beginning});
    }
  }
}

}  // namespace accrue::daemon
