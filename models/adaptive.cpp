#include "models/adaptive.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "models/block_math.hpp"
#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr std::array<double, Adaptive::kLearners - 1> kMemories{31'250, 6'250, 1'250, 250, 50};  // rows
constexpr double kRowsPerCoefficient = 5;

// A learner may predict from a solution that misses the newest 1/16 of its memory: on California housing that costs
// next to nothing, and spares most of the solving. Not so the one that remembers the shortest, which is there to follow
// what changes fast: it misses none but of a memory of more than 1,024 rows.
constexpr double kRowsPerBlockRow = 16;
constexpr double kRowsPerBlockRowOfShortest = 1024;

constexpr double kMaxLoss = 1e303;  // fifty times the largest squared error there can be

constexpr double kMaxRows = 1e6;  // the count's own limit is 1 / (1 - kDiscount) for each partition

using Numbers = std::array<double, Adaptive::kLearners>;

double mixed(const Numbers& weights, const auto& value_of) {
  double sum = 0;
  for (std::size_t k = 0; k < Adaptive::kLearners; ++k) {
    sum += weights[k] * value_of(k);
  }
  return sum;
}

// What the learners foretell together. Its variance is their own, and how far their predictions are apart.
double mean_of(const Numbers& weights, const Numbers& predictions) {
  return bounded(mixed(weights, [&](std::size_t k) { return predictions[k]; }), kMaxMagnitude);
}

double variance_of(const Numbers& weights, const Numbers& predictions, double mean, const auto& variance) {
  return mixed(weights, [&](std::size_t k) {
    const double distance = predictions[k] - mean;
    return weights[k] == 0 ? 0.0 : variance(k) + distance * distance;
  });
}

// From their ratios to the largest.
Numbers normalised(const double* ratios) {
  Numbers weights;
  std::copy_n(ratios, weights.size(), weights.begin());
  const double sum = mixed(weights, [](std::size_t) { return 1.0; });
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

class MixturePredictor final : public Predictor {
 public:
  MixturePredictor(const Numbers& weights, std::array<std::unique_ptr<const Predictor>, Adaptive::kLearners> learners,
                   double lowest, double highest)
      : weights_(weights), learners_(std::move(learners)), lowest_(lowest), highest_(highest) {}

  double predict(const double* x) const override {
    return mixed(weights_, [&](std::size_t k) { return predict(k, x); });
  }

  double variance(const double* x) const override {
    Numbers predictions;
    for (std::size_t k = 0; k < Adaptive::kLearners; ++k) {
      predictions[k] = predict(k, x);
    }
    return variance_of(weights_, predictions, mean_of(weights_, predictions),
                       [&](std::size_t k) { return learners_[k]->variance(x); });
  }

 private:
  double predict(std::size_t k, const double* x) const {
    return std::clamp(learners_[k]->predict(x), lowest_, highest_);
  }

  Numbers weights_;
  std::array<std::unique_ptr<const Predictor>, Adaptive::kLearners> learners_;
  double lowest_;
  double highest_;
};

}  // namespace

void Adaptive::Record::discount_to(std::uint64_t index) {
  if (index <= clock) {
    return;
  }
  const std::uint64_t passed = index - clock;
  const double share = passed == 1 ? kDiscount : std::pow(kDiscount, static_cast<double>(passed));
  clock = index;
  rows *= share;
  for (double& loss : losses) {
    loss *= share;
  }
}

void Adaptive::Record::add(const Losses& row_losses, std::uint64_t index, double target) {
  discount_to(index);
  rows += 1;
  for (std::size_t k = 0; k < kLearners; ++k) {
    losses[k] = std::min(losses[k] + row_losses[k], kMaxLoss);
  }
  lowest = any ? std::min(lowest, target) : target;
  highest = any ? std::max(highest, target) : target;
  any = true;
}

void Adaptive::Record::put_powers(double* bases, double* exponents) const {
  const double least = *std::min_element(losses.begin(), losses.end());
  for (std::size_t k = 0; k < kLearners; ++k) {
    bases[k] = losses[k] == least ? 1.0 : least / losses[k];
    exponents[k] = kPower * rows;
  }
}

std::array<double, Adaptive::kLearners> Adaptive::Record::weights() const {
  std::array<double, kMaxVector> ratios{};
  std::array<double, kMaxVector> exponents{};
  static_assert(kLearners <= kMaxVector);
  put_powers(ratios.data(), exponents.data());
  powers(ratios.data(), exponents.data(), kLearners);
  return normalised(ratios.data());
}

