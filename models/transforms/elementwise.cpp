// The transforms that make a column's value into another one, and leave the other columns as they are.
#include <cmath>
#include <string_view>
#include <utility>

#include "models/require.hpp"
#include "models/rows.hpp"
#include "models/settings.hpp"
#include "models/transforms/column_moments.hpp"
#include "models/transforms/makers.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

/// Of the value alone.
template <class Function>
class Elementwise final : public Transform {
 public:
  Elementwise(Columns columns, Function function) : columns_(std::move(columns)), function_(function) {}

  std::unique_ptr<Transform> clone() const override { return std::make_unique<Elementwise>(*this); }

  void transform(double* x) const override {
    for (const std::size_t column : columns_) {
      x[column] = function_(x[column]);
    }
  }

 private:
  Columns columns_;
  Function function_;
};

/// Of the value and what is known of its column.
template <class Function>
class ByMoments final : public Transform {
 public:
  explicit ByMoments(Columns columns) : columns_(std::move(columns)), moments_(columns_.size()) {}

  std::unique_ptr<Transform> clone() const override { return std::make_unique<ByMoments>(*this); }

  void transform(double* x) const override {
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      double& value = x[columns_[k]];
      value = Function()(value, moments_.known(k));
    }
  }

  void learn(double* x, double weight) override {
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      double& value = x[columns_[k]];
      const double came = value;
      value = Function()(came, moments_.known(k));
      moments_.add(k, came, weight);
    }
  }

  void see(const Transform& others) override { moments_.see(same_kind(others).moments_); }
  void merge(const Transform& other) override { moments_.merge(same_kind(other).moments_); }

  void encode(StateWriter& writer) const override { moments_.encode(writer); }
  [[nodiscard]] DecodeError decode(StateReader& reader) override { return moments_.decode(reader); }

 private:
  static const ByMoments& same_kind(const Transform& transform) {
    const auto* same = dynamic_cast<const ByMoments*>(&transform);
    require(same != nullptr, "a transform meets its like");
    return *same;
  }

  Columns columns_;
  ColumnMoments moments_;
};

struct Scaled {
  double operator()(double value, const Moments& known) const {
    if (known.variance > 0) {
      return clipped((value - known.mean) / std::sqrt(known.variance), -kMaxMagnitude, kMaxMagnitude);
    }
    return std::isnan(value) ? value : 0;
  }
};

struct MeanIfMissing {
  double operator()(double value, const Moments& known) const {
    return std::isnan(value) ? clipped(known.mean, -kMaxMagnitude, kMaxMagnitude) : value;
  }
};

double number(std::string_view what, const std::string& text) {
  return Settings({{std::string(what), text}}).number(what, 0, -kMaxMagnitude, kMaxMagnitude);
}

}  // namespace

std::unique_ptr<Transform> make_impute(Arguments arguments, Columns columns, Names& /*names*/) {
  if (arguments[0] == "mean") {
    return std::make_unique<ByMoments<MeanIfMissing>>(std::move(columns));
  }
  const double otherwise = number("what is put in unless it is the mean", arguments[0]);
  const auto or_number = [otherwise](double value) { return std::isnan(value) ? otherwise : value; };
  return std::make_unique<Elementwise<decltype(or_number)>>(std::move(columns), or_number);
}

std::unique_ptr<Transform> make_log1p(Arguments /*arguments*/, Columns columns, Names& /*names*/) {
  const auto signed_log1p = [](double value) { return std::copysign(std::log1p(std::abs(value)), value); };
  return std::make_unique<Elementwise<decltype(signed_log1p)>>(std::move(columns), signed_log1p);
}

std::unique_ptr<Transform> make_clip(Arguments arguments, Columns columns, Names& /*names*/) {
  const double lowest = number("the lowest value", arguments[0]);
  const double highest = number("the highest value", arguments[1]);
  if (lowest > highest) {
    throw std::invalid_argument("the lowest value, " + shortest(lowest) + ", is above the highest, " +
                                shortest(highest));
  }
  const auto nearest = [=](double value) { return clipped(value, lowest, highest); };
  return std::make_unique<Elementwise<decltype(nearest)>>(std::move(columns), nearest);
}

std::unique_ptr<Transform> make_standard_scaler(Arguments /*arguments*/, Columns columns, Names& /*names*/) {
  return std::make_unique<ByMoments<Scaled>>(std::move(columns));
}

}  // namespace accrue::models
