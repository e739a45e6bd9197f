#include "models/sgd.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kLeastSpread = 1e-150;
constexpr double kLeastRelativeSpread = 1e-10;
constexpr double kLeastDelta = 1e-100;
constexpr double kLeastQuantile = 1e-3;

void check(const SgdOptions& options) {
  if (options.features < 1 || options.features > kMaxWideFeatures) {
    throw std::invalid_argument("this learner takes 1 to " + std::to_string(kMaxWideFeatures) + " features, not " +
                                std::to_string(options.features));
  }
}

// Moves a mean and a variance to those of one value more, the rows-th.
void add_to_moments(double value, double rows, double& mean, double& variance) {
  const double deviation = value - mean;
  const double share = 1 / rows;
  mean += share * deviation;
  variance += share * (std::max(0.0, deviation * (value - mean)) - variance);
}

Loss quantile_loss(Settings& settings) {
  return {Loss::Kind::kQuantile, settings.number("quantile", 0.5, kLeastQuantile, 1 - kLeastQuantile)};
}

void read_features(Settings& settings, SgdOptions& options) {
  options.intercept = settings.flag("intercept", options.intercept);
  options.standardise = settings.flag("standardise", options.standardise);
}

void read_adaptive(Settings& settings, SgdOptions& options) {
  options.learning_rate = settings.number("learning_rate", options.learning_rate, 1e-9, 1e3);
  options.l1 = settings.number("l1", options.l1, 0, kMaxMagnitude);
  options.l2 = settings.number("l2", options.l2, 0, kMaxMagnitude);
  read_features(settings, options);
}

}  // namespace

Sgd::Sgd(const SgdOptions& options) : options_(options), coordinates_((check(options), options.features)) {}

void Sgd::partial_fit(const RowsView& rows, const Forecasts& foretold) {
  require(rows.features == options_.features, "rows have the learner's features");
  require(foretold.predictions.size() >= rows.count, "a prediction for every row");
  const auto column_of = [](std::size_t k) { return static_cast<std::uint32_t>(k); };
  for (std::size_t i = 0; i < rows.count; ++i) {
    activate(options_.features, column_of, rows.row(i));
    foretold.predictions[i] = learn(rows.target(i), rows.weight(i));
  }
}

Forecast Sgd::forecast(const RowsView& rows, std::size_t i) {
  activate(
      options_.features, [](std::size_t k) { return static_cast<std::uint32_t>(k); }, rows.row(i));
  return {.prediction = predict_active()};
}

void Sgd::partial_fit_sparse(const SparseRowsView& rows, std::span<double> predictions) {
  require(rows.features == options_.features, "rows have the learner's features");
  require(predictions.size() >= rows.count, "a prediction for every row");
  for (std::size_t i = 0; i < rows.count; ++i) {
    const std::span<const std::uint32_t> columns = rows.row_columns(i);
    activate(
        columns.size(), [&](std::size_t k) { return columns[k]; }, rows.row_values(i));
    predictions[i] = learn(rows.target(i), rows.weight(i));
  }
}

template <class ColumnOf>
void Sgd::activate(std::size_t count, ColumnOf column_of, const double* values) {
  active_.clear();
  auto next_dense = dense_.cbegin();
  const auto add = [&](std::uint32_t column, double x, bool dense) {
    active_.push_back({&coordinates_.at(column), x, column, dense});
  };
  for (std::size_t k = 0; k < count; ++k) {
    if (values[k] == 0) {
      continue;
    }
    const std::uint32_t column = column_of(k);
    for (; next_dense != dense_.cend() && *next_dense < column; ++next_dense) {
      add(*next_dense, 0, true);
    }
    const bool dense = next_dense != dense_.cend() && *next_dense == column;
    next_dense += dense ? 1 : 0;
    add(column, values[k], dense);
  }
  for (; next_dense != dense_.cend(); ++next_dense) {
    add(*next_dense, 0, true);
  }
  z_.resize(active_.size());
  active_coefficients_.resize(active_.size());
  pulls_.resize(active_.size());
}

double Sgd::learn(double target, double weight) {
  const double prediction = predict_active();
  ++rows_;
  if (weight > 0) {
    observe_target(target);
    observe_features();
    step(target, weight);
    sort_dense();
    ++taught_;
  }
  return prediction;
}

