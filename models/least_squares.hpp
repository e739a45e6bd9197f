// LeastSquares: exact linear regression, learned from a stream of rows.
//
// After any number of rows, merges and restorations, fit() is the weighted least-squares fit (with ridge when asked) of
// all rows learned, to rounding. Test-then-train: partial_fit tells what the learner predicted for each row before
// learning it.
//
// The state is the evidence of the rows (evidence.hpp), folded in by blocks of 256 rows of this learner's own, and the
// rows that wait for their block. It depends on nothing else: the same rows in the same order give the same bits, in
// one call or many, with or without an encode and decode between. Long blocks are what keeps the digits: a factor loses
// some each time that rows are folded in, so that folding the same rows one by one costs up to one digit and a half.
//
// Predictions in partial_fit come from evidence that is kept up to date besides, in shorter blocks: 1/1024 of the rows
// that it holds, at least 1 and at most 256, and with a half life no older than it takes to forget 1/1024. So they are
// never staler than 0.1% of the rows. Blocks of one row need no solution: row_steps.hpp. While it holds fewer than two
// rows for each coefficient they are the weighted mean of the targets (0 when there is none, or no intercept), as least
// squares is not yet to be trusted; then the least-squares solution, in which a column that depends on those before it
// is left out. The variances are those of a target about the prediction, residual variance * (1 + leverage), from the
// same evidence (forecast) or from all rows (predictor).
//
// Forgetting (forgetting.hpp) by the rows' index in the stream or by event time is exact under partitioning: parts of
// the rows, learned apart with their indices and merged, are one learner of all rows. With it a row counts as much of a
// row as is left of its weight, everywhere: in the sums of squares, in sum_weights, in the rows that the degrees of
// freedom are counted from (sum of what is left, less the rank: the discount model of West and Harrison), in the two
// rows for each coefficient above. rows() and Summary::rows are all rows ever learned. Standard errors are so those of
// coefficients that may drift. A memory of fewer than two rows a coefficient stays with the mean.
// What is not excited any more fades like the rest, and its column is left out once it is down to the rounding of what
// it depends on, or to nothing: the other coefficients do not feel it.
//
// A learner that has part of a stream's rows may see() what the others had learned at some moment. It then predicts
// from the merge of their evidence and its own, as one learner of all these rows would; it keeps the two apart, so that
// to merge all parts still counts every row once. A moment that others are seen at is part of the order of the rows:
// the same rows and sights in the same order give the same bits.
//
// Real is what it calculates with: double, or with precision = "extended" long double (factor.hpp), for three more
// digits at about the cost that the README's table of learners tells. Coefficients are told in doubles.
//
// bayesian is the same learner under a prior: each coefficient but the intercept's, whose prior is flat, is 0 give or
// take 1 / sqrt(prior_precision) standard deviations of the noise. Its mean needs no two rows a coefficient. The noise
// is noise_variance or, where that is 0, estimated: residual_std is the noise's standard deviation then. Coefficients
// are posterior means, standard errors posterior standard deviations (of the t distribution's scale where estimated).
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Shapes: a row has options.features features; d below is that number plus the intercept and the target.
// Costs: learning O(d^2) a row, and O(d^3) for each 256 rows once others are seen, for each 256 rows and pane and each
// pane then live with a window, and for each block of the scoring with ridge or a prior; merge, see, fit O(d^3) worst
// case, O(d^2) for a fit of independent columns without ridge and nothing waiting; summary O(d^3); a variance O(d^2).
// partial_fit allocates nothing once its blocks have filled, without a window.
// Numbers: under the promise of rows.hpp all predictions are within kMaxMagnitude, all coefficients finite.
// Errors: the constructor throws std::invalid_argument; decode answers DecodeError; a view or learner of another shape
// is a broken invariant (require.hpp). Sources: factor.hpp, solve.hpp, row_steps.hpp; West and Harrison, Bayesian
// Forecasting and Dynamic Models, 2nd ed., 2.4 and 4.5; Gelman et al., Bayesian Data Analysis, 3rd ed., 14.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/evidence.hpp"
#include "models/factor.hpp"
#include "models/forgetting.hpp"
#include "models/learner.hpp"
#include "models/row_steps.hpp"
#include "models/settings.hpp"
#include "models/solution.hpp"

namespace accrue::models {

struct LeastSquaresOptions {
  std::size_t features;   // 1 to kMaxFeatures
  bool intercept = true;  // a constant term, never penalised
  double ridge = 0;  // alpha in solve.hpp's definition: >= 0, in rows; applied when solving, the state is free of it
  Forgetting forgetting = {};
  double prior_precision = 0;  // > 0 makes it bayesian
  double noise_variance = 0;   // 0: as estimated
  // A prediction may miss the newest rows: one in so many of those that count.
  double rows_per_block_row = 1024;

