#include "daemon/epoch_figures.hpp"

#include <cstdint>
#include <string>

namespace accrue::daemon {
namespace {

ModelMetrics metrics_of(const models::Model& model) {
  const models::ProgressiveError error = model.error();
  return {model.spec().name, error.n(),  error.mse(),         error.mae(),
          error.rmse(),      error.r2(), error.mse_clipped(), error.mae_clipped()};
}

HistoryPoint point(const models::Model& model, const std::string& span, const models::ErrorMeans& error,
                   const models::Coverage& conformal, const models::Coverage& variance) {
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
          .conformal_coverage = conformal.rate(),
          .conformal_width = conformal.mean_width(),
          .model_coverage = variance.rate(),
          .model_width = variance.mean_width()};
}

void add_history(std::vector<HistoryPoint>& history, const models::Model& model, const models::Metrics& before) {
  const models::Metrics& now = model.metrics();
  const auto& [conformal, variance] = now.coverage();
  history.push_back(point(model, "lifetime", now.lifetime(), conformal, variance));
  history.push_back(point(model, "epoch", now.lifetime().since(before.lifetime()),
                          conformal.since(before.coverage().conformal), variance.since(before.coverage().variance)));
  for (const std::uint64_t rows : models::RollingError::kWindows) {
    const models::Window last = now.last(rows);
    history.push_back(
        point(model, "last_" + std::to_string(rows), last.error, last.coverage.conformal, last.coverage.variance));
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