void Adaptive::Record::merge(const Record& other) {
  if (!other.any) {
    return;
  }
  if (!any) {
    *this = other;
    return;
  }
  Record theirs = other;
  theirs.discount_to(clock);
  discount_to(theirs.clock);
  rows += theirs.rows;
  for (std::size_t k = 0; k < kLearners; ++k) {
    losses[k] = std::min(losses[k] + theirs.losses[k], kMaxLoss);
  }
  lowest = std::min(lowest, other.lowest);
  highest = std::max(highest, other.highest);
}

void Adaptive::Record::encode(StateWriter& writer) const {
  writer.put_count(any ? 1 : 0);
  writer.put_count(clock);
  writer.put_double(rows);
  writer.put_double(lowest);
  writer.put_double(highest);
  writer.put_doubles(losses);
}

bool Adaptive::Record::decode(StateReader& reader) {
  return reader.get_flag(any) && reader.get_count(clock) && reader.get_double(0, kMaxRows, rows) &&  //
         reader.get_double(-kMaxMagnitude, kMaxMagnitude, lowest) &&                                 //
         reader.get_double(lowest, kMaxMagnitude, highest) &&                                        //
         reader.get_doubles(0, kMaxLoss, losses);
}

Adaptive::Adaptive(const AdaptiveOptions& options) : options_(options) {
  LeastSquaresOptions learner{.features = options.features, .intercept = options.intercept};
  learner.rows_per_block_row = kRowsPerBlockRow;
  bank_.emplace_back(learner);
  const double fewest = kRowsPerCoefficient * static_cast<double>(options.features + 1);
  for (const double memory : kMemories) {
    learner.forgetting = {.way = Forgetting::Way::kHalfLife, .length = std::numbers::ln2 * std::max(memory, fewest)};
    if (memory == kMemories.back()) {
      learner.rows_per_block_row = kRowsPerBlockRowOfShortest;
    }
    bank_.emplace_back(learner);
  }
}

Forecast Adaptive::forecast(const RowsView& rows, std::size_t i) {
  const Record record = known();
  Numbers predictions;
  Numbers variances;
  for (std::size_t k = 0; k < kLearners; ++k) {
    const Forecast of = bank_[k].forecast(rows, i);
    predictions[k] = options_.clip ? record.clip(of.prediction) : of.prediction;
    variances[k] = of.variance;
  }
  const Numbers weights = record.weights();
  const double mean = mean_of(weights, predictions);
  return {mean, variance_of(weights, predictions, mean, [&](std::size_t k) { return variances[k]; })};
}

void Adaptive::partial_fit(const RowsView& rows, const Forecasts& foretold) {
  require(foretold.predictions.size() >= rows.count, "a prediction for every row");
  const std::size_t numbers = kLearners * rows.count;
  predictions_.resize(std::max(predictions_.size(), numbers));
  if (!foretold.variances.empty()) {
    variances_.resize(std::max(variances_.size(), numbers));
  }
  const auto of = [&](std::size_t k, std::vector<double>& values) {
    return std::span(values).subspan(k * rows.count, rows.count);
  };
  for (std::size_t k = 0; k < kLearners; ++k) {
    bank_[k].partial_fit(rows,
                         {of(k, predictions_), foretold.variances.empty() ? std::span<double>() : of(k, variances_)});
  }
  for (std::size_t first = 0; first < rows.count; first += kTogether) {
    mix(rows, first, std::min(rows.count - first, kTogether), foretold);
  }
}

// Of rows that the bank has learned: what it foretold of each together, by the errors in those before.
void Adaptive::mix(const RowsView& rows, std::size_t first, std::size_t count, const Forecasts& foretold) {
  std::array<double, kTogether * kLearners> ratios;
  std::array<double, kTogether * kLearners> exponents;
  std::array<Numbers, kTogether> predictions;
  for (std::size_t i = 0; i < count; ++i) {
    const Record record = known();
    record.put_powers(&ratios[i * kLearners], &exponents[i * kLearners]);
    Losses losses;
    for (std::size_t k = 0; k < kLearners; ++k) {
      const double prediction = predictions_[k * rows.count + first + i];
      const double clipped = record.clip(prediction);
      predictions[i][k] = options_.clip ? clipped : prediction;
      const double error = clipped - rows.target(first + i);
      losses[k] = error * error;
    }
    if (rows.weight(first + i) > 0) {
      own_.add(losses, rows.index(first + i), rows.target(first + i));
    }
  }
  powers(ratios.data(), exponents.data(), count * kLearners);
  for (std::size_t i = 0; i < count; ++i) {
    const Numbers weights = normalised(&ratios[i * kLearners]);
    const double mean = mean_of(weights, predictions[i]);
    foretold.predictions[first + i] = mean;
    if (!foretold.variances.empty()) {
      foretold.variances[first + i] = variance_of(
          weights, predictions[i], mean, [&](std::size_t k) { return variances_[k * rows.count + first + i]; });
    }
  }
}

