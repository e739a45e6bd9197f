#include "models/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const LeastSquaresOptions& checked(const LeastSquaresOptions& options) {
  if (options.features < 1 || options.features > kMaxFeatures) {
    throw std::invalid_argument("a linear model has 1 to " + std::to_string(kMaxFeatures) + " features, not " +
                                std::to_string(options.features));
  }
  if (!(options.ridge >= 0 && options.ridge <= kMaxMagnitude)) {
    throw std::invalid_argument("ridge must be a number from 0 to 1e150, not " + std::to_string(options.ridge));
  }
  return options;
}

std::size_t columns_of(const LeastSquaresOptions& options) {
  return checked(options).features + (options.intercept ? 2 : 1);
}

template <class Real>
const BasicLeastSquares<Real>& same_kind(const Learner& learner) {
  const auto* same = dynamic_cast<const BasicLeastSquares<Real>*>(&learner);
  require(same != nullptr, "least squares meets least squares of the same precision");
  return *same;
}

}  // namespace

template <class Real>
BasicLeastSquares<Real>::BasicLeastSquares(const LeastSquaresOptions& options)
    : options_(options),
      memory_(columns_of(options), options.forgetting),
      waiting_(options.features, options.intercept),
      known_(0) {}

template <class Real>
void BasicLeastSquares<Real>::partial_fit(const RowsView& rows, const Forecasts& foretold) {
  require(rows.features == options_.features, "rows have the learner's features");
  require(foretold.predictions.size() >= rows.count, "a prediction for every row");
  const bool wants_variances = !foretold.variances.empty();
  for (std::size_t i = 0, count = 0; i < rows.count; i += count) {
    make_known_current();
    count = rows_alike(rows, i);
    if (count == 1) {
      const Forecast forecast = foretell(rows, i, wants_variances);
      foretold.predictions[i] = forecast.prediction;
      if (wants_variances) {
        foretold.variances[i] = forecast.variance;
      }
      learn_one(rows, i);
      continue;
    }
    make_scoring_current();
    // All are foretold by one solution: as a block, where they wait.
    waiting_.append(options_.forgetting, rows, i, count);
    const RowBlock block = waiting_.last(count);
    scoring_->predict_rows(block, options_.intercept, foretold.predictions.subspan(i, count));
    if (wants_variances) {
      scoring_->variance_rows(block, options_.intercept, foretold.variances.subspan(i, count));
    }
    rows_ += count;
    fold_what_is_due();
  }
}

template <class Real>
Forecast BasicLeastSquares<Real>::forecast(const RowsView& rows, std::size_t i) {
  make_known_current();
  return foretell(rows, i, true);
}

template <class Real>
Forecast BasicLeastSquares<Real>::foretell(const RowsView& rows, std::size_t i, bool wants_variance) {
  const double* x = rows.row(i);
  if (steps_row_by_row()) {
    const auto [prediction, leverage] = steps_.foretell(known_.factor, x, 1, options_.intercept);
    if (leverage < RowSteps<Real>::kMaxLeverage) {
      return {static_cast<double>(bounded(prediction, kMaxMagnitude)),
              wants_variance ? variance_by_steps(static_cast<double>(leverage)) : kNaN};
    }
  }
  make_scoring_current();
  return {scoring_->predict(x, options_.intercept), wants_variance ? scoring_->variance(x, options_.intercept) : kNaN};
}

template <class Real>
double BasicLeastSquares<Real>::variance_by_steps(double leverage) const {
  const double kept = known_root_ * known_root_;
  Amount amount = known_.amount;
  amount.scale(1 / kept);
  const std::size_t target = columns() - 1;
  const double std = noise(known_.factor.diagonal(target) / known_root_, amount, target);
  const double variance = std * std * (1 + kept * leverage);
  return std::isfinite(variance) ? variance : kNaN;
}

// How many rows from there on, at least one, are scored with the same solution and neither forgotten nor folded apart.
template <class Real>
std::size_t BasicLeastSquares<Real>::rows_alike(const RowsView& rows, std::size_t first) const {
  const Forgetting& forgetting = options_.forgetting;
  if (forgetting.way == Forgetting::Way::kWindow) {
    return 1;
  }
  const std::size_t known_for = known_block_ - (waiting_.count() - known_waiting_);
  const std::size_t most = std::min({rows.count - first, kMaxBlock - waiting_.count(), known_for});
  if (forgetting.way == Forgetting::Way::kNever) {
    return most;
  }
  std::size_t count = 1;
  while (count < most &&
         !forgetting.is_stale(known_.clock, forgetting.clock(rows, first + count - 1), options_.rows_per_block_row)) {
    ++count;
  }
  return count;
}

