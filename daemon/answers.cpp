#include "daemon/answers.hpp"

#include <cmath>
#include <optional>

#include "daemon/sparse_query.hpp"

namespace accrue::daemon {
namespace {

wire::ModelSpec on_the_wire(const models::ModelSpec& spec) {
  wire::ModelSpec model{spec.name, spec.learner, {}};
  for (const auto& [key, value] : spec.settings) model.settings.push_back({key, value});
  return model;
}

std::optional<double> if_finite(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

wire::Estimate on_the_wire(const models::Estimate& estimate) {
  return {estimate.value, estimate.std_error, estimate.t};
}

wire::Coverage on_the_wire(const models::Coverage& coverage) {
  return {coverage.rows(), if_finite(coverage.rate()), if_finite(coverage.mean_width())};
}

wire::ErrorFigures on_the_wire(std::uint64_t window, const models::Window& rows) {
  const models::ErrorMeans& error = rows.error;
  return {.window = window,
          .n = error.n(),
          .mse = if_finite(error.mse()),
          .mae = if_finite(error.mae()),
          .rmse = if_finite(error.rmse()),
          .r2 = if_finite(error.r2()),
          .mape = if_finite(error.mape()),
          .bias = if_finite(error.bias()),
          .mse_clipped = if_finite(error.mse_clipped()),
          .mae_clipped = if_finite(error.mae_clipped()),
          .conformal = on_the_wire(rows.coverage.conformal),
          .variance = on_the_wire(rows.coverage.variance)};
}

std::optional<wire::LateLabels> on_the_wire(const std::optional<models::DelayedLabels>& labels) {
  if (!labels) return std::nullopt;
  return wire::LateLabels{labels->waiting(), labels->expired(), labels->unknown(), labels->repeated()};
}

}  // namespace

wire::Coef coef_of(const Snapshot& snapshot, const models::Model& model) {
  const models::Summary summary = model.describe();
  wire::Coef reply;
  reply.model = model.spec().name;
  reply.epoch = snapshot.epoch;
  reply.rows = summary.rows;
  if (summary.intercept) reply.intercept = on_the_wire(*summary.intercept);
  if (snapshot.spec.sparse()) {
    list_coefficients(summary, reply);
  } else {
    reply.names = model.feature_names();
    for (const models::Estimate& estimate : summary.coefficients) reply.coefficients.push_back(on_the_wire(estimate));
  }
  reply.residual_std = summary.residual_std;
  reply.r2 = summary.r2;
  reply.rank = static_cast<std::uint32_t>(summary.rank);
  reply.condition = summary.condition;
  return reply;
}

wire::Metrics metrics_of(const Snapshot& snapshot, const models::Model& model) {
  const models::ProgressiveError error = model.error();
  wire::Metrics reply;
  reply.model = model.spec().name;
  reply.epoch = snapshot.epoch;
  reply.rows = error.n();
  reply.mse = if_finite(error.mse());
  reply.mae = if_finite(error.mae());
  reply.rmse = if_finite(error.rmse());
  reply.r2 = if_finite(error.r2());
  reply.mse_clipped = if_finite(error.mse_clipped());
  reply.mae_clipped = if_finite(error.mae_clipped());
  reply.mape = if_finite(error.mape());
  reply.bias = if_finite(error.bias());
  for (const std::uint64_t window : models::RollingError::kWindows) {
    reply.last.push_back(on_the_wire(window, model.metrics().last(window)));
  }
  const models::Coverages coverage = model.metrics().coverage();
  reply.conformal = on_the_wire(coverage.conformal);
  reply.variance = on_the_wire(coverage.variance);
  reply.drifts = model.drift().alarms();
  reply.last_drift_row = model.drift().last_alarm();
  if (const std::optional<models::KeyFigures> keys = model.learner().keys()) {
    reply.keys = keys->held;
    reply.evicted_keys = keys->evicted;
  }
  return reply;
}

wire::Models models_of(const Snapshot& snapshot) {
  wire::Models reply{0, snapshot.epoch, {}};
  for (const models::Model& model : snapshot.models.models()) {
    const models::ProgressiveError error = model.error();
    reply.models.push_back({on_the_wire(model.spec()), &model == &snapshot.models.champion(), error.n(),
                            if_finite(error.mse()), if_finite(error.mae()), if_finite(error.r2()),
                            if_finite(error.mse_clipped()), if_finite(error.mae_clipped())});
  }
  return reply;
}

wire::StreamStatus status_of(const Snapshot& snapshot) {
  return {snapshot.stream,
          snapshot.spec,
          snapshot.epoch,
          snapshot.rows,
          if_finite(snapshot.models.champion().error().mse()),
          snapshot.rejected,
          on_the_wire(snapshot.models.labels())};
}

}  // namespace accrue::daemon
