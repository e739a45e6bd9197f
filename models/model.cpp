#include "models/model.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "models/learners.hpp"
#include "models/require.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kRowsAtOnce = 256;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kKeptAfterDrift = 0.01;  // of the weight of what was learned before, where it is to be forgotten

class TransformingPredictor final : public Predictor {
 public:
  // `key` is where the key stands in a row, behind its features, if the predictor goes by one.
  TransformingPredictor(Transforms transforms, std::optional<std::size_t> key,
                        std::unique_ptr<const Predictor> predictor)
      : transforms_(std::move(transforms)), key_(key), predictor_(std::move(predictor)) {}

  double predict(const double* x) const override {
    Row row;
    transform(x, row);
    return predictor_->predict(row.data());
  }

  double predict_with(const double* x, const Factor& of_the_key) const override {
    Row row;
    transform(x, row);
    return predictor_->predict_with(row.data(), of_the_key);
  }

  double variance(const double* x) const override {
    Row row;
    transform(x, row);
    return predictor_->variance(row.data());
  }

 private:
  using Row = std::array<double, kMaxFeatures + 1>;

  void transform(const double* x, Row& row) const {
    transforms_.transform(x, row.data());
    if (key_) {
      row[transforms_.names().size()] = x[*key_];
    }
  }

  Transforms transforms_;
  std::optional<std::size_t> key_;
  std::unique_ptr<const Predictor> predictor_;
};

class ClippingPredictor final : public Predictor {
 public:
  ClippingPredictor(ProgressiveError seen, std::unique_ptr<const Predictor> predictor)
      : seen_(std::move(seen)), predictor_(std::move(predictor)) {}

  double predict(const double* x) const override { return seen_.clipped(predictor_->predict(x)); }
  double predict_with(const double* x, const Factor& of_the_key) const override {
    return seen_.clipped(predictor_->predict_with(x, of_the_key));
  }
  double predict_sparse(std::span<const std::uint32_t> columns, const double* values) const override {
    return seen_.clipped(predictor_->predict_sparse(columns, values));
  }
  double variance(const double* x) const override { return predictor_->variance(x); }

 private:
  ProgressiveError seen_;
  std::unique_ptr<const Predictor> predictor_;
};

Transforms transforms_of(const std::string& text, std::size_t features, std::span<const std::string> names) {
  if (features <= kMaxFeatures) {
    return {text, column_names(features, names)};
  }
  if (!text.empty()) {
    throw std::invalid_argument("transforms are of rows of at most " + std::to_string(kMaxFeatures) +
                                " features, not " + std::to_string(features));
  }
  return Transforms::none(features);
}

}  // namespace

Model::Model(ModelSpec spec, std::size_t features, std::span<const std::string> names) : spec_(std::move(spec)) {
  Settings settings(spec_.settings);
  transforms_ = transforms_of(settings.text("transforms").value_or(""), features, names);
  const LearnerKind& kind = learner_kind(spec_.learner);
  learner_ = new_learner(settings);
  clip_ = (kind.clips ? settings.choice("clip", {"observed", "none"})
                      : settings.choice("clip", {"none", "observed"})) == "observed";
  const std::string on_drift = settings.choice("on_drift", {"none", "reset", "forget"});
  on_drift_ = on_drift == "reset" ? OnDrift::kReset : on_drift == "forget" ? OnDrift::kForget : OnDrift::kNone;
  settings.finish("learner " + spec_.learner);
}

Model::Model(ModelSpec spec, std::unique_ptr<Learner> learner, std::vector<std::string> names)
    : spec_(std::move(spec)), transforms_("", std::move(names)), learner_(std::move(learner)) {}

Model::Model(const Model& other)
    : spec_(other.spec_),
      clip_(other.clip_),
      on_drift_(other.on_drift_),
      transforms_(other.transforms_),
      learner_(other.learner_->clone()),
      metrics_(other.metrics_),
      drift_(other.drift_) {}

Model& Model::operator=(const Model& other) { return *this = Model(other); }

template <class Rows>
void Model::learn_and_score(const Rows& rows, const auto& partial_fit) {
  // What is done on a drift is done between two rows, wherever the calls were cut.
  const std::size_t at_once = on_drift_ == OnDrift::kNone ? kRowsAtOnce : 1;
  std::array<double, kRowsAtOnce> predictions;
  std::array<double, kRowsAtOnce> variances;
  Forecasts foretold{predictions};
  if (learner_->knows_variance()) {
    foretold.variances = variances;
  } else {
    std::fill_n(variances.begin(), std::min(kRowsAtOnce, rows.count), kNaN);
  }
  for (std::size_t first = 0; first < rows.count; first += at_once) {
    const Rows part = rows.slice(first, std::min(at_once, rows.count - first));
    partial_fit(part, foretold);
    if (on_drift_ == OnDrift::kNone && !clip_ && part.all_weigh_one()) {
      score_together(part, predictions.data(), variances.data());
      continue;
    }
    for (std::size_t i = 0; i < part.count; ++i) {
      const double prediction = clip_ ? metrics_.clipped(predictions[i]) : predictions[i];
      score(part, i, {prediction, variances[i], metrics_.half_width()});
    }
  }
}

