// LeastSquares: exact linear regression, learned from a stream of rows.
//
// After any number of rows, merges and restorations, fit() is the weighted least-squares fit (with ridge when asked) of
// all rows learned, to rounding. Test-then-train: partial_fit tells what the learner predicted for each row before
// learning it.
//
// Rows are folded into the factor in blocks, cut at fixed counts of this learner's own rows: a block holds 1/1024 of
// the rows folded before it, at least 1 and at most kMaxBlock, so that predictions are never staler than 0.1% of the
// rows held. The state is the factor and the rows of the unfinished block, and nothing that depends on how the calls
// were cut: the same rows in the same order give the same bits, in one call or many, with or without an encode and
// decode between.
//
// Predictions in partial_fit come from the factor at the start of the block: while it holds fewer than two rows for
// each coefficient, the weighted mean of the targets (0 when there is none, or no intercept), as least squares is not
// yet to be trusted; then the least-squares solution, in which a column that depends on those before it is left out.
//
// A learner that has part of a stream's rows may see() what the others had learned at some moment. It then predicts
// from the merge of their factor and its own, as one learner of all these rows would; it keeps the two apart, so that
// to merge all parts still counts every row once. Blocks are then of columns / 16 rows at least, as a merge precedes
// the predictions of each. A moment that others are seen at is part of the order of the rows: the same rows and sights
// in the same order give the same bits.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Shapes: a row has options.features features; d below is that number plus the intercept and the target.
// Costs: learning O(d^2) a row, and O(d^3) more for each block once others are seen; merge, see, fit O(d^3) worst case,
// O(d^2) for a fit of independent columns without ridge and nothing pending; summary O(d^3). partial_fit
// does not allocate.
// Numbers: under the promise of rows.hpp all predictions are within kMaxMagnitude, all coefficients finite.
// Errors: the constructor throws std::invalid_argument; decode answers DecodeError; a view or learner of another shape
// is a broken invariant (require.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/factor.hpp"
#include "models/learner.hpp"
#include "models/settings.hpp"
#include "models/solve.hpp"

namespace accrue::models {

struct LeastSquaresOptions {
  std::size_t features;   // 1 to kMaxFeatures
  bool intercept = true;  // a constant term, never penalised
  double ridge = 0;  // alpha in solve.hpp's definition: >= 0, in rows; applied when solving, the state is free of it

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

class LeastSquares final : public Learner {
 public:
  static constexpr std::size_t kMaxBlock = 256;

  explicit LeastSquares(const LeastSquaresOptions& options);

  std::unique_ptr<Learner> clone() const override { return std::make_unique<LeastSquares>(*this); }

  void partial_fit(const RowsView& rows, std::span<double> predictions) override;
  void merge(const Learner& other) override;
  void see(const Learner& others) override;
  void forget(double keep) override;
  std::unique_ptr<const Predictor> predictor() const override;
  Summary describe() const override;
  /// The exact solution over all rows, those of the unfinished block included. All zeros before the first row.
  Fit fit() const;

  const LeastSquaresOptions& options() const { return options_; }
  std::uint64_t rows() const override { return rows_; }
  double sum_weights() const { return sum_weights_; }
  bool sees_others() const { return others_.has_value(); }

  void encode(StateWriter& writer) const override;
  [[nodiscard]] DecodeError decode(StateReader& reader) override;
  /// Of a state of version 1 or 2, in which the options stand before the learner's numbers.
  [[nodiscard]] static DecodeError decode_with_options(StateReader& reader, std::optional<LeastSquares>& out);

 private:
  // What others had learned when they were last seen.
  struct Others {
    Factor factor;
    std::uint64_t rows;
    double sum_weights;
  };

  std::size_t columns() const { return factor_.columns(); }
  std::uint64_t rows_folded() const { return rows_ - pending_rows_; }
  std::size_t block_size() const;
  void solve_for_scoring();
  double score(const double* x) const;
  void append(const double* x, double weight);
  void fold_pending();
  Factor folded() const;
  Factor penalised(const Factor& factor) const;
  [[nodiscard]] bool decode_state(StateReader& reader);

  LeastSquaresOptions options_;
  Factor factor_;  // of the rows [1 x y] * sqrt(w)
  std::uint64_t rows_ = 0;
  std::uint64_t positive_rows_ = 0;  // of weight > 0
  double sum_weights_ = 0;
  double folded_weights_ = 0;     // sum_weights_ when the unfinished block began
  std::vector<double> pending_;   // the unfinished block, column-major, as Factor::fold_block wants it
  std::size_t pending_rows_ = 0;  // < block_size() between calls
  std::optional<Others> others_;  // never part of what is learned
  std::vector<double> scoring_;   // coefficients, the intercept's first; a function of the factor and the others'
  bool scoring_is_current_ = false;
  Factor work_;  // scratch from here on
  std::vector<double> norms_;
  std::vector<double> row_;
};

/// Reads the settings intercept and ridge.
std::unique_ptr<Learner> make_least_squares(std::size_t features, Settings& settings);

}  // namespace accrue::models