template <class Real>
void BasicLeastSquares<Real>::learn_one(const RowsView& rows, std::size_t i) {
  const Forgetting& forgetting = options_.forgetting;
  const double clock = forgetting.clock(rows, i);
  const double newest = waiting_.count() > 0 ? std::max(memory_.newest(), waiting_.clock(0)) : memory_.newest();
  ++rows_;
  if (forgetting.is_gone(clock, newest)) {
    return;
  }
  if (waiting_.count() > 0 && forgetting.are_apart(waiting_.clock(0), clock)) {
    fold_waiting();
  }
  waiting_.append(forgetting, rows, i, 1);
  fold_what_is_due();
}

// After a row has come to those that wait, or several that are alike.
template <class Real>
void BasicLeastSquares<Real>::fold_what_is_due() {
  const double clock = waiting_.clock(waiting_.count() - 1);
  if (waiting_.count() == kMaxBlock) {
    fold_waiting();
  }
  if (known_is_current_ && !(clock > known_.clock && options_.forgetting.are_apart(known_.clock, clock))) {
    extend_known(waiting_.count() - 1);
  } else {
    rebuild_known();
  }
}

template <class Real>
void BasicLeastSquares<Real>::fold_waiting() {
  memory_.fold(waiting_);
  waiting_.clear();
  known_is_current_ = false;
  scoring_is_current_ = false;
}

template <class Real>
void BasicLeastSquares<Real>::size_known_block() {
  const double rows =
      std::min(known_.amount.rows / (known_root_ * known_root_) / options_.rows_per_block_row, kMaxBlock - 1.0);
  known_block_ = static_cast<std::size_t>(rows) + 1;
}

template <class Real>
void BasicLeastSquares<Real>::rebuild_known() {
  double newest = memory_.newest();
  if (others_) {
    newest = std::max(newest, others_->newest());
  }
  if (waiting_.count() > 0 && options_.forgetting.way == Forgetting::Way::kWindow) {
    newest = std::max(newest, waiting_.clock(0));
  }
  memory_.total(known_, newest);
  if (others_) {
    Evidence<Real> others(columns());
    others_->total(others, newest);
    known_.merge(options_.forgetting, others);
  }
  start_from_known();
  known_waiting_ = 0;
  known_is_current_ = true;
  for (std::size_t i = 0; i < waiting_.count(); ++i) {
    if (steps_row_by_row()) {
      foretell_waiting(i);
    }
    extend_known(i);
  }
}

template <class Real>
void BasicLeastSquares<Real>::extend_known(std::size_t row) {
  const Forgetting& forgetting = options_.forgetting;
  const double clock = waiting_.clock(row);
  const std::size_t end = row + 1;
  if (end - known_waiting_ < known_block_ && !forgetting.is_stale(known_.clock, clock, options_.rows_per_block_row)) {
    return;
  }
  if (!forgetting.is_gone(clock, known_.clock) && !step_into_known(row)) {
    known_.fold(forgetting, waiting_, known_waiting_, end);
    start_from_known();
  }
  known_waiting_ = end;
}

// After it has changed by more than a step.
template <class Real>
void BasicLeastSquares<Real>::start_from_known() {
  known_root_ = known_.root_weight(options_.forgetting);
  size_known_block();
  if (known_block_ == 1) {
    steps_.start(known_.factor);
  }
  scoring_is_current_ = false;
}

// Whether it needs no solution to foretell the next row.
template <class Real>
bool BasicLeastSquares<Real>::steps_row_by_row() const {
  return known_block_ == 1 && steps_.is_regular() && options_.ridge == 0 && options_.prior_precision == 0 &&
         known_.amount.rows >= 2 * static_cast<double>(columns() - 1) * (known_root_ * known_root_);
}

template <class Real>
typename RowSteps<Real>::Foretold BasicLeastSquares<Real>::foretell_waiting(std::size_t row) {
  return steps_.foretell(known_.factor, waiting_.column(0) + row, waiting_.stride(), options_.intercept);
}

// Takes a row of which the steps were asked last, unless that is not to be done in steps.
template <class Real>
bool BasicLeastSquares<Real>::step_into_known(std::size_t row) {
  if (!steps_row_by_row()) {
    return false;
  }
  const Forgetting& forgetting = options_.forgetting;
  const double clock = waiting_.clock(row);
  if (known_.advance(forgetting, clock)) {
    steps_.start(known_.factor);
    foretell_waiting(row);
  }
  const double root = forgetting.root_weight(clock, forgetting.epoch(known_.clock));
  const double kept = root * root;
  const double weight = kept * waiting_.weight(row);
  if (!steps_.can_fold(weight)) {
    return false;
  }
  known_.amount.add({kept, weight > 0 ? kept : 0, weight});
  steps_.fold(known_.factor, waiting_.column(options_.features)[row], weight);
  if (clock == known_.clock) {
    known_root_ = root;
  }
  size_known_block();
  scoring_is_current_ = false;
  return true;
}

