// Model: a learner made as a ModelSpec says, the transforms before it, and the error that it has made so far; of one
// partition, or all merged.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one. A copy is
// independent: hand it to another thread and go on learning.
// Errors: the constructor throws std::invalid_argument for a spec that no model can have; decode answers DecodeError,
// and a model that could not be decoded is only good for destruction.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/learner.hpp"
#include "models/model_spec.hpp"
#include "models/progressive_error.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"
#include "models/transforms.hpp"

namespace accrue::models {

class Model {
 public:
  /// Of features with these names, or with numbers from 0 for names.
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
  /// From the next row on predicts with what the other partitions' models, merged into `others`, had learned, and clips
  /// to their targets, too; what it saw of them before is forgotten. It learns nothing by it.
  void see(const Model& others);
  /// Adds what another model of the same spec has learned and how it erred. Forgets what either has seen of others.
  void merge(const Model& other);

  const ModelSpec& spec() const { return spec_; }
  const Learner& learner() const { return *learner_; }
  const ProgressiveError& error() const { return error_; }

  /// For rows as they come: it transforms them as the next row would be.
  std::unique_ptr<const Predictor> predictor() const;
  /// Of the features that the learner sees, whose names feature_names() are.
  Summary describe() const { return learner_->describe(); }
  const std::vector<std::string>& feature_names() const { return transforms_.names(); }
  /// Whether the feature of that number may be missing (NaN).
  bool takes_missing(std::size_t column) const { return transforms_.takes_missing(column); }

  /// The state alone, without the spec.
  void encode(StateWriter& writer) const;
  [[nodiscard]] DecodeError decode(StateReader& reader);
  /// The part behind the learner's: of a model whose learner is decoded already.
  [[nodiscard]] DecodeError decode_error(StateReader& reader);

 private:
  ModelSpec spec_;
  Transforms transforms_;
  std::unique_ptr<Learner> learner_;
  ProgressiveError error_;
};

}  // namespace accrue::models
