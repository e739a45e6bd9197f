#include "models/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr std::uint64_t kRowsPerBlockRow = 1024;

// To merge the factor of others in costs as much as learning columns / 8 rows alone (measured: 3 rows at 34 columns, 16
// at 130, 17 at 1026). Blocks of half as many rows keep a row's cost at three times what it is alone.
constexpr std::uint64_t kColumnsPerBlockRow = 16;

// Between columns of the pending block: not a power of two, which would put all columns into the same sets of the
// cache.
constexpr std::size_t kPendingStride = LeastSquares::kMaxBlock + 8;

std::size_t columns_of(const LeastSquaresOptions& options) {
  if (options.features < 1 || options.features > kMaxFeatures) {
    throw std::invalid_argument("a linear model has 1 to " + std::to_string(kMaxFeatures) + " features, not " +
                                std::to_string(options.features));
  }
  if (!(options.ridge >= 0 && options.ridge <= kMaxMagnitude)) {
    throw std::invalid_argument("ridge must be a number from 0 to 1e150, not " + std::to_string(options.ridge));
  }
  return options.features + (options.intercept ? 2 : 1);
}

double predict_linear(double intercept, const double* coefficients, const double* x, std::size_t features) {
  return bounded(intercept + dot(coefficients, x, features), kMaxMagnitude);
}

bool holds_factor(const StateReader& reader, std::size_t columns) {
  return reader.remaining() >= Factor::packed_size(columns) * sizeof(double);
}

[[nodiscard]] bool decode_factor(StateReader& reader, std::size_t columns, Factor& factor) {
  if (!holds_factor(reader, columns)) {
    return false;
  }
  std::vector<double> packed(Factor::packed_size(columns));
  if (!reader.get_doubles(-kMaxStateMagnitude, kMaxStateMagnitude, packed)) {
    return false;
  }
  factor = Factor(columns, std::move(packed));
  for (std::size_t k = 0; k < columns; ++k) {
    if (factor.diagonal(k) < 0) {
      return false;
    }
  }
  return true;
}

std::optional<double> if_finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

Estimate estimate(double value, std::optional<double> std_error) {
  return {value, std_error, std_error ? if_finite(value / *std_error) : std::nullopt};
}

// 1 - residuals / total, of the norms. A target that does not vary beyond rounding has no R2.
std::optional<double> r_squared(const Factor& factor, bool intercept, double residuals) {
  const std::size_t target = factor.columns() - 1;
  double total = 0;
  for (std::size_t i = intercept ? 1 : 0; i <= target; ++i) {
    total = hypotenuse(total, factor.row(i) + target, 1);
  }
  const double magnitude = intercept ? hypotenuse(total, factor.row(0) + target, 1) : total;
  if (!(total > kRankTolerance * magnitude)) {
    return std::nullopt;
  }
  const double unexplained = residuals / total;
  return if_finite(1 - unexplained * unexplained);
}

class FitPredictor final : public Predictor {
 public:
  explicit FitPredictor(Fit fit) : fit_(std::move(fit)) {}
  double predict(const double* x) const override { return fit_.predict(x); }

 private:
  Fit fit_;
};

const LeastSquares& same_kind(const Learner& learner) {
  const auto* same = dynamic_cast<const LeastSquares*>(&learner);
  require(same != nullptr, "least squares meets least squares");
  return *same;
}

}  // namespace

double Fit::predict(const double* x) const {
  return predict_linear(intercept, coefficients.data(), x, coefficients.size());
}

LeastSquares::LeastSquares(const LeastSquaresOptions& options)
    : options_(options),
      factor_(columns_of(options)),
      pending_(columns() * kPendingStride),
      scoring_(columns() - 1),
      work_(columns()),
      norms_(columns()),
      row_(columns()) {}

std::size_t LeastSquares::block_size() const {
  const std::uint64_t shortest = others_ ? columns() / kColumnsPerBlockRow : 1;
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(kMaxBlock, std::max(shortest, rows_folded() / kRowsPerBlockRow + 1)));
}

void LeastSquares::partial_fit(const RowsView& rows, std::span<double> predictions) {
  require(rows.features == options_.features, "rows have the learner's features");
  require(predictions.size() >= rows.count, "a prediction for every row");
  for (std::size_t i = 0; i < rows.count; ++i) {
    solve_for_scoring();
    predictions[i] = score(rows.row(i));
    append(rows.row(i), rows.weight(i));
    if (pending_rows_ == block_size()) {
      fold_pending();
    }
  }
}

