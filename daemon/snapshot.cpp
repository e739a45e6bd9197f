#include "daemon/snapshot.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "models/learners.hpp"
#include "models/settings.hpp"

namespace accrue::daemon {
namespace {

models::ModelSpec default_model(const wire::StreamSpec& spec) {
  models::ModelSpec model{.name = wire::kDefaultModel};
  if (spec.sparse()) model = {.name = wire::kDefaultSparseModel, .learner = wire::kDefaultSparseModel};
  if (!spec.intercept) model.settings.push_back({"intercept", "false"});
  if (spec.ridge != 0) model.settings.push_back({"ridge", models::shortest(spec.ridge)});
  return model;
}

bool takes_sparse(const models::LearnerKind& kind) {
  models::Settings defaults({});
  return kind.make(1, defaults)->takes_sparse();
}

// Throws std::invalid_argument for a model that no stream of sparse rows can have.
void require_sparse(const models::ModelSpec& model) {
  const std::string subject = "model '" + model.name + "'";
  if (!takes_sparse(models::learner_kind(model.learner))) {
    std::string names;
    for (const models::LearnerKind& kind : models::learner_kinds()) {
      if (takes_sparse(kind)) names += (names.empty() ? "" : ", ") + std::string(kind.name);
    }
    throw std::invalid_argument(subject + " is of learner " + model.learner +
                                ", and this is a stream of sparse rows, which are for " + names);
  }
  for (const auto& [key, value] : model.settings) {
    if (key == "transforms" && !value.empty()) {
      throw std::invalid_argument(subject + " has transforms, and this is a stream of sparse rows, which have none");
    }
  }
}

// Throws std::invalid_argument where rows of the stream lack a column that the model goes by.
void require_columns_for(const models::Model& model, const wire::StreamSpec& spec) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument("model '" + model.spec().name + "' needs " + why);
  };
  if (model.learner().needs_time() && !spec.timed()) refuse("an event time: name its column as the stream's time");
  if (model.learner().needs_key() && !spec.keyed()) refuse("a key: name its column as the stream's key");
}

}  // namespace

models::ModelSpec model_spec(const wire::ModelSpec& spec) {
  models::ModelSpec model{spec.name, spec.learner};
  for (const auto& [key, value] : spec.settings) model.settings.push_back({key, value});
  return model;
}

const models::Model* Snapshot::model(const std::string& name) const {
  return name.empty() ? &models.champion() : models.find(name);
}

const models::Predictor& Snapshot::predictor(const models::Model& of) const {
  return predictors->of(of, static_cast<std::size_t>(&of - models.models().data()));
}

const models::Predictor& Predictors::of(const models::Model& model, std::size_t number) {
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<const models::Predictor>& predictor = made_.at(number);
  if (!predictor) predictor = model.predictor();
  return *predictor;
}

std::shared_ptr<const Snapshot> ready(Snapshot snapshot) {
  snapshot.predictors = std::make_unique<Predictors>(snapshot.models.models().size());
  snapshot.published = std::chrono::steady_clock::now();
  return std::make_shared<const Snapshot>(std::move(snapshot));
}

models::ModelSet first_models(const wire::StreamSpec& spec) {
  std::vector<models::ModelSpec> specs;
  for (const wire::ModelSpec& model : spec.models) specs.push_back(model_spec(model));
  if (specs.empty()) specs.push_back(default_model(spec));
  std::optional<models::LabelOptions> labels;
  if (spec.delayed()) labels = {.ttl_rows = spec.label_ttl_rows, .ttl_seconds = spec.label_ttl_s};
  if (spec.sparse()) std::for_each(specs.begin(), specs.end(), require_sparse);
  const std::size_t features = spec.sparse() ? spec.dimension : spec.features.size();
  models::ModelSet models(features, specs, spec.features, labels);
  for (const models::Model& model : models.models()) require_columns_for(model, spec);
  return models;
}

std::shared_ptr<const Snapshot> empty_snapshot(const std::string& stream, const wire::StreamSpec& spec) {
  return ready({stream, spec, 0, 0, {}, first_models(spec)});
}

std::string problem_with_first_models(const wire::StreamSpec& spec) {
  try {
    first_models(spec);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::vector<bool> features_that_may_be_missing(const wire::StreamSpec& spec) {
  const models::ModelSet models = first_models(spec);
  std::vector<bool> may_be(spec.features.size());
  for (std::size_t i = 0; i < may_be.size(); ++i) may_be[i] = models.takes_missing(i);
  return may_be;
}

void SnapshotBoard::post(std::shared_ptr<const Snapshot> snapshot) {
  const std::string stream = snapshot->stream;
  const std::scoped_lock lock(mutex_);
  std::swap(newest_[stream], snapshot);  // the old one is destroyed after the lock is released
}

void SnapshotBoard::remove(const std::string& stream) {
  const std::scoped_lock lock(mutex_);
  newest_.erase(stream);
}

std::shared_ptr<const Snapshot> SnapshotBoard::find(const std::string& stream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = newest_.find(stream);
  return found == newest_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Snapshot>> SnapshotBoard::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  for (const auto& [stream, snapshot] : newest_) snapshots.push_back(snapshot);
  return snapshots;
}

}  // namespace accrue::daemon
