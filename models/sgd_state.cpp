// What Sgd does to the whole of its state: merge, forget, hand it out, write and read it.
#include <algorithm>
#include <utility>

#include "models/require.hpp"
#include "models/sgd.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr std::uint64_t kNumbersACoordinate = 7;

// What means and variances of numbers within kMaxMagnitude can come to, with room for rounding.
constexpr double kMaxMean = 4 * kMaxMagnitude;
constexpr double kMaxVariance = kMaxMean * kMaxMean;

// Moves a mean and a variance to those of more values, which have this share of all.
void merge_moments(double& mean, double& variance, double other_mean, double other_variance, double share) {
  const double distance = other_mean - mean;
  mean += share * distance;
  variance += share * (other_variance - variance) + share * (1 - share) * distance * distance;
}

double share_of(double part, double rest) { return part > 0 ? part / (part + rest) : 0; }

class LinePredictor final : public Predictor {
 public:
  LinePredictor(double intercept, std::vector<double> coefficients)
      : intercept_(intercept), coefficients_(std::move(coefficients)) {}

  double predict(const double* x) const override {
    return bounded(intercept_ + dot(coefficients_.data(), x, coefficients_.size()), kMaxMagnitude);
  }
  double predict_sparse(std::span<const std::uint32_t> columns, const double* values) const override {
    double sum = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
      sum += coefficients_[columns[k]] * values[k];
    }
    return bounded(intercept_ + sum, kMaxMagnitude);
  }

 private:
  double intercept_;
  std::vector<double> coefficients_;
};

}  // namespace

void Sgd::apply_penalties() {
  const StepSize size = step_size();
  coordinates_.for_each([&](std::size_t, Coordinate& coordinate) {
    coordinate.coefficient = penalised(coordinate, size);
    coordinate.penalised_at = taught_;
  });
}

void Sgd::find_dense() {
  dense_.clear();
  coordinates_.for_each([&](std::size_t column, const Coordinate& coordinate) {
    if (is_dense(coordinate)) {
      dense_.push_back(static_cast<std::uint32_t>(column));
    }
  });
}

// In the features' units, with no penalty due.
double Sgd::slope_of(const Coordinate& coordinate) const {
  return bounded(penalised(coordinate, step_size()) * coordinate.inverse_scale, kMaxStateMagnitude);
}

void Sgd::merge(const Learner& learner) {
  const auto* same = dynamic_cast<const Sgd*>(&learner);
  require(same != nullptr && options_ == same->options_, "merged learners are of one kind and have the same options");
  const Sgd& other = *same;
  const Sgd before = *this;
  const double share = share_of(other.recent_rows_, recent_rows_);
  rows_ += other.rows_;
  taught_ += other.taught_;
  recent_rows_ += other.recent_rows_;
  intercept_squared_slopes_ = std::min(intercept_squared_slopes_ + other.intercept_squared_slopes_, kMaxSquares);
  merge_moments(target_mean_, target_variance_, other.target_mean_, other.target_variance_, share);
  squared_norm_ += share * (other.squared_norm_ - squared_norm_);

  other.coordinates_.for_each([&](std::size_t column, const Coordinate& from) {
    Coordinate& to = coordinates_.at(column);
    const double part = share_of(from.rows, to.rows);
    merge_moments(to.mean, to.variance, from.mean, from.variance, part);
    to.squared_slopes = std::min(to.squared_slopes + from.squared_slopes, kMaxSquares);
    to.rows += from.rows;
  });
  // The mean of the outputs at the centres is the output at the mean of the centres.
  double intercept = before.intercept_ + share * (other.intercept_ - before.intercept_);
  coordinates_.for_each([&](std::size_t column, Coordinate& to) {
    const Coordinate& own = before.coordinates_.get(column);
    const Coordinate& from = other.coordinates_.get(column);
    const double slope = before.slope_of(own);
    const double merged = slope + share_of(from.rows, own.rows) * (other.slope_of(from) - slope);
    set_scale(to, is_dense(to));
    to.coefficient = to.inverse_scale > 0 ? bounded(merged / to.inverse_scale, kMaxMagnitude) : 0;
    to.penalised_at = taught_;
    intercept += merged * (to.centre - (own.centre + share * (from.centre - own.centre)));
  });
  intercept_ = bounded(intercept, kMaxMagnitude);
  find_dense();
}

void Sgd::forget(double keep) {
  if (keep == 0) {
    const std::uint64_t rows = rows_;
    *this = Sgd(options_);
    rows_ = rows;
    return;
  }
  apply_penalties();
  recent_rows_ *= keep;
  intercept_squared_slopes_ *= keep;
  coordinates_.for_each([&](std::size_t, Coordinate& coordinate) {
    coordinate.rows *= keep;
    coordinate.squared_slopes *= keep;
    rescale(coordinate, is_dense(coordinate));
    if (!coordinate.touched()) {
      coordinate = {};
    }
  });
  find_dense();
}

