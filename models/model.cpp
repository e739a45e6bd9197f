#include "models/model.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "models/learners.hpp"
#include "models/settings.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kRowsAtOnce = 256;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Model::Model(ModelSpec spec, std::size_t features) : spec_(std::move(spec)) {
  Settings settings(spec_.settings);
  learner_ = learner_kind(spec_.learner).make(features, settings);
  settings.finish("learner " + spec_.learner);
}

Model::Model(ModelSpec spec, std::unique_ptr<Learner> learner) : spec_(std::move(spec)), learner_(std::move(learner)) {}

Model::Model(const Model& other) : spec_(other.spec_), learner_(other.learner_->clone()), metrics_(other.metrics_) {}

Model& Model::operator=(const Model& other) { return *this = Model(other); }

void Model::learn(const RowsView& rows) {
  std::array<double, kRowsAtOnce> predictions;
  for (std::size_t first = 0; first < rows.count; first += predictions.size()) {
    const RowsView part = rows.slice(first, std::min(predictions.size(), rows.count - first));
    learner_->partial_fit(part, predictions);
    for (std::size_t i = 0; i < part.count; ++i) {
      metrics_.add({predictions[i], kNaN, part.target(i), part.weight(i), part.index(i)});
    }
  }
}

void Model::see(const Model& others) {
  learner_->see(*others.learner_);
  metrics_.see(others.metrics_);
}

void Model::merge(const Model& other) {
  learner_->merge(*other.learner_);
  metrics_.merge(other.metrics_);
}

void Model::encode(StateWriter& writer) const {
  learner_->encode(writer);
  metrics_.encode(writer);
}

DecodeError Model::decode(StateReader& reader) {
  if (const DecodeError damage = learner_->decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  return decode_metrics(reader);
}

DecodeError Model::decode_metrics(StateReader& reader) {
  if (const DecodeError damage = metrics_.decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  return error().n() == learner_->rows() ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
