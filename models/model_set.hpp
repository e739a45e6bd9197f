// ModelSet: all that one partition of a stream learns, or all partitions merged: the champion, whose predictions are
// the stream's unless another model is asked for, and its challengers.
//
// Partitions score as honestly as one learner of all rows would when they tell each other now and then what they know:
// each hands out its share(), and lets the shares of all the others be seen (see). Same rows, same exchanges and same
// changes of the set at the same places give the same bits, with or without an encode and decode between.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one. A copy is
// independent.
// Errors: the constructor and add throw std::invalid_argument for a spec that no model can have, a name that is taken,
// too many models; decode answers DecodeError and leaves its output empty unless that is kNone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/delayed_labels.hpp"
#include "models/model.hpp"
#include "models/model_spec.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

struct EvictedKey {
  std::string model;
  KeyState state;
};

class ModelSet {
 public:
  static constexpr std::size_t kMaxModels = 32;
  static constexpr std::size_t kMaxSettings = 64;      // of a model
  static constexpr std::size_t kMaxTextBytes = 4'096;  // of a name, a key, a value

  /// The first model is the champion. The features have these names, or numbers from 0 for names. Rows have an id, and
  /// their targets may come later, where `labels` are given.
  ModelSet(std::size_t features, std::span<const ModelSpec> specs, std::span<const std::string> names = {},
           std::optional<LabelOptions> labels = {});

  /// Every model predicts each row, scores its prediction, then learns the row; where targets may come later, then.
  void learn(const RowsView& rows);
  /// The same of sparse rows, where every model takes such.
  void learn(const SparseRowsView& rows);
  /// What the other partitions see of this one: its state with no row pending, nothing seen of others, nothing waiting
  /// for its target.
  std::vector<std::byte> share() const;
  /// From the next row on predicts with what the other partitions had learned when they handed out these shares; what
  /// it saw of them before is forgotten. It learns nothing: all that merge adds up stays its own. The last bits of the
  /// predictions depend on the order of the shares, so let that be the partitions'. A damaged share and one of other
  /// models (kInvalid) change nothing.
  [[nodiscard]] DecodeError see(std::span<const std::span<const std::byte>> shares);
  /// Adds what the models of another set of the same specs have learned and how they erred.
  void merge(const ModelSet& other);

  /// What the models knew of the keys that they have evicted since this was last called (Learner::take_evicted).
  std::vector<EvictedKey> take_evicted();

  std::size_t features() const { return features_; }
  /// Whether the feature of that number may be missing (NaN): whether every model takes it so.
  bool takes_missing(std::size_t column) const;
  const std::vector<Model>& models() const { return models_; }  // in the order they were added
  const Model& champion() const { return models_[champion_]; }
  /// What waits for its target; none where rows have no id.
  const std::optional<DelayedLabels>& labels() const { return labels_; }
  const Model* find(std::string_view name) const;  // null where there is none of that name
  /// Whether the two can merge: the same features, models and champion.
  bool has_the_models_of(const ModelSet& other) const;

  /// Starts from now: it knows nothing of the rows before.
  void add(const ModelSpec& spec);
  /// Of a model that is there; not the champion.
  void drop(std::string_view name);
  /// Of a model that is there.
  void promote(std::string_view name);

  /// The state as documented in STATE.md, the specs included, the features' names not: decode needs those that the set
  /// had, by which its transforms find their columns. Another number of names than of features is kInvalid.
  std::vector<std::byte> encode() const;
  [[nodiscard]] static DecodeError decode(std::span<const std::byte> state, std::optional<ModelSet>& out,
                                          std::span<const std::string> names = {});

 private:
  ModelSet(std::size_t features, std::span<const std::string> names);
  void learn_late(const RowsView& rows);
  void learn_whole(const RowsView& rows);
  void foretell(const RowsView& rows, std::size_t i);
  void learn_label(const RowsView& rows, std::size_t i);
  bool names_fit() const { return names_.empty() || names_.size() == features_; }
  std::size_t position(std::string_view name) const;
  [[nodiscard]] DecodeError decode_alone(StateReader& reader);
  [[nodiscard]] DecodeError decode_models(StateReader& reader);

  std::size_t features_;
  std::vector<std::string> names_;  // of the features; empty where they have none
  std::vector<Model> models_;
  std::size_t champion_ = 0;
  std::optional<DelayedLabels> labels_;
  std::vector<double> row_;  // scratch: a label with its features
};

}  // namespace accrue::models