double Sgd::predict_active() {
  const StepSize size = step_size();
  for (std::size_t k = 0; k < active_.size(); ++k) {
    const Coordinate& coordinate = *active_[k].coordinate;
    active_coefficients_[k] = penalised(coordinate, size);
    z_[k] = (active_[k].x - coordinate.centre) * coordinate.inverse_scale;
  }
  return output_of_active();
}

double Sgd::output_of_active() const {
  return bounded(intercept_ + dot(active_coefficients_.data(), z_.data(), active_.size()), kMaxMagnitude);
}

void Sgd::observe_target(double target) {
  if (recent_rows_ == 0 && options_.intercept) {
    intercept_ = target;
  }
  recent_rows_ += 1;
  add_to_moments(target, recent_rows_, target_mean_, target_variance_);
}

void Sgd::observe_features() {
  double shift = 0;
  for (std::size_t k = 0; k < active_.size(); ++k) {
    Coordinate& coordinate = *active_[k].coordinate;
    const double x = active_[k].x;
    if (x != 0) {
      coordinate.rows += 1;
      if (options_.standardise) {
        add_to_moments(x, coordinate.rows, coordinate.mean, coordinate.variance);
      }
    }
    const double centre = coordinate.centre;
    set_scale(coordinate, active_[k].dense);
    coordinate.coefficient = active_coefficients_[k];
    coordinate.penalised_at = taught_;
    shift += coordinate.coefficient * ((coordinate.centre - centre) * coordinate.inverse_scale);
    z_[k] = (x - coordinate.centre) * coordinate.inverse_scale;
  }
  intercept_ = bounded(intercept_ + shift, kMaxMagnitude);
  const double norm = dot(z_.data(), z_.data(), z_.size()) + (options_.intercept ? 1 : 0);
  squared_norm_ += (std::min(norm, kMaxSquares) - squared_norm_) / recent_rows_;
}

void Sgd::step(double target, double weight) {
  const double prediction = output_of_active();
  const double slope = options_.loss.slope(prediction, target);
  if (slope == 0) {
    return;
  }
  const StepSize size = step_size();
  for (std::size_t k = 0; k < active_.size(); ++k) {
    double& squared_slopes = active_[k].coordinate->squared_slopes;
    const double part = slope * z_[k];
    squared_slopes = std::min(squared_slopes + weight * part * part, kMaxSquares);
    pulls_[k] = step_length(squared_slopes, size) * z_[k];
  }
  double intercept_pull = 0;
  if (options_.intercept) {
    intercept_squared_slopes_ = std::min(intercept_squared_slopes_ + weight * slope * slope, kMaxSquares);
    intercept_pull = step_length(intercept_squared_slopes_, size);
  }
  const double pull = std::min(dot(pulls_.data(), z_.data(), z_.size()) + intercept_pull, kMaxSquares);
  if (pull > 0) {
    move(travel(prediction, target, weight, pull) / pull, intercept_pull);
  }
}

void Sgd::move(double along, double intercept_pull) {
  for (std::size_t k = 0; k < active_.size(); ++k) {
    active_[k].coordinate->coefficient = bounded(active_coefficients_[k] + pulls_[k] * along, kMaxMagnitude);
  }
  intercept_ = bounded(intercept_ + intercept_pull * along, kMaxMagnitude);
}

double Sgd::travel(double prediction, double target, double weight, double pull) const {
  constexpr double kAllTheWay = std::numeric_limits<double>::infinity();
  const double strength = options_.aggressiveness * weight;
  switch (options_.steps) {
    case Steps::kAdaptive: return options_.loss.travel(prediction, target, weight * pull);
    case Steps::kPassiveAggressive: return options_.loss.travel(prediction, target, kAllTheWay);
    case Steps::kPassiveAggressive1: return options_.loss.travel(prediction, target, strength * target_spread() * pull);
    case Steps::kPassiveAggressive2:
      return options_.loss.travel(prediction, target, kAllTheWay) * (pull / (pull + 0.5 / strength));
  }
  return 0;
}

double Sgd::target_spread() const {
  return std::sqrt(target_variance_ + (options_.intercept ? 0 : target_mean_ * target_mean_));
}

// Large targets take longer steps, and many features shorter ones.
Sgd::StepSize Sgd::step_size() const {
  const double size = options_.learning_rate * target_spread() / std::sqrt(squared_norm_);
  const double bounded_size = squared_norm_ > 0 ? std::min(size, kMaxMagnitude) : 0;
  return {bounded_size, std::max(1.0, bounded_size * bounded_size) / kMaxSquares};
}

