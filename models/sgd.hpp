// Sgd: a linear model that learns each row by one step along the row's gradient, at a cost that grows with the row's
// non-zero features alone. The learners sgd, quantile (sgd of the pinball loss) and passive_aggressive (steps of
// another length) are this class with other options.
//
// Nothing has to be scaled or tuned. Features are standardised online: scaled by their spread, and centred when they
// are dense, which is when at least half of the rows have them (of the others the mean is under half of the mean
// square, so that centring would gain little). As statistics move, the coefficients of the standardised features stay
// and the intercept follows the centres. Steps are adaptive: every coefficient has its own, which shrinks as the slopes
// add up; it is in units of the targets' standard deviation, and shared among the non-zero features. A row's step
// follows its loss in closed form (loss.hpp), so that no weight and no outlier overshoots and no learning rate
// diverges. The intercept starts at the first target. l1 and l2 penalise the standardised coefficients, never the
// intercept, once a row; what a feature missed while it was zero is made up for when it is next looked at. A row of
// weight 0 is counted and otherwise ignored. Statistics of features and targets count rows, not weights.
//
// merge is not exact: coefficients are averaged in the units of the features, weighted by the rows that had the
// feature, the outputs at the centres by rows; what steps adapt to is added up. On a steady linear stream of 100,000
// rows the mean squared error of four merged partitions is within 1% of the whole's (sgd_state_test.cpp). see looks
// away. forget makes the steps longer again and leaves the coefficients; forget(0) leaves only the count of rows.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Shapes: rows have options.features features, dense or sparse; both teach the same, bit for bit.
// Costs: O(non-zeros) a row, amortised (a dense feature takes part in the rows that lack it); memory of 64 bytes a
// feature seen; merge, encode, predictor O(features seen).
// Numbers: under the promise of rows.hpp all predictions and standardised coefficients are within kMaxMagnitude, all
// coefficients finite. A feature whose spread is below 1e-150, or 1e-10 of its mean, counts as constant.
// Errors: the constructor throws std::invalid_argument; decode answers DecodeError; a view or learner of another shape
// is a broken invariant (require.hpp).
// Sources: Ross, Mineiro and Langford, "Normalized online learning", UAI 2013 (steps whatever the scale); Duchi, Hazan
// and Singer, "Adaptive subgradient methods", JMLR 12 (2011); Duchi and Singer, "Efficient online and batch learning
// using forward backward splitting", JMLR 10 (2009) (penalties); Crammer, Dekel, Keshet, Shalev-Shwartz and Singer,
// "Online passive-aggressive algorithms", JMLR 7 (2006); Chan, Golub and LeVeque (1979) (merging means and variances);
// Mann, McDonald, Mohri, Silberman and Walker, "Efficient large-scale distributed training of conditional maximum
// entropy models", NIPS 2009 (averaging the coefficients of partitions).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/coordinates.hpp"
#include "models/learner.hpp"
#include "models/loss.hpp"
#include "models/settings.hpp"

namespace accrue::models {

/// How far a row moves the model.
enum class Steps {
  kAdaptive,
  // The least change of the coefficients that brings the row's loss (epsilon-insensitive) to zero ...
  kPassiveAggressive,
  kPassiveAggressive1,  // ... but for at most so much of a change,
  kPassiveAggressive2,  // ... or weighed against the square of the loss that is left.
};

struct SgdOptions {
  std::size_t features;  // 1 to kMaxWideFeatures
  bool intercept = true;
  bool standardise = true;  // otherwise features are taken as they are; without an intercept they are only scaled
  Loss loss = {};
  Steps steps = Steps::kAdaptive;
  double learning_rate = 1;      // of adaptive steps
  double aggressiveness = 0.03;  // C of the paper; of kPassiveAggressive1 in standard deviations of the targets
  double l1 = 0;
  double l2 = 0;

  bool operator==(const SgdOptions&) const = default;
};

class Sgd final : public Learner {
 public:
  explicit Sgd(const SgdOptions& options);