template <class Real>
void BasicLeastSquares<Real>::make_known_current() {
  if (!known_is_current_) {
    rebuild_known();
  }
}

template <class Real>
void BasicLeastSquares<Real>::make_scoring_current() {
  if (!scoring_is_current_) {
    solve_for_scoring();
    scoring_is_current_ = true;
  }
}

template <class Real>
void BasicLeastSquares<Real>::solve_for_scoring() {
  if (!scoring_) {
    scoring_.emplace(columns());
  }
  Evidence<Real>& evidence = scoring_->evidence;
  std::vector<Real>& coefficients = scoring_->coefficients;
  evidence = known_;
  evidence.settle(known_root_);
  if (evidence.amount.rows >= 2 * static_cast<double>(coefficients.size()) || options_.prior_precision > 0) {
    penalise(evidence, scoring_->rms);
    scoring_->solve(coefficients);
    scoring_->noise = scoring_noise();
    return;
  }
  scoring_->noise = kNaN;
  std::fill(coefficients.begin(), coefficients.end(), Real{0});
  if (options_.intercept && evidence.factor.diagonal(0) > 0) {
    coefficients[0] = evidence.factor.row(0)[columns() - 1] / evidence.factor.diagonal(0);
  }
}

// From the penalised factor alone: its last diagonal is the norm of residuals and penalties together.
template <class Real>
double BasicLeastSquares<Real>::scoring_noise() const {
  const BasicFactor<Real>& factor = scoring_->evidence.factor;
  const Amount& amount = scoring_->evidence.amount;
  const Real together = factor.diagonal(columns() - 1);
  Real penalty = 0;
  std::size_t rank = 0;
  for (std::size_t j = 0; j < scoring_->coefficients.size(); ++j) {
    rank += factor.diagonal(j) > 0 ? 1 : 0;
    if (options_.ridge > 0 && (j > 0 || !options_.intercept)) {
      const Real share = std::sqrt(static_cast<Real>(options_.ridge / (amount.weights + options_.ridge)));
      const Real shrunk = share * scoring_->rms[j] * std::sqrt(static_cast<Real>(amount.weights));
      const Real part = shrunk * scoring_->coefficients[j];
      penalty = hypotenuse(penalty, &part, 1);
    }
  }
  const Real residual = std::sqrt(std::max(together - penalty, Real{0})) * std::sqrt(together + penalty);
  return noise(residual, amount, rank);
}

template <class Real>
double BasicLeastSquares<Real>::noise(Real residual_norm, const Amount& amount, std::size_t rank) const {
  if (options_.noise_variance > 0) {
    return std::sqrt(options_.noise_variance);
  }
  if (options_.prior_precision > 0) {
    rank = options_.intercept ? 1 : 0;  // the others' priors bring a degree of freedom each
  }
  const double freedom = amount.positive_rows - static_cast<double>(rank);
  if (!(freedom > 0)) {
    return kNaN;
  }
  return static_cast<double>(residual_norm / std::sqrt(static_cast<Real>(freedom)));
}

template <class Real>
Memory<Real> BasicLeastSquares<Real>::memory() const {
  Memory<Real> all = memory_;
  all.fold(waiting_);
  return all;
}

template <class Real>
Evidence<Real> BasicLeastSquares<Real>::evidence() const {
  Evidence<Real> all(columns());
  memory().total(all);
  all.settle(all.root_weight(options_.forgetting));
  return all;
}

template <class Real>
void BasicLeastSquares<Real>::penalise(Evidence<Real>& evidence, std::span<Real> norms) const {
  add_ridge(evidence.factor, {options_.ridge, options_.intercept, evidence.amount.weights}, norms);
  if (options_.prior_precision > 0) {
    add_prior(evidence.factor, options_.prior_precision, options_.intercept);
  }
}

template <class Real>
void BasicLeastSquares<Real>::merge(const Learner& from) {
  const BasicLeastSquares& other = same_kind<Real>(from);
  require(options_ == other.options_, "merged learners have the same options");
  fold_waiting();
  memory_.merge(other.memory());
  rows_ += other.rows_;
  others_.reset();
}

template <class Real>
void BasicLeastSquares<Real>::see(const Learner& learner) {
  const BasicLeastSquares& others = same_kind<Real>(learner);
  require(options_ == others.options_, "learners that see each other have the same options");
  others_ = others.memory();
  known_is_current_ = false;
  scoring_is_current_ = false;
}

template <class Real>
void BasicLeastSquares<Real>::forget(double keep) {
  fold_waiting();
  memory_.scale(keep);
}

template class BasicLeastSquares<double>;
template class BasicLeastSquares<long double>;

}  // namespace accrue::models
