#include "models/per_key.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "models/require.hpp"
#include "models/solve.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMaxOrigins = 1'024;
constexpr double kNothingKept = 1e-100;  // below it, what was evicted before is forgotten for good

// Predicts by the rows of a key and as many of the stream's as `prior` holds. Scratch that is used again and again.
class ShrunkFit {
 public:
  explicit ShrunkFit(std::size_t columns) : work_(columns), norms_(columns), coefficients_(columns - 1) {}

  double predict(const Factor& prior, const Factor& key, bool intercept, const double* x) {
    work_ = prior;
    work_.merge(key);
    solve_basic<double>(work_, norms_, coefficients_);
    const std::size_t first = intercept ? 1 : 0;
    const double constant = intercept ? coefficients_.front() : 0.0;
    return bounded(constant + dot(coefficients_.data() + first, x, coefficients_.size() - first), kMaxMagnitude);
  }

 private:
  Factor work_;
  std::vector<double> norms_;
  std::vector<double> coefficients_;
};

// The stream's rows, scaled to weigh as much as `rows` of them.
Factor scaled_to(const Evidence<double>& stream, double rows) {
  Factor prior = stream.factor;
  if (stream.amount.positive_rows > 0) {
    prior.scale(std::sqrt(rows / stream.amount.positive_rows));
  }
  return prior;
}

// Fewer than two rows a coefficient are not to be trusted; the stream then predicts the mean.
bool is_young(const Evidence<double>& stream) {
  return stream.amount.positive_rows < 2 * static_cast<double>(stream.factor.columns() - 1);
}

class PerKeyPredictor final : public Predictor {
 public:
  PerKeyPredictor(std::size_t features, bool intercept, bool young, Factor prior,
                  std::unique_ptr<const Predictor> stream, std::unordered_map<double, Factor> keys)
      : features_(features),
        intercept_(intercept),
        young_(young),
        prior_(std::move(prior)),
        stream_(std::move(stream)),
        keys_(std::move(keys)) {}

  double predict(const double* x) const override {
    const auto key = keys_.find(x[features_]);
    if (key == keys_.end()) {
      return stream_->predict(x);
    }
    return ShrunkFit(prior_.columns()).predict(prior_, key->second, intercept_, x);
  }

  double predict_with(const double* x, const Factor& of_the_key) const override {
    if (young_) {
      return stream_->predict(x);
    }
    Factor all = of_the_key;
    if (const auto key = keys_.find(x[features_]); key != keys_.end()) {
      all.merge(key->second);
    }
    return ShrunkFit(prior_.columns()).predict(prior_, all, intercept_, x);
  }

 private:
  std::size_t features_;
  bool intercept_;
  bool young_;
  Factor prior_;
  std::unique_ptr<const Predictor> stream_;
  std::unordered_map<double, Factor> keys_;
};

}  // namespace

PerKey::PerKey(const PerKeyOptions& options) : options_(options), stream_(options.stream), prior_(columns()) {}

PerKey::PerKey(const PerKey& other)
    : options_(other.options_),
      stream_(other.stream_),
      keys_(other.keys_),
      evicted_(other.evicted_),
      origins_(other.origins_),
      prior_(other.prior_),
      prior_rows_(other.prior_rows_) {
  index_keys();
}

// Null where it is the stream's model that predicts.
const PerKey::Key* PerKey::predicts(double key) {
  const Evidence<double>& known = stream_.known();
  const auto place = places_.find(key);
  if (place == places_.end() || is_young(known)) {
    return nullptr;
  }
  if (prior_rows_ != known.amount.rows) {
    prior_ = scaled_to(known, options_.shrinkage_rows);
    prior_rows_ = known.amount.rows;
  }
  return &*place->second;
}

Forecast PerKey::forecast(const RowsView& rows, std::size_t i) {
  require(rows.key_column != kNoColumn, "rows have a key");
  if (const Key* key = predicts(rows.key(i))) {
    return {.prediction = ShrunkFit(columns()).predict(prior_, key->factor, options_.stream.intercept, rows.row(i))};
  }
  return {.prediction = stream_.forecast(rows, i).prediction};
}

void PerKey::partial_fit(const RowsView& rows, const Forecasts& foretold) {
  require(rows.key_column != kNoColumn, "rows have a key");
  const bool intercept = options_.stream.intercept;
  ShrunkFit fit(columns());
  std::vector<double> row(columns());
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double* x = rows.row(i);
    const Key* key = predicts(rows.key(i));
    if (key) {
      foretold.predictions[i] = fit.predict(prior_, key->factor, intercept, x);
    }
    double by_the_stream = 0;
    stream_.partial_fit(rows.slice(i, 1), {{&by_the_stream, 1}});
    if (!key) {
      foretold.predictions[i] = by_the_stream;
    }
    const double root = std::sqrt(rows.weight(i));
    double* to = row.data();
    if (intercept) {
      *to++ = root;
    }
    std::transform(x, x + rows.features + 1, to, [root](double value) { return root * value; });
    if (origins_.empty()) {
      origins_.push_back({.beginning = rows.index(i)});
    }
    touch(rows.key(i), rows.index(i)).factor.fold_row(row.data());
  }
}

PerKey::Key& PerKey::touch(double key, std::uint64_t index) {
  const auto found = places_.find(key);
  if (found != places_.end()) {
    keys_.splice(keys_.end(), keys_, found->second);
  } else {
    if (keys_.size() >= options_.max_keys) {
      evict();
    }
    keys_.push_back({key + 0.0, index, Factor(columns())});  // -0.0 + 0.0 is 0.0
    places_.emplace(key, std::prev(keys_.end()));
  }
  keys_.back().last_index = index;
  return keys_.back();
}

