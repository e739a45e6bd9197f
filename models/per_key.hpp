// PerKey: a linear model for every key of a stream (a store, a sensor), each shrunk towards the stream's own.
//
// A key's model is the least-squares fit of the rows of that key, and of shrinkage_rows rows more that are as the rows
// of the whole stream are: the stream's factor, scaled to weigh that much. A key with few rows predicts as the stream
// does, one with many as its own rows say, and one never seen exactly as the stream. Keys are equal when their numbers
// are; 0 and -0 are one key.
//
// At most max_keys are held; the one whose last row is the longest ago goes when another comes. What was known of it is
// handed out (take_evicted), for somebody to keep, and to predict with (Predictor::predict_with): that is exact. Here
// it is forgotten: a key that comes back begins anew, and predicts as the stream until it has rows again, which is what
// is scored. What the stream learned of its rows stays. The merge of several partitions may hold max_keys of each.
//
// The merge is exact: a key's factor is that of all its rows since it was evicted, wherever they went. While partitions
// are apart, rows of a key in another partition are not known to this one; partition by the key.
//
// Threads, errors: as Learner says. Shapes: a row has the features, and RowsView::key_column; a row to predict is the
// features and, behind them, the key.
// Settings: group_by = key asks for this; intercept (true), shrinkage_rows (20), max_keys (100,000).
// Costs: learning, predicting O(d^3) a row; memory 8 bytes for each of (d + 2)(d + 3) / 2 numbers a key, and 250 more.
// What was evicted and is not taken yet takes about as much as the rows did, and never more than those numbers a key.
// Source: shrinkage by prior rows: Zellner, "On assessing prior distributions and Bayesian regression analysis with
// g-prior distributions" (1986), in the form of data; the estimates: Lindley and Smith, "Bayes estimates for the linear
// model", J. R. Statist. Soc. B 34 (1972).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "models/factor.hpp"
#include "models/learner.hpp"
#include "models/least_squares.hpp"
#include "models/settings.hpp"

namespace accrue::models {

struct PerKeyOptions {
  LeastSquaresOptions stream;
  double shrinkage_rows = 20;
  std::size_t max_keys = 100'000;

  bool operator==(const PerKeyOptions&) const = default;
};

class PerKey final : public Learner {
 public:
  static constexpr std::size_t kMaxKeys = 10'000'000;

  explicit PerKey(const PerKeyOptions& options);
  PerKey(const PerKey& other);
  PerKey(PerKey&&) = default;
  PerKey& operator=(const PerKey&) = delete;
  PerKey& operator=(PerKey&&) = default;
  ~PerKey() override = default;

  std::unique_ptr<Learner> clone() const override { return std::make_unique<PerKey>(*this); }
  void partial_fit(const RowsView& rows, const Forecasts& foretold) override;
  Forecast forecast(const RowsView& rows, std::size_t i) override;
  void merge(const Learner& other) override;
  void see(const Learner& others) override;
  void forget(double keep) override;
  std::unique_ptr<const Predictor> predictor() const override;
  /// The stream's.
  Summary describe() const override { return stream_.describe(); }
  std::uint64_t rows() const override { return stream_.rows(); }
  bool needs_key() const override { return true; }
  std::optional<KeyFigures> keys() const override { return KeyFigures{places_.size(), evicted_, origins_}; }
  std::vector<KeyState> take_evicted() override;

  void encode(StateWriter& writer) const override;
  [[nodiscard]] DecodeError decode(StateReader& reader) override;

 private:
  struct Key {
    double key;
    std::uint64_t last_index;  // of its newest row
    Factor factor;
  };
  using Keys = std::list<Key>;  // the longest unseen first

  std::size_t columns() const { return options_.stream.features + (options_.stream.intercept ? 2 : 1); }
  const Key* predicts(double key);
  Key& touch(double key, std::uint64_t index);
  void evict();
  void index_keys();
  [[nodiscard]] bool decode_origins(StateReader& reader);

  PerKeyOptions options_;
  LeastSquares stream_;
  Keys keys_;
  std::unordered_map<double, Keys::iterator> places_;
  std::uint64_t evicted_ = 0;
  std::vector<KeyOrigin> origins_;  // its own, once it has learned a row, and of those merged into it
  std::vector<KeyState> waiting_;   // evicted and not taken yet
  Factor prior_;                    // of what the stream knows,
  double prior_rows_ = std::numeric_limits<double>::quiet_NaN();  // when it had so many rows
};

/// Reads the settings above.
std::unique_ptr<Learner> make_per_key(std::size_t features, Settings& settings);

}  // namespace accrue::models
