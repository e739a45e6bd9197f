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
  const RowError error = lifetime_.add(row.prediction, row.target, row.weight);
  rolling_.add(error, row.index);
  if (row.weight == 0) {
    return;
  }
  static const double standard_deviations = normal_half_width(Conformal::kLevel);
  const double residual = std::abs(error.error);
  if (!std::isnan(half_width)) {
    conformal_coverage_.add(residual, half_width);
  }
  if (row.variance >= 0 && row.variance <= kMaxMagnitude * kMaxMagnitude) {
    variance_coverage_.add(residual, standard_deviations * std::sqrt(row.variance));
  }
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
  conformal_coverage_.merge(other.conformal_coverage_);
  variance_coverage_.merge(other.variance_coverage_);
}

void Metrics::encode(StateWriter& writer) const {
  lifetime_.encode(writer);
  rolling_.encode(writer);
  conformal_.encode(writer);
  conformal_coverage_.encode(writer);
  variance_coverage_.encode(writer);
}

DecodeError Metrics::decode(StateReader& reader) {
  if (const DecodeError damage = lifetime_.decode(reader); damage != DecodeError::kNone) {
    return damage;
  }
  if (reader.version() != kStateVersion) {
    return DecodeError::kNone;
  }
  const bool sane = rolling_.decode(reader) == DecodeError::kNone &&             //
                    conformal_.decode(reader) == DecodeError::kNone &&           //
                    conformal_coverage_.decode(reader) == DecodeError::kNone &&  //
                    variance_coverage_.decode(reader) == DecodeError::kNone;
  return sane ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
