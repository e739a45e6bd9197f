// Learner: what learns a linear model from a stream of rows. All learners stand behind this interface and are made by
// name (learners.hpp).
//
// What every learner keeps to:
// - Test, then train: partial_fit tells what was predicted for each row before that row was learned.
// - The same rows, sights and merges in the same order give the same bits, however the calls were cut, with or without
//   an encode and decode between.
// - merge adds what another learner of the same settings has learned from other rows of the stream; its header says
//   whether that is exact, or to what tolerance.
// - Under the promise of rows.hpp every prediction is within kMaxMagnitude, every coefficient finite.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Errors: makers throw std::invalid_argument for settings that no learner can have; decode answers DecodeError, and a
// learner that could not be decoded is only good for destruction; a learner or rows of another kind are a broken
// invariant (require.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/key_state.hpp"
#include "models/require.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"
#include "models/summary.hpp"

namespace accrue::models {

/// The predictions of a learner as it was at one moment; immutable, independent of it, for any thread.
class Predictor {
 public:
  virtual ~Predictor() = default;
  /// For a row of the learner's features, behind which stands the key if the learner groups by one.
  virtual double predict(const double* x) const = 0;
  /// For several such rows, one behind the other, each `columns` numbers.
  virtual void predict_rows(const double* rows, std::size_t columns, std::span<double> predictions) const {
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      predictions[i] = predict(rows + i * columns);
    }
  }
  /// For a sparse row (rows.hpp), of a learner that takes such.
  virtual double predict_sparse(std::span<const std::uint32_t> /*columns*/, const double* /*values*/) const {
    require(false, "sparse rows are for learners that take them");
    return 0;
  }
  /// The same, knowing besides of the row's key what the learner had let go of (KeyState).
  virtual double predict_with(const double* x, const Factor& /*of_the_key*/) const { return predict(x); }
  /// The variance of a target of weight 1 about that prediction, its noise included; NaN for what does not know.
  virtual double variance(const double* /*x*/) const { return std::numeric_limits<double>::quiet_NaN(); }
  /// For several rows, as predict_rows.
  virtual void variance_rows(const double* rows, std::size_t columns, std::span<double> variances) const {
    for (std::size_t i = 0; i < variances.size(); ++i) {
      variances[i] = variance(rows + i * columns);
    }
  }
};

/// What is foretold of a row before its target is known.
struct Forecast {
  double prediction = 0;
  /// Of a target of weight 1 about the prediction, its noise included; NaN for what does not know.
  double variance = std::numeric_limits<double>::quiet_NaN();
  /// Of the conformal interval, which a Model gives; NaN for none.
  double half_width = std::numeric_limits<double>::quiet_NaN();
};

/// Where partial_fit puts what it foretells of each row: its prediction and, unless there is no room for it, its
/// variance, of a learner that knows one.
struct Forecasts {
  std::span<double> predictions;
  std::span<double> variances{};
};

class Learner {
 public:
  virtual ~Learner() = default;

  virtual std::unique_ptr<Learner> clone() const = 0;

  /// Learns the rows; foretold becomes what was foretold of each before it was learned.
  virtual void partial_fit(const RowsView& rows, const Forecasts& foretold) = 0;
  /// What partial_fit would foretell of row i if it came next. It learns nothing by it.
  virtual Forecast forecast(const RowsView& rows, std::size_t i) = 0;
  /// Whether forecasts have a variance.
  virtual bool knows_variance() const { return false; }
  /// The same of sparse rows, by a learner that takes such: they teach what the dense rows that they stand for would.
  virtual bool takes_sparse() const { return false; }
  virtual void partial_fit_sparse(const SparseRowsView& /*rows*/, std::span<double> /*predictions*/) {
    require(false, "sparse rows are for learners that take them");
  }
  /// Whether it goes by what rows have besides features, target and weight: only a stream of such rows can have it.
  virtual bool needs_time() const { return false; }
  virtual bool needs_key() const { return false; }
  /// Of a learner with a model for every key, whose number is bounded.
  virtual std::optional<KeyFigures> keys() const { return std::nullopt; }
  /// What it knew of the keys that it has evicted since this was last called. A key may come twice. It waits here and
  /// nowhere else: it is not in the state (encode), and a copy has none of it.
  virtual std::vector<KeyState> take_evicted() { return {}; }
  /// Learns all that the other learner, of the same settings, has learned. Forgets what either has seen of others.
  virtual void merge(const Learner& other) = 0;
  /// From the next row on predicts with what the learners of all other partitions had learned, merged into `others`,
  /// besides its own rows; what it saw of others before is forgotten. It learns nothing by it: what it describes,
  /// predicts (predictor) and merges stays its own. Learners whose merge is not exact may look away.
  virtual void see(const Learner& /*others*/) {}
  /// Whether see() does nothing: then nobody need hand out what it learned for others to see.
  virtual bool looks_away() const { return false; }
  /// Lets go of what was learned so far, as far as keep, from 0 (all of it) to 1 (nothing), says: each row learned then
  /// counts as much as a row of keep times its weight would.
  virtual void forget(double keep) = 0;

  /// All rows count, also those that wait for their block.
  virtual std::unique_ptr<const Predictor> predictor() const = 0;
  virtual Summary describe() const = 0;
  /// Learned, those of weight 0 included.
  virtual std::uint64_t rows() const = 0;

  /// The state alone: the settings are known to whoever decodes it, into a new learner of the same.
  virtual void encode(StateWriter& writer) const = 0;
  [[nodiscard]] virtual DecodeError decode(StateReader& reader) = 0;

 protected:
  Learner() = default;
  Learner(const Learner&) = default;
  Learner(Learner&&) = default;
  Learner& operator=(const Learner&) = default;
  Learner& operator=(Learner&&) = default;
};

}  // namespace accrue::models