void PerKey::evict() {
  const Key& oldest = keys_.front();
  if (KeyState state(origins_.front(), oldest.key, oldest.factor); !state.packed.empty()) {
    waiting_.push_back(std::move(state));
  }
  places_.erase(oldest.key);
  keys_.pop_front();
  ++evicted_;
}

std::vector<KeyState> PerKey::take_evicted() { return std::exchange(waiting_, {}); }

void PerKey::index_keys() {
  places_.clear();
  places_.reserve(keys_.size());
  for (auto key = keys_.begin(); key != keys_.end(); ++key) {
    places_.emplace(key->key, key);
  }
}

void PerKey::merge(const Learner& from) {
  const auto* other = dynamic_cast<const PerKey*>(&from);
  require(other && options_ == other->options_, "merged learners have the same options");
  stream_.merge(other->stream_);
  prior_rows_ = kNone;
  evicted_ += other->evicted_;
  origins_.insert(origins_.end(), other->origins_.begin(), other->origins_.end());
  for (const Key& theirs : other->keys_) {
    const auto mine = places_.find(theirs.key);
    if (mine == places_.end()) {
      keys_.push_back(theirs);
      continue;
    }
    mine->second->factor.merge(theirs.factor);
    mine->second->last_index = std::max(mine->second->last_index, theirs.last_index);
  }
  keys_.sort([](const Key& a, const Key& b) { return a.last_index < b.last_index; });
  index_keys();
}

void PerKey::see(const Learner& learner) {
  const auto* others = dynamic_cast<const PerKey*>(&learner);
  require(others && options_ == others->options_, "learners that see each other have the same options");
  stream_.see(others->stream_);
  prior_rows_ = kNone;
}

void PerKey::forget(double keep) {
  stream_.forget(keep);
  prior_rows_ = kNone;
  for (Key& key : keys_) {
    key.factor.scale(std::sqrt(keep));
  }
  for (KeyOrigin& origin : origins_) {
    origin.kept *= keep;
  }
  if (std::erase_if(origins_, [](const KeyOrigin& origin) { return origin.kept < kNothingKept; }) > 0) {
    waiting_.clear();
  }
}

std::unique_ptr<const Predictor> PerKey::predictor() const {
  const Evidence<double> all = stream_.evidence();
  std::unordered_map<double, Factor> keys;
  const bool young = is_young(all);
  if (!young) {
    keys.reserve(keys_.size());
    for (const Key& key : keys_) {
      keys.emplace(key.key, key.factor);
    }
  }
  return std::make_unique<PerKeyPredictor>(options_.stream.features, options_.stream.intercept, young,
                                           scaled_to(all, options_.shrinkage_rows), stream_.predictor(),
                                           std::move(keys));
}

void PerKey::encode(StateWriter& writer) const {
  stream_.encode(writer);
  writer.put_count(origins_.size());
  for (const KeyOrigin& origin : origins_) {
    writer.put_count(origin.beginning);
    writer.put_double(origin.kept);
  }
  writer.put_count(evicted_);
  writer.put_count(keys_.size());
  for (const Key& key : keys_) {
    writer.put_double(key.key);
    writer.put_count(key.last_index);
    writer.put_doubles(key.factor.packed());
  }
}

// States of version 3 do not tell: evicted keys were not kept then, and those to come are told apart by the rows since.
bool PerKey::decode_origins(StateReader& reader) {
  origins_.clear();
  if (reader.version() == kStateVersionOfSets) {
    origins_.resize(stream_.rows() > 0 ? 1 : 0, {.beginning = 0, .kept = 1});
    return true;
  }
  std::uint64_t count = 0;
  if (!reader.get_count_up_to(kMaxOrigins, count) || !reader.holds(2 * count)) {
    return false;
  }
  origins_.resize(static_cast<std::size_t>(count));
  return std::all_of(origins_.begin(), origins_.end(), [&](KeyOrigin& origin) {
    return reader.get_count(origin.beginning) && reader.get_double(kNothingKept, 1, origin.kept);
  });
}

DecodeError PerKey::decode(StateReader& reader) {
  if (const DecodeError damage = stream_.decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  if (!decode_origins(reader)) {
    return DecodeError::kInvalid;
  }
  std::uint64_t count = 0;
  const std::size_t numbers = 2 + Factor::packed_size(columns());
  if (!reader.get_count(evicted_) || !reader.get_count_up_to(kMaxKeys, count) || !reader.holds(count * numbers)) {
    return DecodeError::kInvalid;
  }
  keys_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t before = keys_.empty() ? 0 : keys_.back().last_index;
    Key key{0, 0, Factor(columns())};
    if (!reader.get_double(-kMaxMagnitude, kMaxMagnitude, key.key) || !reader.get_count(key.last_index) ||
        key.last_index < before || !decode_factor(reader, key.factor)) {
      return DecodeError::kInvalid;
    }
    keys_.push_back(std::move(key));
  }
  index_keys();
  prior_rows_ = kNone;
  return places_.size() == keys_.size() ? DecodeError::kNone : DecodeError::kInvalid;  // no key twice
}

std::unique_ptr<Learner> make_per_key(std::size_t features, Settings& settings) {
  PerKeyOptions options{.stream = {.features = features}};
  options.stream.intercept = settings.flag("intercept", options.stream.intercept);
  options.shrinkage_rows = settings.number("shrinkage_rows", options.shrinkage_rows, 1e-6, 1e12);
  options.max_keys = settings.count("max_keys", options.max_keys, 1, PerKey::kMaxKeys);
  return std::make_unique<PerKey>(options);
}

}  // namespace accrue::models
