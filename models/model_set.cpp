#include "models/model_set.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/least_squares.hpp"
#include "models/require.hpp"

namespace accrue::models {
namespace {

void put_spec(StateWriter& writer, const ModelSpec& spec) {
  writer.put_text(spec.name);
  writer.put_text(spec.learner);
  writer.put_count(spec.settings.size());
  for (const Setting& setting : spec.settings) {
    writer.put_text(setting.key);
    writer.put_text(setting.value);
  }
}

[[nodiscard]] bool get_spec(StateReader& reader, ModelSpec& spec) {
  constexpr std::size_t kMaxBytes = ModelSet::kMaxTextBytes;
  std::uint64_t settings = 0;
  if (!reader.get_text(kMaxBytes, spec.name) || !reader.get_text(kMaxBytes, spec.learner) ||
      !reader.get_count_up_to(ModelSet::kMaxSettings, settings)) {
    return false;
  }
  spec.settings.resize(static_cast<std::size_t>(settings));
  return std::all_of(spec.settings.begin(), spec.settings.end(), [&](Setting& setting) {
    return reader.get_text(kMaxBytes, setting.key) && reader.get_text(kMaxBytes, setting.value);
  });
}

void check_sizes(const ModelSpec& spec) {
  const auto too_long = [](const std::string& text) { return text.size() > ModelSet::kMaxTextBytes; };
  bool bad = too_long(spec.name) || too_long(spec.learner) || spec.settings.size() > ModelSet::kMaxSettings;
  for (const Setting& setting : spec.settings) {
    bad = bad || too_long(setting.key) || too_long(setting.value);
  }
  if (bad) {
    throw std::invalid_argument("a model has at most " + std::to_string(ModelSet::kMaxSettings) +
                                " settings, and a text of it at most " + std::to_string(ModelSet::kMaxTextBytes) +
                                " bytes");
  }
}

// The spec that the one model of a state of version 1 or 2 has.
ModelSpec spec_of(const LeastSquaresOptions& options) {
  ModelSpec spec{.name = "least_squares"};
  if (!options.intercept) {
    spec.settings.push_back({"intercept", "false"});
  }
  if (options.ridge != 0) {
    spec.settings.push_back({"ridge", shortest(options.ridge)});
  }
  return spec;
}

}  // namespace

ModelSet::ModelSet(std::size_t features, std::span<const std::string> names)
    : features_(features), names_(names.begin(), names.end()) {}

ModelSet::ModelSet(std::size_t features, std::span<const ModelSpec> specs, std::span<const std::string> names,
                   std::optional<LabelOptions> labels)
    : ModelSet(features, names) {
  if (labels) {
    labels_.emplace(*labels);
  }
  require(!specs.empty(), "a stream has a model");
  for (const ModelSpec& spec : specs) {
    add(spec);
  }
}

void ModelSet::learn(const RowsView& rows) {
  if (labels_) {
    learn_late(rows);
  } else {
    learn_whole(rows);
  }
}

void ModelSet::learn_whole(const RowsView& rows) {
  for (Model& model : models_) {
    model.learn(rows);
  }
}

void ModelSet::learn_late(const RowsView& rows) {
  require(rows.id_column != kNoColumn, "rows have an id");
  std::size_t learned = 0;  // whole rows are learned as many together as follow each other
  for (std::size_t i = 0; i < rows.count; ++i) {
    labels_->pass(rows, i);
    const DelayedLabels::Kind kind = DelayedLabels::kind_of(rows, i);
    if (kind == DelayedLabels::Kind::kWhole) {
      continue;
    }
    learn_whole(rows.slice(learned, i - learned));
    learned = i + 1;
    if (kind == DelayedLabels::Kind::kFeatures) {
      foretell(rows, i);
    } else {
      learn_label(rows, i);
    }
  }
  learn_whole(rows.slice(learned, rows.count - learned));
}

void ModelSet::foretell(const RowsView& rows, std::size_t i) {
  if (!labels_->is_free(rows, i)) {
    labels_->count_repeated();
    return;
  }
  std::vector<std::optional<Forecast>> foretold;
  for (Model& model : models_) {
    foretold.emplace_back(model.forecast(rows, i));
  }
  labels_->wait(rows, i, std::move(foretold));
}

void ModelSet::learn_label(const RowsView& rows, std::size_t i) {
  const std::optional<DelayedLabels::Waiting> waiting = labels_->take(rows, i);
  if (!waiting) {
    return;
  }
  row_.assign(rows.row(i), rows.row(i) + rows.stride);
  std::copy(waiting->features.begin(), waiting->features.end(), row_.begin());
  RowsView whole = rows.slice(i, 1);
  whole.data = row_.data();
  for (std::size_t k = 0; k < models_.size(); ++k) {
    if (const std::optional<Forecast>& foretold = waiting->foretold[k]) {
      models_[k].learn(whole, *foretold);
    } else {
      models_[k].learn(whole);
    }
  }
}

void ModelSet::learn(const SparseRowsView& rows) {
  for (Model& model : models_) {
    model.learn(rows);
  }
}

std::vector<std::byte> ModelSet::share() const {
  ModelSet own(features_, names_);
  own.champion_ = champion_;
  for (const Model& model : models_) {
    own.models_.push_back(model.share(Model(model.spec(), features_, names_)));
  }
  return own.encode();
}

DecodeError ModelSet::see(std::span<const std::span<const std::byte>> shares) {
  std::optional<ModelSet> others;
  for (const std::span<const std::byte> share : shares) {
    std::optional<ModelSet> other;
    if (const DecodeError damage = decode(share, other, names_); damage != DecodeError::kNone) {
      return damage;
    }
    if (!has_the_models_of(*other)) {
      return DecodeError::kInvalid;
    }
    if (others) {
      others->merge(*other);
    } else {
      others = std::move(other);
    }
  }
  for (std::size_t i = 0; others && i < models_.size(); ++i) {
    models_[i].see(others->models_[i]);
  }
  return DecodeError::kNone;
}

void ModelSet::merge(const ModelSet& other) {
  require(has_the_models_of(other), "merged sets have the same models");
  for (std::size_t i = 0; i < models_.size(); ++i) {
    models_[i].merge(other.models_[i]);
  }
  if (labels_ && other.labels_) {
    labels_->merge(*other.labels_);
  }
}

std::vector<EvictedKey> ModelSet::take_evicted() {
  std::vector<EvictedKey> evicted;
  for (Model& model : models_) {
    for (KeyState& state : model.take_evicted()) {
      evicted.push_back({model.spec().name, std::move(state)});
    }
  }
  return evicted;
}

bool ModelSet::has_the_models_of(const ModelSet& other) const {
  const auto same = [](const Model& a, const Model& b) { return a.spec() == b.spec(); };
  return features_ == other.features_ && champion_ == other.champion_ &&
         std::equal(models_.begin(), models_.end(), other.models_.begin(), other.models_.end(), same);
}

bool ModelSet::takes_missing(std::size_t column) const {
  return std::all_of(models_.begin(), models_.end(),
                     [column](const Model& model) { return model.takes_missing(column); });
}

const Model* ModelSet::find(std::string_view name) const {
  const auto found =
      std::find_if(models_.begin(), models_.end(), [&](const Model& model) { return model.spec().name == name; });
  return found == models_.end() ? nullptr : &*found;
}

std::size_t ModelSet::position(std::string_view name) const {
  const Model* model = find(name);
  require(model != nullptr, "a model of that name is there");
  return static_cast<std::size_t>(model - models_.data());
}

void ModelSet::add(const ModelSpec& spec) {
  check_sizes(spec);
  if (find(spec.name)) {
    throw std::invalid_argument("there is a model '" + spec.name + "' already");
  }
  if (models_.size() == kMaxModels) {
    throw std::invalid_argument("a stream has at most " + std::to_string(kMaxModels) + " models");
  }
  models_.emplace_back(spec, features_, names_);
  if (labels_) {
    labels_->add_model();
  }
}

void ModelSet::drop(std::string_view name) {
  const std::size_t at = position(name);
  require(at != champion_, "the champion is not dropped");
  models_.erase(models_.begin() + static_cast<std::ptrdiff_t>(at));
  if (labels_) {
    labels_->drop_model(at);
  }
  champion_ -= at < champion_ ? 1 : 0;
}

void ModelSet::promote(std::string_view name) { champion_ = position(name); }

std::vector<std::byte> ModelSet::encode() const {
  StateWriter writer;
  writer.put_count(features_);
  writer.put_count(models_.size());
  writer.put_count(champion_);
  for (const Model& model : models_) {
    put_spec(writer, model.spec());
    model.encode(writer);
  }
  if (labels_) {
    labels_->encode(writer);
  }
  return std::move(writer).finish();
}

DecodeError ModelSet::decode(std::span<const std::byte> state, std::optional<ModelSet>& out,
                             std::span<const std::string> names) {
  out.reset();
  StateReader reader;
  if (const DecodeError damage = reader.open(state); damage != DecodeError::kNone) {
    return damage;
  }
  ModelSet set(0, names);
  const DecodeError damage =
      reader.version() >= kStateVersionOfSets ? set.decode_models(reader) : set.decode_alone(reader);
  if (damage != DecodeError::kNone) {
    return damage;
  }
  if (reader.remaining() != 0) {
    return DecodeError::kInvalid;
  }
  out = std::move(set);
  return DecodeError::kNone;
}

DecodeError ModelSet::decode_alone(StateReader& reader) {
  std::optional<LeastSquares> learner;
  if (const DecodeError damage = LeastSquares::decode_with_options(reader, learner); damage != DecodeError::kNone) {
    return damage;
  }
  features_ = learner->options().features;
  if (!names_fit()) {
    return DecodeError::kInvalid;
  }
  const ModelSpec spec = spec_of(learner->options());
  return models_
      .emplace_back(spec, std::make_unique<LeastSquares>(*std::move(learner)), column_names(features_, names_))
      .decode_metrics(reader);
}

DecodeError ModelSet::decode_models(StateReader& reader) {
  std::uint64_t features = 0;
  std::uint64_t count = 0;
  std::uint64_t champion = 0;
  if (!reader.get_count_up_to(kMaxWideFeatures, features) || features == 0 ||  //
      !reader.get_count_up_to(kMaxModels, count) || count == 0 ||              //
      !reader.get_count_up_to(count - 1, champion)) {
    return DecodeError::kInvalid;
  }
  features_ = static_cast<std::size_t>(features);
  if (!names_fit()) {
    return DecodeError::kInvalid;
  }
  champion_ = static_cast<std::size_t>(champion);
  for (std::uint64_t i = 0; i < count; ++i) {
    ModelSpec spec;
    if (!get_spec(reader, spec)) {
      return DecodeError::kInvalid;
    }
    try {
      add(spec);
    } catch (const std::invalid_argument&) {
      return DecodeError::kInvalid;
    }
    if (const DecodeError damage = models_.back().decode(reader); damage != DecodeError::kNone) {
      return damage;
    }
  }
  if (reader.remaining() == 0) {
    return DecodeError::kNone;
  }
  return labels_.emplace(LabelOptions{}).decode(reader, features_, models_.size());
}

}  // namespace accrue::models