void LeastSquares::solve_for_scoring() {
  if (scoring_is_current_) {
    return;
  }
  scoring_is_current_ = true;
  work_ = factor_;
  std::uint64_t known_rows = rows_folded();
  double known_weights = folded_weights_;
  if (others_) {
    work_.merge(others_->factor);
    known_rows += others_->rows;
    known_weights += others_->sum_weights;
  }
  if (known_rows >= 2 * scoring_.size()) {
    add_ridge(work_, {options_.ridge, options_.intercept, known_weights}, norms_);
    solve_basic(work_, norms_, scoring_);
    return;
  }
  std::fill(scoring_.begin(), scoring_.end(), 0.0);
  if (options_.intercept && work_.diagonal(0) > 0) {
    scoring_[0] = work_.row(0)[columns() - 1] / work_.diagonal(0);
  }
}

double LeastSquares::score(const double* x) const {
  return options_.intercept ? predict_linear(scoring_[0], scoring_.data() + 1, x, options_.features)
                            : predict_linear(0, scoring_.data(), x, options_.features);
}

void LeastSquares::append(const double* x, double weight) {
  const double root = std::sqrt(weight);
  double* to = pending_.data() + pending_rows_;
  if (options_.intercept) {
    *to = root;
    to += kPendingStride;
  }
  for (std::size_t k = 0; k <= options_.features; ++k) {  // the features and, right after them, the target
    to[k * kPendingStride] = root * x[k];
  }
  ++pending_rows_;
  ++rows_;
  positive_rows_ += weight > 0 ? 1 : 0;
  sum_weights_ += weight;
}

void LeastSquares::fold_pending() {
  if (pending_rows_ == 1) {
    for (std::size_t k = 0; k < columns(); ++k) {
      row_[k] = pending_[k * kPendingStride];
    }
    factor_.fold_row(row_.data());
  } else {
    factor_.fold_block(pending_.data(), pending_rows_, kPendingStride);
  }
  pending_rows_ = 0;
  folded_weights_ = sum_weights_;
  scoring_is_current_ = false;
}

Factor LeastSquares::folded() const {
  if (pending_rows_ == 0) {
    return factor_;
  }
  LeastSquares copy = *this;
  copy.fold_pending();
  return std::move(copy.factor_);
}

Factor LeastSquares::penalised(const Factor& factor) const {
  Factor result = factor;
  std::vector<double> norms(columns());
  add_ridge(result, {options_.ridge, options_.intercept, sum_weights_}, norms);
  return result;
}

void LeastSquares::merge(const Learner& from) {
  const LeastSquares& other = same_kind(from);
  require(options_ == other.options_, "merged learners have the same options");
  fold_pending();
  factor_.merge(other.folded());
  rows_ += other.rows_;
  positive_rows_ += other.positive_rows_;
  sum_weights_ += other.sum_weights_;
  folded_weights_ = sum_weights_;
  others_.reset();
}

void LeastSquares::see(const Learner& learner) {
  const LeastSquares& others = same_kind(learner);
  require(options_ == others.options_, "learners that see each other have the same options");
  others_ = {others.folded(), others.rows_, others.sum_weights_};
  scoring_is_current_ = false;
}

void LeastSquares::forget(double keep) {
  fold_pending();
  factor_.scale(std::sqrt(keep));
  sum_weights_ *= keep;
  folded_weights_ = sum_weights_;
}

std::unique_ptr<const Predictor> LeastSquares::predictor() const { return std::make_unique<FitPredictor>(fit()); }

Fit LeastSquares::fit() const {
  std::vector<double> solution = solve_least_norm(penalised(folded()));
  Fit fit{rows_, options_.intercept, 0, std::move(solution)};
  if (fit.has_intercept) {
    fit.intercept = fit.coefficients.front();
    fit.coefficients.erase(fit.coefficients.begin());
  }
  return fit;
}

