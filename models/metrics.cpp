#include "models/metrics.hpp"

#include <cmath>
#include <limits>

#include "models/normal_quantile.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double Metrics::half_width() const { return conformal_.recent_half_width().value_or(kNaN); }

void Metrics::add(const Scored& row, double half_width) {
  static const double standard_deviations = normal_half_width(Conformal::kLevel);
  const RowError error = lifetime_.add(row.prediction, row.target, row.weight);
  HalfWidths intervals{.conformal = half_width};
  if (row.variance >= 0 && row.variance <= kMaxMagnitude * kMaxMagnitude) {
    intervals.variance = standard_deviations * std::sqrt(row.variance);
  }
  rolling_.add(error, intervals, row.index);
  if (row.weight == 0) {
    return;
  }
  const double residual = std::abs(error.error);
  coverage_.add(residual, intervals);
  conformal_.add(residual, row.index);
}

Metrics Metrics::as_seen_by_others() const {
  Metrics seen;
  seen.lifetime_ = lifetime_;
  return seen;
}

void Metrics::merge(const Metrics& other) {
  lifetime_.merge(other.lifetime_);
  rolling_.merge(other.rolling_);
  conformal_.merge(other.conformal_);
  coverage_.merge(other.coverage_);
}

void Metrics::encode(StateWriter& writer) const {
  lifetime_.encode(writer);
  rolling_.encode(writer);
  conformal_.encode(writer);
  coverage_.encode(writer);
}

DecodeError Metrics::decode(StateReader& reader) {
  if (const DecodeError damage = lifetime_.decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  if (reader.version() < kStateVersionOfSets) {
    return DecodeError::kNone;
  }
  const bool sane = rolling_.decode(reader) == DecodeError::kNone &&    //
                    conformal_.decode(reader) == DecodeError::kNone &&  //
                    coverage_.decode(reader) == DecodeError::kNone;
  return sane ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