void Model::learn(const RowsView& rows) {
  learn_and_score(rows, [this](const RowsView& part, const Forecasts& foretold) {
    learner_->partial_fit(transforms_.learn(part), foretold);
  });
}

void Model::learn(const SparseRowsView& rows) {
  require(takes_sparse(), "sparse rows are for models that take them");
  learn_and_score(rows, [this](const SparseRowsView& part, const Forecasts& foretold) {
    learner_->partial_fit_sparse(part, foretold.predictions);
  });
}

Forecast Model::forecast(const RowsView& rows, std::size_t i) {
  Forecast forecast = learner_->forecast(transforms_.transform(rows.slice(i, 1)), 0);
  if (clip_) {
    forecast.prediction = metrics_.clipped(forecast.prediction);
  }
  forecast.half_width = metrics_.half_width();
  return forecast;
}

void Model::learn(const RowsView& row, const Forecast& foretold) {
  double prediction = 0;
  learner_->partial_fit(transforms_.learn(row), {{&prediction, 1}});
  score(row, 0, foretold);
}

template <class Rows>
void Model::score(const Rows& rows, std::size_t i, const Forecast& foretold) {
  const double target = rows.target(i);
  metrics_.add({foretold.prediction, foretold.variance, target, rows.weight(i), rows.index(i)}, foretold.half_width);
  if (rows.weight(i) == 0 || drift_.add(foretold.prediction, target, rows.index(i)) == DriftAlarm::kNone) {
    return;
  }
  if (on_drift_ == OnDrift::kReset) {
    Settings settings(spec_.settings);
    learner_ = new_learner(settings);
  } else if (on_drift_ == OnDrift::kForget) {
    learner_->forget(kKeptAfterDrift);
  }
}

// The same of rows that weigh 1, where nothing is done on a drift and predictions are not clipped.
template <class Rows>
void Model::score_together(const Rows& rows, const double* predictions, const double* variances) {
  std::array<double, kRowsAtOnce> targets;
  std::array<std::uint64_t, kRowsAtOnce> indices;
  for (std::size_t i = 0; i < rows.count; ++i) {
    targets[i] = rows.target(i);
    indices[i] = rows.index(i);
  }
  const ScoredRows scored{predictions, variances, targets.data(), indices.data(), rows.count};
  metrics_.add(scored);
  drift_.add(scored);
}

std::unique_ptr<Learner> Model::new_learner(Settings& settings) const {
  return learner_kind(spec_.learner).make(transforms_.width(), settings);
}

void Model::see(const Model& others) {
  transforms_.see(others.transforms_);
  learner_->see(*others.learner_);
  metrics_.see(others.metrics_);
}

Model Model::share(const Model& fresh) const {
  Model share = fresh;
  share.transforms_ = transforms_;
  share.metrics_ = metrics_;
  if (!learner_->looks_away()) {
    share.learner_ = learner_->clone();
  }
  share.merge(fresh);  // folds what waits in, and forgets the others
  share.metrics_ = share.metrics_.as_seen_by_others();
  share.drift_ = DriftDetector();
  return share;
}

void Model::merge(const Model& other) {
  transforms_.merge(other.transforms_);
  learner_->merge(*other.learner_);
  metrics_.merge(other.metrics_);
  drift_.merge(other.drift_);
}

std::unique_ptr<const Predictor> Model::predictor() const {
  std::unique_ptr<const Predictor> predictor = learner_->predictor();
  if (!transforms_.empty()) {
    const std::optional<std::size_t> key = learner_->needs_key() ? std::optional(transforms_.features()) : std::nullopt;
    predictor = std::make_unique<const TransformingPredictor>(transforms_, key, std::move(predictor));
  }
  if (clip_) {
    predictor = std::make_unique<const ClippingPredictor>(error(), std::move(predictor));
  }
  return predictor;
}

void Model::encode(StateWriter& writer) const {
  transforms_.encode(writer);
  learner_->encode(writer);
  metrics_.encode(writer);
  drift_.encode(writer);
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
  if (reader.version() >= kStateVersionOfSets) {
    if (const DecodeError damage = drift_.decode(reader); damage != DecodeError::kNone) {
      return damage;
    }
  }
  // A learner that began anew after a drift has fewer.
  return learner_->rows() <= error().n() ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