double Sgd::intercept_at_zero() const {
  double intercept = intercept_;
  coordinates_.for_each(
      [&](std::size_t, const Coordinate& coordinate) { intercept -= slope_of(coordinate) * coordinate.centre; });
  return bounded(intercept, kMaxMagnitude);
}

std::vector<double> Sgd::slopes() const {
  std::vector<double> slopes(options_.features);
  coordinates_.for_each(
      [&](std::size_t column, const Coordinate& coordinate) { slopes[column] = slope_of(coordinate); });
  return slopes;
}

std::unique_ptr<const Predictor> Sgd::predictor() const {
  return std::make_unique<LinePredictor>(intercept_at_zero(), slopes());
}

Summary Sgd::describe() const {
  Summary summary;
  summary.rows = rows_;
  if (options_.intercept) {
    summary.intercept = Estimate{intercept_at_zero(), std::nullopt, std::nullopt};
  }
  if (options_.features <= kMaxFeatures) {
    for (const double slope : slopes()) {
      summary.coefficients.push_back({slope, std::nullopt, std::nullopt});
    }
    return summary;
  }
  coordinates_.for_each([&](std::size_t column, const Coordinate& coordinate) {
    if (const double slope = slope_of(coordinate); slope != 0) {
      summary.columns.push_back(static_cast<std::uint32_t>(column));
      summary.coefficients.push_back({slope, std::nullopt, std::nullopt});
    }
  });
  return summary;
}

void Sgd::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  writer.put_count(taught_);
  writer.put_double(recent_rows_);
  writer.put_double(intercept_);
  writer.put_double(intercept_squared_slopes_);
  writer.put_double(target_mean_);
  writer.put_double(target_variance_);
  writer.put_double(squared_norm_);
  std::uint64_t touched = 0;
  coordinates_.for_each([&](std::size_t, const Coordinate&) { ++touched; });
  writer.put_count(touched);
  coordinates_.for_each([&](std::size_t column, const Coordinate& coordinate) {
    writer.put_count(column);
    writer.put_double(coordinate.coefficient);
    writer.put_double(coordinate.squared_slopes);
    writer.put_double(coordinate.mean);
    writer.put_double(coordinate.variance);
    writer.put_double(coordinate.rows);
    writer.put_count(coordinate.penalised_at);
  });
}

DecodeError Sgd::decode(StateReader& reader) {
  *this = Sgd(options_);
  return decode_state(reader) ? DecodeError::kNone : DecodeError::kInvalid;
}

bool Sgd::decode_state(StateReader& reader) {
  std::uint64_t touched = 0;
  if (!reader.get_count(rows_) || !reader.get_count_up_to(rows_, taught_) ||
      !reader.get_double(0, kMaxStateMagnitude, recent_rows_) ||
      !reader.get_double(-kMaxMagnitude, kMaxMagnitude, intercept_) ||
      !reader.get_double(0, kMaxSquares, intercept_squared_slopes_) ||
      !reader.get_double(-kMaxMean, kMaxMean, target_mean_) || !reader.get_double(0, kMaxVariance, target_variance_) ||
      !reader.get_double(0, 2 * kMaxSquares, squared_norm_) || !reader.get_count_up_to(options_.features, touched) ||
      !reader.holds(touched * kNumbersACoordinate)) {
    return false;
  }
  std::uint64_t next_column = 0;
  for (std::uint64_t i = 0; i < touched; ++i) {
    if (!decode_coordinate(reader, next_column)) {
      return false;
    }
  }
  find_dense();
  return true;
}

bool Sgd::decode_coordinate(StateReader& reader, std::uint64_t& next_column) {
  std::uint64_t column = 0;
  if (!reader.get_count_up_to(options_.features - 1, column) || column < next_column) {
    return false;
  }
  next_column = column + 1;
  Coordinate& coordinate = coordinates_.at(static_cast<std::size_t>(column));
  if (!reader.get_double(-kMaxMagnitude, kMaxMagnitude, coordinate.coefficient) ||
      !reader.get_double(0, kMaxSquares, coordinate.squared_slopes) ||
      !reader.get_double(-kMaxMean, kMaxMean, coordinate.mean) ||
      !reader.get_double(0, kMaxVariance, coordinate.variance) ||
      !reader.get_double(0, recent_rows_, coordinate.rows) ||
      !reader.get_count_up_to(taught_, coordinate.penalised_at)) {
    return false;
  }
  set_scale(coordinate, is_dense(coordinate));
  return coordinate.touched();
}

}  // namespace accrue::models