  std::unique_ptr<Learner> clone() const override { return std::make_unique<Sgd>(*this); }

  void partial_fit(const RowsView& rows, const Forecasts& foretold) override;
  Forecast forecast(const RowsView& rows, std::size_t i) override;
  bool takes_sparse() const override { return true; }
  void partial_fit_sparse(const SparseRowsView& rows, std::span<double> predictions) override;
  void merge(const Learner& other) override;
  bool looks_away() const override { return true; }
  void forget(double keep) override;
  std::unique_ptr<const Predictor> predictor() const override;
  /// In the units of the features. Of more than kMaxFeatures it has those that are not zero, and their columns.
  Summary describe() const override;
  std::uint64_t rows() const override { return rows_; }
  const SgdOptions& options() const { return options_; }

  void encode(StateWriter& writer) const override;
  [[nodiscard]] DecodeError decode(StateReader& reader) override;

 private:
  // A feature that takes part in a row: it is not zero, or it is dense.
  struct Active {
    Coordinate* coordinate;
    double x;
    std::uint32_t column;
    bool dense;
  };

  // The length of an adaptive step is the first over the root of the coefficient's squared slopes, and 0 while these
  // are too small to divide by.
  struct StepSize {
    double at_unit_slopes;
    double least_squared_slopes;
  };

  // Sums of squares stop here, so that whatever is divided by their root stays finite.
  static constexpr double kMaxSquares = 1e300;

  bool is_dense(const Coordinate& coordinate) const {
    return options_.standardise && options_.intercept && 2 * coordinate.rows >= recent_rows_;
  }
  void set_scale(Coordinate& coordinate, bool dense) const;
  void rescale(Coordinate& coordinate, bool dense);
  void find_dense();

  double target_spread() const;
  StepSize step_size() const;
  double step_length(double squared_slopes, const StepSize& size) const;
  double penalised(const Coordinate& coordinate, const StepSize& size) const;
  void apply_penalties();

  template <class ColumnOf>
  void activate(std::size_t count, ColumnOf column_of, const double* values);
  double learn(double target, double weight);
  double predict_active();
  double output_of_active() const;
  void observe_target(double target);
  void observe_features();
  void step(double target, double weight);
  double travel(double prediction, double target, double weight, double pull) const;
  void move(double along, double intercept_pull);
  void sort_dense();

  double slope_of(const Coordinate& coordinate) const;
  double intercept_at_zero() const;
  std::vector<double> slopes() const;
  [[nodiscard]] bool decode_state(StateReader& reader);
  [[nodiscard]] bool decode_coordinate(StateReader& reader, std::uint64_t& next_column);

  SgdOptions options_;
  std::uint64_t rows_ = 0;
  std::uint64_t taught_ = 0;  // rows of positive weight
  double recent_rows_ = 0;    // of these, less what was forgotten
  double intercept_ = 0;      // the prediction where every z is 0
  double intercept_squared_slopes_ = 0;
  double target_mean_ = 0;
  double target_variance_ = 0;
  double squared_norm_ = 0;  // of a row's z and intercept, in the mean
  Coordinates coordinates_;
  std::vector<std::uint32_t> dense_;  // the columns of dense features: follows from the coordinates

  // Scratch, without meaning between rows. What takes part in a row stands in the order of the columns.
  std::vector<Active> active_;
  std::vector<double> z_;
  std::vector<double> active_coefficients_;
  std::vector<double> pulls_;  // z by the length of a step for a unit of slope
};

/// The settings loss, huber_delta, epsilon, quantile, learning_rate, l1, l2, intercept, standardise.
std::unique_ptr<Learner> make_sgd(std::size_t features, Settings& settings);
/// The settings variant, C, epsilon, intercept, standardise.
std::unique_ptr<Learner> make_passive_aggressive(std::size_t features, Settings& settings);
/// The settings quantile, learning_rate, l1, l2, intercept, standardise.
std::unique_ptr<Learner> make_quantile(std::size_t features, Settings& settings);

}  // namespace accrue::models
