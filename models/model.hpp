// Model: a learner made as a ModelSpec says, the transforms before it, and what is measured of its predictions; of one
// partition, or all merged.
//
// Settings of every model, beside its learner's (learners.hpp) and `transforms` (transforms.hpp):
// - clip: none, or observed: predictions are kept within the range of the targets seen so far. What is not said is as
//   the learner is best: observed for adaptive, none for the others.
// - on_drift: what to do where the progressive error has risen for good (drift.hpp). none: it is counted, and told.
//   reset: the learner begins anew with the next row. forget: all it has learned counts a hundredth from then on. With
//   several partitions each watches its own rows, and acts on what it has itself learned.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one. A copy is
// independent: hand it to another thread and go on learning.
// Errors: the constructor throws std::invalid_argument for a spec that no model can have; decode answers DecodeError,
// and a model that could not be decoded is only good for destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/drift.hpp"
#include "models/learner.hpp"
#include "models/metrics.hpp"
#include "models/model_spec.hpp"
#include "models/rows.hpp"
#include "models/settings.hpp"
#include "models/state_codec.hpp"
#include "models/transforms.hpp"

namespace accrue::models {

class Model {
 public:
  /// Of features with these names, or with numbers from 0 for names. More than kMaxFeatures have no names, and no
  /// transforms.
  Model(ModelSpec spec, std::size_t features, std::span<const std::string> names = {});
  /// Of a learner that was made as the spec says, which has no transforms.
  Model(ModelSpec spec, std::unique_ptr<Learner> learner, std::vector<std::string> names);
  Model(const Model& other);
  Model(Model&&) = default;
  Model& operator=(const Model& other);
  Model& operator=(Model&&) = default;
  ~Model() = default;

  /// Transforms and predicts each row, scores the prediction, then learns the row.
  void learn(const RowsView& rows);
  /// The same of sparse rows, by a model that takes such: one without transforms, of a learner that does.
  void learn(const SparseRowsView& rows);
  bool takes_sparse() const { return transforms_.empty() && learner_->takes_sparse(); }
  /// What it foretells of row i, as it would if that came next.
  Forecast forecast(const RowsView& rows, std::size_t i);
  /// Learns the one row, whose target has come late, and scores what was foretold of it.
  void learn(const RowsView& row, const Forecast& foretold);
  /// From the next row on predicts with what the other partitions' models, merged into `others`, had learned, and clips
  /// to their targets, too; what it saw of them before is forgotten. It learns nothing by it.
  void see(const Model& others);
  /// What others look at (see): with no row pending and nothing seen of others, little of what was measured, and of a
  /// learner that looks away nothing, which may be much. `fresh` is a new model of the same spec.
  Model share(const Model& fresh) const;
  /// Adds what another model of the same spec has learned and how it erred. Forgets what either has seen of others.
  void merge(const Model& other);

  /// As Learner::take_evicted.
  std::vector<KeyState> take_evicted() { return learner_->take_evicted(); }

  const ModelSpec& spec() const { return spec_; }
  const Learner& learner() const { return *learner_; }
  const Metrics& metrics() const { return metrics_; }
  ProgressiveError error() const { return metrics_.lifetime(); }
  const DriftDetector& drift() const { return drift_; }

  /// For rows as they come: it transforms them as the next row would be, and clips if the model does.
  std::unique_ptr<const Predictor> predictor() const;
  /// Of the features that the learner sees, whose names feature_names() are; of more than kMaxFeatures it is empty.
  Summary describe() const { return learner_->describe(); }
  const std::vector<std::string>& feature_names() const { return transforms_.names(); }
  /// Of a row that comes in.
  std::size_t features() const { return transforms_.features(); }
  /// Whether the feature of that number may be missing (NaN).
  bool takes_missing(std::size_t column) const { return transforms_.takes_missing(column); }

  /// The state alone, without the spec.
  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);
  /// The part behind the learner's: of a model whose learner is decoded already.
  [[nodiscard]] DecodeError decode_metrics(StateReader& reader);

 private:
  enum class OnDrift : std::uint8_t { kNone, kReset, kForget };

  std::unique_ptr<Learner> new_learner(Settings& settings) const;
  template <class Rows>
  void learn_and_score(const Rows& rows, const auto& partial_fit);
  template <class Rows>
  void score(const Rows& rows, std::size_t i, const Forecast& foretold);
  template <class Rows>
  void score_together(const Rows& rows, const double* predictions, const double* variances);

  ModelSpec spec_;
  bool clip_ = false;
  OnDrift on_drift_ = OnDrift::kNone;
  Transforms transforms_;
  std::unique_ptr<Learner> learner_;
  Metrics metrics_;
  DriftDetector drift_;
};

}  // namespace accrue::models
