// The bytes of least squares, and how it is made from settings: the part of least_squares.hpp that is not mathematics.
#include <algorithm>
#include <utility>

#include "models/least_squares.hpp"

namespace accrue::models {
namespace {

// Of the options that all of its kind have.
LeastSquaresOptions common_options(std::size_t features, Settings& settings) {
  LeastSquaresOptions options{.features = features};
  options.intercept = settings.flag("intercept", options.intercept);
  options.forgetting = read_forgetting(settings);
  return options;
}

std::unique_ptr<Learner> make(const LeastSquaresOptions& options, Settings& settings) {
  if (settings.choice("precision", {"double", "extended"}) == "extended") {
    return std::make_unique<BasicLeastSquares<long double>>(options);
  }
  return std::make_unique<LeastSquares>(options);
}

// Version 1 kept the rows that wait column by column, each multiplied by the root of its weight.
[[nodiscard]] bool fold_columns(StateReader& reader, std::size_t rows, Factor& factor) {
  if (!reader.holds(rows * factor.columns())) {
    return false;
  }
  std::vector<double> block(rows * factor.columns());
  if (!reader.get_doubles(-kMaxStateMagnitude, kMaxStateMagnitude, block)) {
    return false;
  }
  if (rows > 0) {
    factor.fold_block(block.data(), rows, rows);
  }
  return true;
}

}  // namespace

template <class Real>
void BasicLeastSquares<Real>::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  memory_.encode(writer);
  writer.put_count(waiting_.count());
  waiting_.encode(writer);
  writer.put_count(others_ ? 1 : 0);
  if (others_) {
    others_->encode(writer);
  }
}

template <class Real>
DecodeError BasicLeastSquares<Real>::decode(StateReader& reader) {
  return decode_state(reader) ? DecodeError::kNone : DecodeError::kInvalid;
}

template <class Real>
bool BasicLeastSquares<Real>::decode_state(StateReader& reader) {
  std::uint64_t waiting = 0;
  bool has_others = false;
  if (!reader.get_count(rows_) || !memory_.decode(reader) || !reader.get_count_up_to(kMaxBlock - 1, waiting) ||
      waiting > rows_ || !waiting_.decode(reader, static_cast<std::size_t>(waiting)) || !reader.get_flag(has_others)) {
    return false;
  }
  for (std::size_t i = 1; i < waiting_.count(); ++i) {
    if (options_.forgetting.are_apart(waiting_.clock(0), waiting_.clock(i))) {
      return false;
    }
  }
  others_.reset();
  if (has_others && !others_.emplace(columns(), options_.forgetting).decode(reader)) {
    return false;
  }
  known_is_current_ = false;
  scoring_is_current_ = false;
  return true;
}

template <>
DecodeError BasicLeastSquares<double>::decode_with_options(StateReader& reader,
                                                           std::optional<BasicLeastSquares<double>>& out) {
  out.reset();
  std::uint64_t features = 0;
  bool intercept = false;
  double ridge = 0;
  if (!reader.get_count_up_to(kMaxFeatures, features) || features < 1 || !reader.get_flag(intercept) ||
      !reader.get_double(0, kMaxMagnitude, ridge)) {
    return DecodeError::kInvalid;
  }
  const std::size_t columns = static_cast<std::size_t>(features) + (intercept ? 2 : 1);
  std::uint64_t rows = 0;
  std::uint64_t positive_rows = 0;
  std::uint64_t waiting = 0;
  double weights = 0;
  double folded_weights = 0;
  if (!reader.get_count(rows) || !reader.get_count_up_to(rows, positive_rows) ||
      !reader.get_count_up_to(std::min<std::uint64_t>(rows, kMaxBlock - 1), waiting) ||
      !reader.get_double(0, kMaxStateMagnitude, weights) || !reader.get_double(0, weights, folded_weights) ||
      !reader.holds(Factor::packed_size(columns)) || (waiting == 0 && folded_weights != weights)) {
    return DecodeError::kInvalid;
  }
  const auto evidence = [&](double all, double positive, double weight) {
    Evidence<double> result(columns);
    result.amount = {all, positive, weight};
    result.clock = all > 0 ? 0 : Evidence<double>::kNoClock;
    return result;
  };
  LeastSquares learner({static_cast<std::size_t>(features), intercept, ridge});
  Evidence<double> own = evidence(static_cast<double>(rows), static_cast<double>(positive_rows), weights);
  if (!decode_factor(reader, own.factor) || !fold_columns(reader, static_cast<std::size_t>(waiting), own.factor)) {
    return DecodeError::kInvalid;
  }
  learner.rows_ = rows;
  learner.memory_.restore(std::move(own));
  if (reader.version() == kStateVersionWithOthers) {
    std::uint64_t others_rows = 0;
    if (!reader.get_count(others_rows) || !reader.get_double(0, kMaxStateMagnitude, weights)) {
      return DecodeError::kInvalid;
    }
    Evidence<double> others = evidence(static_cast<double>(others_rows), static_cast<double>(others_rows), weights);
    if (!decode_factor(reader, others.factor)) {
      return DecodeError::kInvalid;
    }
    learner.others_.emplace(columns, Forgetting{}).restore(std::move(others));
  }
  out = std::move(learner);
  return DecodeError::kNone;
}

std::unique_ptr<Learner> make_least_squares(std::size_t features, Settings& settings) {
  LeastSquaresOptions options = common_options(features, settings);
  options.ridge = settings.number("ridge", options.ridge, 0, kMaxMagnitude);
  return make(options, settings);
}

std::unique_ptr<Learner> make_bayesian(std::size_t features, Settings& settings) {
  constexpr double kSmallest = 1 / kMaxMagnitude;
  LeastSquaresOptions options = common_options(features, settings);
  options.prior_precision = settings.number("prior_precision", 1, kSmallest, kMaxMagnitude);
  options.noise_variance = settings.number("noise_variance", 0, kSmallest, kMaxMagnitude);
  return make(options, settings);
}

template void BasicLeastSquares<double>::encode(StateWriter&) const;
template void BasicLeastSquares<long double>::encode(StateWriter&) const;
template DecodeError BasicLeastSquares<double>::decode(StateReader&);
template DecodeError BasicLeastSquares<long double>::decode(StateReader&);

}  // namespace accrue::models