Summary LeastSquares::describe() const {
  const Factor factor = folded();
  const Factor solved = penalised(factor);
  const std::vector<double> solution = solve_least_norm(solved);
  const double residuals = residual_norm(factor, solution);

  Summary summary;
  summary.rows = rows_;
  summary.rank = numerical_rank(factor);
  summary.condition = estimate_condition(factor);
  if (summary.condition) {
    summary.condition = if_finite(*summary.condition);
  }
  summary.r2 = r_squared(factor, options_.intercept, residuals);
  if (positive_rows_ > summary.rank) {
    summary.residual_std = if_finite(residuals / std::sqrt(static_cast<double>(positive_rows_ - summary.rank)));
  }

  const std::optional<std::vector<double>> precision = inverse_row_norms(solved);
  for (std::size_t j = 0; j < solution.size(); ++j) {
    std::optional<double> std_error;
    if (precision && summary.residual_std) {
      std_error = if_finite(*summary.residual_std * (*precision)[j]);
    }
    summary.coefficients.push_back(estimate(solution[j], std_error));
  }
  if (options_.intercept) {
    summary.intercept = summary.coefficients.front();
    summary.coefficients.erase(summary.coefficients.begin());
    for (std::size_t j = 1; j <= options_.features && factor.diagonal(0) > 0; ++j) {
      summary.feature_means.push_back(factor.row(0)[j] / factor.diagonal(0));
    }
  }
  return summary;
}

void LeastSquares::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  writer.put_count(positive_rows_);
  writer.put_count(pending_rows_);
  writer.put_double(sum_weights_);
  writer.put_double(folded_weights_);
  writer.put_doubles(factor_.packed());
  for (std::size_t k = 0; k < columns(); ++k) {
    writer.put_doubles(std::span(pending_).subspan(k * kPendingStride, pending_rows_));
  }
  writer.put_count(others_ ? 1 : 0);
  if (others_) {
    writer.put_count(others_->rows);
    writer.put_double(others_->sum_weights);
    writer.put_doubles(others_->factor.packed());
  }
}

DecodeError LeastSquares::decode(StateReader& reader) {
  return decode_state(reader) ? DecodeError::kNone : DecodeError::kInvalid;
}

DecodeError LeastSquares::decode_with_options(StateReader& reader, std::optional<LeastSquares>& out) {
  out.reset();
  std::uint64_t features = 0;
  std::uint64_t intercept = 0;
  double ridge = 0;
  if (!reader.get_count(features) || features < 1 || features > kMaxFeatures ||  //
      !reader.get_count(intercept) || intercept > 1 ||                           //
      !reader.get_double(0, kMaxMagnitude, ridge)) {
    return DecodeError::kInvalid;
  }
  const LeastSquaresOptions options{static_cast<std::size_t>(features), intercept == 1, ridge};
  if (!holds_factor(reader, columns_of(options))) {
    return DecodeError::kInvalid;
  }
  LeastSquares learner(options);
  if (!learner.decode_state(reader)) {
    return DecodeError::kInvalid;
  }
  out = std::move(learner);
  return DecodeError::kNone;
}

bool LeastSquares::decode_state(StateReader& reader) {
  std::uint64_t pending_rows = 0;
  if (!reader.get_count(rows_) || !reader.get_count(positive_rows_) || !reader.get_count(pending_rows) ||
      !reader.get_double(0, kMaxStateMagnitude, sum_weights_) || !reader.get_double(0, sum_weights_, folded_weights_)) {
    return false;
  }
  if (positive_rows_ > rows_ || pending_rows > rows_ || pending_rows >= kMaxBlock) {
    return false;
  }
  pending_rows_ = static_cast<std::size_t>(pending_rows);
  if ((pending_rows_ == 0 && folded_weights_ != sum_weights_) || !decode_factor(reader, columns(), factor_)) {
    return false;
  }
  for (std::size_t k = 0; k < columns(); ++k) {
    const std::span<double> column = std::span(pending_).subspan(k * kPendingStride, pending_rows_);
    if (!reader.get_doubles(-kMaxStateMagnitude, kMaxStateMagnitude, column)) {
      return false;
    }
  }
  bool has_others = reader.version() == kStateVersionWithOthers;
  if (reader.version() == kStateVersion && !reader.get_flag(has_others)) {
    return false;
  }
  if (has_others) {
    Others others{Factor(0), 0, 0};
    if (!reader.get_count(others.rows) || !reader.get_double(0, kMaxStateMagnitude, others.sum_weights) ||
        !decode_factor(reader, columns(), others.factor)) {
      return false;
    }
    others_ = std::move(others);
  }
  return pending_rows_ < block_size();
}

std::unique_ptr<Learner> make_least_squares(std::size_t features, Settings& settings) {
  LeastSquaresOptions options{.features = features};
  options.intercept = settings.flag("intercept", options.intercept);
  options.ridge = settings.number("ridge", options.ridge, 0, kMaxMagnitude);
  return std::make_unique<LeastSquares>(options);
}

}  // namespace accrue::models