Adaptive::Record Adaptive::known() const {
  Record record = own_;
  if (others_) {
    record.merge(*others_);
  }
  return record;
}

void Adaptive::merge(const Learner& from) {
  const auto* other = dynamic_cast<const Adaptive*>(&from);
  require(other && options_ == other->options_, "merged learners have the same options");
  for (std::size_t k = 0; k < kLearners; ++k) {
    bank_[k].merge(other->bank_[k]);
  }
  own_.merge(other->own_);
  others_.reset();
}

void Adaptive::see(const Learner& learner) {
  const auto* others = dynamic_cast<const Adaptive*>(&learner);
  require(others && options_ == others->options_, "learners that see each other have the same options");
  for (std::size_t k = 0; k < kLearners; ++k) {
    bank_[k].see(others->bank_[k]);
  }
  others_ = others->own_;
}

void Adaptive::forget(double keep) {
  for (LeastSquares& learner : bank_) {
    learner.forget(keep);
  }
  own_.rows *= keep;
  for (double& loss : own_.losses) {
    loss *= keep;
  }
}

std::unique_ptr<const Predictor> Adaptive::predictor() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::array<std::unique_ptr<const Predictor>, kLearners> learners;
  for (std::size_t k = 0; k < kLearners; ++k) {
    learners[k] = bank_[k].predictor();
  }
  const bool clip = options_.clip && own_.any;
  return std::make_unique<MixturePredictor>(weights(), std::move(learners), clip ? own_.lowest : -kInfinity,
                                            clip ? own_.highest : kInfinity);
}

Summary Adaptive::describe() const {
  const Numbers weight = weights();
  std::array<Summary, kLearners> learners;
  for (std::size_t k = 0; k < kLearners; ++k) {
    learners[k] = bank_[k].describe();
  }
  Summary summary = std::move(learners.front());
  const auto mix = [&](Estimate& estimate, const auto& of) {
    estimate = {mixed(weight, of), std::nullopt, std::nullopt};
  };
  for (std::size_t j = 0; j < summary.coefficients.size(); ++j) {
    const double first = summary.coefficients[j].value;
    mix(summary.coefficients[j], [&](std::size_t k) { return k == 0 ? first : learners[k].coefficients[j].value; });
  }
  if (summary.intercept) {
    const double first = summary.intercept->value;
    mix(*summary.intercept, [&](std::size_t k) { return k == 0 ? first : learners[k].intercept->value; });
  }
  summary.residual_std.reset();
  summary.r2.reset();
  return summary;
}

void Adaptive::encode(StateWriter& writer) const {
  for (const LeastSquares& learner : bank_) {
    learner.encode(writer);
  }
  own_.encode(writer);
  writer.put_count(others_ ? 1 : 0);
  if (others_) {
    others_->encode(writer);
  }
}

DecodeError Adaptive::decode(StateReader& reader) {
  for (LeastSquares& learner : bank_) {
    if (const DecodeError damage = learner.decode(reader); damage != DecodeError::kNone) {
      return damage;
    }
    if (learner.rows() != rows()) {
      return DecodeError::kInvalid;
    }
  }
  bool has_others = false;
  Record others;
  if (!own_.decode(reader) || !reader.get_flag(has_others) || (has_others && !others.decode(reader))) {
    return DecodeError::kInvalid;
  }
  others_ = has_others ? std::optional(others) : std::nullopt;
  return DecodeError::kNone;
}

std::unique_ptr<Learner> make_adaptive(std::size_t features, Settings& settings) {
  AdaptiveOptions options{.features = features};
  options.intercept = settings.flag("intercept", options.intercept);
  options.clip = settings.choice("clip", {"observed", "none"}) == "observed";
  return std::make_unique<Adaptive>(options);
}

}  // namespace accrue::models