double Sgd::step_length(double squared_slopes, const StepSize& size) const {
  if (options_.steps != Steps::kAdaptive) {
    return 1;
  }
  return squared_slopes > size.least_squared_slopes ? size.at_unit_slopes / std::sqrt(squared_slopes) : 0;
}

// The coefficient after the penalties of the rows since it was last looked at: the proximal step of as many steps at
// once, which ends at zero and never beyond.
double Sgd::penalised(const Coordinate& coordinate, const StepSize& size) const {
  if ((options_.l1 == 0 && options_.l2 == 0) || coordinate.coefficient == 0) {
    return coordinate.coefficient;
  }
  const double length =
      step_length(coordinate.squared_slopes, size) * static_cast<double>(taught_ - coordinate.penalised_at);
  const double left = std::max(0.0, std::abs(coordinate.coefficient) - length * options_.l1);
  return std::copysign(left / (1 + length * options_.l2), coordinate.coefficient);
}

void Sgd::set_scale(Coordinate& coordinate, bool dense) const {
  if (!options_.standardise) {
    coordinate.inverse_scale = 1;
    return;
  }
  const double squared_mean = coordinate.mean * coordinate.mean;
  double squared_spread = coordinate.variance + squared_mean;
  coordinate.centre = 0;
  if (dense) {
    const double share = coordinate.rows < recent_rows_ ? coordinate.rows / recent_rows_ : 1;
    coordinate.centre = share * coordinate.mean;
    squared_spread = share * (coordinate.variance + (1 - share) * squared_mean);
  }
  const double spread = std::sqrt(squared_spread);
  const bool varies = spread > std::max(kLeastSpread, kLeastRelativeSpread * std::abs(coordinate.mean));
  coordinate.inverse_scale = varies ? 1 / spread : 0;
}

// Changes what the coefficient is of, not what is predicted.
void Sgd::rescale(Coordinate& coordinate, bool dense) {
  const double slope = coordinate.coefficient * coordinate.inverse_scale;
  const double centre = coordinate.centre;
  set_scale(coordinate, dense);
  coordinate.coefficient = coordinate.inverse_scale > 0 ? bounded(slope / coordinate.inverse_scale, kMaxMagnitude) : 0;
  intercept_ = bounded(intercept_ + slope * (coordinate.centre - centre), kMaxMagnitude);
}

void Sgd::sort_dense() {
  dense_.clear();
  for (std::size_t k = 0; k < active_.size(); ++k) {
    const bool dense = is_dense(*active_[k].coordinate);
    if (dense != active_[k].dense) {
      rescale(*active_[k].coordinate, dense);
    }
    if (dense) {
      dense_.push_back(active_[k].column);
    }
  }
}

std::unique_ptr<Learner> make_sgd(std::size_t features, Settings& settings) {
  using enum Loss::Kind;
  SgdOptions options{.features = features};
  const std::string loss = settings.choice("loss", {"squared", "huber", "epsilon_insensitive", "quantile"});
  if (loss == "huber") {
    options.loss = {kHuber, settings.number("huber_delta", 1, kLeastDelta, kMaxMagnitude)};
  } else if (loss == "epsilon_insensitive") {
    options.loss = {kEpsilonInsensitive, settings.number("epsilon", 0, 0, kMaxMagnitude)};
  } else if (loss == "quantile") {
    options.loss = quantile_loss(settings);
  }
  read_adaptive(settings, options);
  return std::make_unique<Sgd>(options);
}

std::unique_ptr<Learner> make_quantile(std::size_t features, Settings& settings) {
  SgdOptions options{.features = features, .loss = quantile_loss(settings)};
  read_adaptive(settings, options);
  return std::make_unique<Sgd>(options);
}

std::unique_ptr<Learner> make_passive_aggressive(std::size_t features, Settings& settings) {
  SgdOptions options{.features = features};
  const std::string variant = settings.choice("variant", {"PA-I", "PA", "PA-II"});
  options.steps = variant == "PA"     ? Steps::kPassiveAggressive
                  : variant == "PA-I" ? Steps::kPassiveAggressive1
                                      : Steps::kPassiveAggressive2;
  if (variant != "PA") {
    options.aggressiveness = settings.number("C", options.aggressiveness, 1e-9, 1e9);
  }
  options.loss = {Loss::Kind::kEpsilonInsensitive, settings.number("epsilon", 0, 0, kMaxMagnitude)};
  read_features(settings, options);
  return std::make_unique<Sgd>(options);
}

}  // namespace accrue::models
