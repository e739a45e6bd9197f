// Adaptive: a bank of exact learners that remember for longer and shorter, mixed by how well each has predicted lately.
// The best answer without tuning, on steady streams and on those that drift.
//
// The bank: LeastSquares without forgetting, and with memories of 50, 250, 1,250, 6,250 and 31,250 rows (a row's weight
// falls to 1/e within the memory; each is at least five rows a coefficient, as fewer predict noise). A prediction is
// the mean of theirs, each kept within the targets seen so far, weighted by loss^(-n/4): a learner's loss is the sum of
// its squared errors, n the count of rows, and in both each row counts 2% less than the next, whatever its weight (but
// 0). That is the root of the likelihood of normal errors of unknown size: it has no scale that would have to be set.
//
// Rows are forgotten by the stream's global index (RowsView::index), so the bank is exact under partitioning: a merge
// of the banks of partitions has the factors of one bank of all rows, to rounding. The losses that it pools were made
// by each partition's own predictions, and are those of the whole as far as these were (see): weights, and so
// predictions, of a merge and of one bank of all rows differ by that.
//
// Threads, errors: as Learner says. Shapes: a row has the learner's features; d below is their number plus two.
// Costs: learning O(d^2) a row for each of six learners; merge, see, predictor, describe six times that of
// LeastSquares. Numbers: as LeastSquares. Settings: intercept (true), clip (observed: keep predictions within the
// targets seen; none: only the losses are). Sources: mixing by exponential weights: Vovk, "Aggregating strategies"
// (1990); Cesa-Bianchi and Lugosi, "Prediction, Learning, and Games" (2006), 2 and 3, discounted as in 2.11; a bank
// over forgetting factors: dynamic model averaging, Raftery, Karny and Ettler, "Online prediction under model
// uncertainty via dynamic model averaging", Technometrics 52 (2010).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/learner.hpp"
#include "models/least_squares.hpp"
#include "models/settings.hpp"

namespace accrue::models {

struct AdaptiveOptions {
  std::size_t features;
  bool intercept = true;
  bool clip = true;

  bool operator==(const AdaptiveOptions&) const = default;
};

class Adaptive final : public Learner {
 public:
  static constexpr std::size_t kLearners = 6;
  static constexpr double kPower = 0.25;
  static constexpr double kDiscount = 0.98;  // of losses and their count, a row

  explicit Adaptive(const AdaptiveOptions& options);

  std::unique_ptr<Learner> clone() const override { return std::make_unique<Adaptive>(*this); }
  void partial_fit(const RowsView& rows, const Forecasts& foretold) override;
  Forecast forecast(const RowsView& rows, std::size_t i) override;
  bool knows_variance() const override { return true; }
  void merge(const Learner& other) override;
  void see(const Learner& others) override;
  void forget(double keep) override;
  std::unique_ptr<const Predictor> predictor() const override;
  /// The bank's coefficients, weighted as its predictions are; no standard errors.
  Summary describe() const override;
  std::uint64_t rows() const override { return bank_.front().rows(); }

  void encode(StateWriter& writer) const override;
  [[nodiscard]] DecodeError decode(StateReader& reader) override;

  /// The one that forgets nothing first, then those that remember for shorter and shorter.
  std::span<const LeastSquares> bank() const { return bank_; }
  /// How much each learner of the bank counts at the moment; they add up to 1.
  std::array<double, kLearners> weights() const { return own_.weights(); }

 private:
  using Losses = std::array<double, kLearners>;

  // What the mixture goes by, of own rows or of those of others.
  struct Record {
    Losses losses{};          // in squared units of the target, as of row `clock`
    double rows = 0;          // discounted as the losses are
    std::uint64_t clock = 0;  // the index of the newest row
    bool any = false;         // whether there was a row of positive weight; if not the rest has no meaning
    double lowest = 0;        // target
    double highest = 0;

    void discount_to(std::uint64_t index);
    void add(const Losses& row_losses, std::uint64_t index, double target);
    std::array<double, kLearners> weights() const;
    /// What the weights are the powers of, but for their sum.
    void put_powers(double* bases, double* exponents) const;
    double clip(double prediction) const { return any ? std::clamp(prediction, lowest, highest) : prediction; }
    void merge(const Record& other);
    void encode(StateWriter& writer) const;
    [[nodiscard]] bool decode(StateReader& reader);
  };

  static constexpr std::size_t kTogether = 64;  // rows, a multiple of kMaxVector

  Record known() const;  // own and others'
  void mix(const RowsView& rows, std::size_t first, std::size_t count, const Forecasts& foretold);

  AdaptiveOptions options_;
  std::vector<LeastSquares> bank_;
  Record own_;
  std::optional<Record> others_;
  // Scratch: of each learner, for each row of a call.
  std::vector<double> predictions_;
  std::vector<double> variances_;
};

/// Reads the settings intercept and clip.
std::unique_ptr<Learner> make_adaptive(std::size_t features, Settings& settings);

}  // namespace accrue::models
