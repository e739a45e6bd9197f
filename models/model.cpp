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

class TransformingPredictor final : public Predictor {
 public:
  TransformingPredictor(Transforms transforms, std::unique_ptr<const Predictor> predictor)
      : transforms_(std::move(transforms)), predictor_(std::move(predictor)) {}

  double predict(const double* x) const override {
    Row row;
    transforms_.transform(x, row.data());
    return predictor_->predict(row.data());
  }

  double variance(const double* x) const override {
    Row row;
    transforms_.transform(x, row.data());
    return predictor_->variance(row.data());
  }

 private:
  using Row = std::array<double, kMaxFeatures>;

  Transforms transforms_;
  std::unique_ptr<const Predictor> predictor_;
};

}  // namespace

Model::Model(ModelSpec spec, std::size_t features, std::span<const std::string> names) : spec_(std::move(spec)) {
  Settings settings(spec_.settings);
  transforms_ = Transforms(settings.text("transforms").value_or(""), column_names(features, names));
  learner_ = learner_kind(spec_.learner).make(transforms_.names().size(), settings);
  settings.finish("learner " + spec_.learner);
}

Model::Model(ModelSpec spec, std::unique_ptr<Learner> learner, std::vector<std::string> names)
    : spec_(std::move(spec)), transforms_("", std::move(names)), learner_(std::move(learner)) {}

Model::Model(const Model& other)
    : spec_(other.spec_), transforms_(other.transforms_), learner_(other.learner_->clone()), metrics_(other.metrics_) {}

Model& Model::operator=(const Model& other) { return *this = Model(other); }

void Model::learn(const RowsView& rows) {
  std::array<double, kRowsAtOnce> predictions;
  for (std::size_t first = 0; first < rows.count; first += predictions.size()) {
    const RowsView part = rows.slice(first, std::min(predictions.size(), rows.count - first));
    learner_->partial_fit(transforms_.learn(part), predictions);
    for (std::size_t i = 0; i < part.count; ++i) {
      metrics_.add({predictions[i], kNaN, part.target(i), part.weight(i), part.index(i)});
    }
  }
}

void Model::see(const Model& others) {
  transforms_.see(others.transforms_);
  learner_->see(*others.learner_);
  metrics_.see(others.metrics_);
}

void Model::merge(const Model& other) {
  transforms_.merge(other.transforms_);
  learner_->merge(*other.learner_);
  metrics_.merge(other.metrics_);
}

std::unique_ptr<const Predictor> Model::predictor() const {
  std::unique_ptr<const Predictor> predictor = learner_->predictor();
  return transforms_.empty() ? std::move(predictor)
                             : std::make_unique<const TransformingPredictor>(transforms_, std::move(predictor));
}

void Model::encode(StateWriter& writer) const {
  transforms_.encode(writer);
  learner_->encode(writer);
  metrics_.encode(writer);
}

DecodeError Model::decode(StateReader& reader) {
  if (const DecodeError damage = transforms_.decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
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