  bool operator==(const LeastSquaresOptions&) const = default;
};

/// A fitted line, independent of the learner it came from.
struct Fit {
  std::uint64_t rows = 0;  // learned, those of weight 0 included
  bool has_intercept = false;
  double intercept = 0;  // 0 without one
  std::vector<double> coefficients;

  /// The prediction for one row of coefficients.size() features, kept within +-kMaxMagnitude.
  double predict(const double* x) const;
};

template <class Real>
class BasicLeastSquares final : public Learner {
 public:
  static constexpr std::size_t kMaxBlock = WaitingRows::kMax;

  explicit BasicLeastSquares(const LeastSquaresOptions& options);

  std::unique_ptr<Learner> clone() const override { return std::make_unique<BasicLeastSquares>(*this); }

  void partial_fit(const RowsView& rows, const Forecasts& foretold) override;
  Forecast forecast(const RowsView& rows, std::size_t i) override;
  bool knows_variance() const override { return true; }
  bool needs_time() const override { return options_.forgetting.by_time; }
  void merge(const Learner& other) override;
  void see(const Learner& others) override;
  void forget(double keep) override;
  std::unique_ptr<const Predictor> predictor() const override;
  Summary describe() const override;
  /// The exact solution over all rows, those that wait included. All zeros before the first row.
  Fit fit() const;

  const LeastSquaresOptions& options() const { return options_; }
  std::uint64_t rows() const override { return rows_; }
  double sum_weights() const { return evidence().amount.weights; }
  bool sees_others() const { return others_.has_value(); }
  /// Of all rows, as of the newest.
  Evidence<Real> evidence() const;
  /// What the next row is scored with.
  const Evidence<Real>& known() {
    make_known_current();
    return known_;
  }

  void encode(StateWriter& writer) const override;
  [[nodiscard]] DecodeError decode(StateReader& reader) override;
  /// Of a state of version 1 or 2, in which the options stand before the learner's numbers. The rows that waited in it
  /// are folded in at once. In double precision only.
  [[nodiscard]] static DecodeError decode_with_options(StateReader& reader, std::optional<BasicLeastSquares>& out);

 private:
  std::size_t columns() const { return options_.features + (options_.intercept ? 2 : 1); }
  std::size_t rows_alike(const RowsView& rows, std::size_t first) const;
  void learn_one(const RowsView& rows, std::size_t i);
  void fold_what_is_due();
  void fold_waiting();
  // Of the evidence that rows are scored with: a function of the state.
  void size_known_block();
  void start_from_known();
  void rebuild_known();
  void extend_known(std::size_t row);
  void make_known_current();
  void make_scoring_current();
  void solve_for_scoring();
  bool steps_row_by_row() const;
  typename RowSteps<Real>::Foretold foretell_waiting(std::size_t row);
  bool step_into_known(std::size_t row);
  double variance_by_steps(double leverage) const;
  Forecast foretell(const RowsView& rows, std::size_t i, bool wants_variance);

  Memory<Real> memory() const;  // with the rows that wait folded in
  void penalise(Evidence<Real>& evidence, std::span<Real> norms) const;
  double noise(Real residual_norm, const Amount& amount, std::size_t rank) const;
  double scoring_noise() const;
  [[nodiscard]] bool decode_state(StateReader& reader);

  LeastSquaresOptions options_;
  std::uint64_t rows_ = 0;
  Memory<Real> memory_;
  WaitingRows waiting_;                 // fewer than kMaxBlock between calls, none apart
  std::optional<Memory<Real>> others_;  // what others had learned when last seen; never part of what is learned
  Evidence<Real> known_;                // memory, others and the first known_waiting_ waiting rows: to score with
  double known_root_ = 1;               // root_weight of what is known
  std::size_t known_waiting_ = 0;
  std::size_t known_block_ = 1;  // how many more it takes at once
  bool known_is_current_ = false;
  std::optional<Solution<Real>> scoring_;  // of what is known; none before a row is to be scored
  bool scoring_is_current_ = false;
  RowSteps<Real> steps_;  // of what is known, while it takes rows one by one
};

using LeastSquares = BasicLeastSquares<double>;

template <>
DecodeError BasicLeastSquares<double>::decode_with_options(StateReader& reader,
                                                           std::optional<BasicLeastSquares<double>>& out);

/// Reads the settings intercept, ridge, precision (double or extended) and those of forgetting.hpp.
std::unique_ptr<Learner> make_least_squares(std::size_t features, Settings& settings);

/// Reads prior_precision (1) and noise_variance in place of ridge.
std::unique_ptr<Learner> make_bayesian(std::size_t features, Settings& settings);

}  // namespace accrue::models
