#include "models/coverage.hpp"

#include <algorithm>
#include <limits>

#include "models/error_means.hpp"
#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void Coverage::merge(const Coverage& other) {
  if (other.rows_ == 0) {
    return;
  }
  rows_ += other.rows_;
  covered_ += other.covered_;
  blend(half_width_, other.half_width_, static_cast<double>(other.rows_) / static_cast<double>(rows_));
}

Coverage Coverage::since(const Coverage& before) const {
  require(rows_ >= before.rows_ && covered_ >= before.covered_, "a coverage grows from an earlier one of its own");
  Coverage later;
  later.rows_ = rows_ - before.rows_;
  later.covered_ = covered_ - before.covered_;
  if (later.rows_ > 0) {
    const double ratio = static_cast<double>(before.rows_) / static_cast<double>(later.rows_);
    later.half_width_ = std::max(0.0, bounded(half_width_ + (half_width_ - before.half_width_) * ratio, kMaxError));
  }
  return later;
}

double Coverage::rate() const { return rows_ > 0 ? static_cast<double>(covered_) / static_cast<double>(rows_) : kNaN; }
double Coverage::mean_width() const { return rows_ > 0 ? 2 * half_width_ : kNaN; }

void Coverage::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  writer.put_count(covered_);
  writer.put_double(half_width_);
}

DecodeError Coverage::decode(StateReader& reader) {
  Coverage coverage;
  if (!reader.get_count(coverage.rows_) || !reader.get_count_up_to(coverage.rows_, coverage.covered_) ||
      !reader.get_double(0, kMaxError, coverage.half_width_)) {
    return DecodeError::kInvalid;
  }
  *this = coverage;
  return DecodeError::kNone;
}

void Coverages::merge(const Coverages& other) {
  conformal.merge(other.conformal);
  variance.merge(other.variance);
}

void Coverages::encode(StateWriter& writer) const {
  conformal.encode(writer);
  variance.encode(writer);
}

DecodeError Coverages::decode(StateReader& reader) {
  const DecodeError damage = conformal.decode(reader);
  return damage == DecodeError::kNone ? variance.decode(reader) : damage;
}

}  // namespace accrue::models
