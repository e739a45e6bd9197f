#include "models/error_scale.hpp"

#include "models/rows.hpp"

namespace accrue::models {
namespace {

constexpr double kQuickRows = 32;                // after which steps have become half as large
constexpr double kMaxScale = 4 * kMaxMagnitude;  // 3/2 of the largest error, with room

}  // namespace

void ErrorScale::learn(double error) {
  if (error > 0) {
    if (scale_ == 0) {
      scale_ = error;
    }
    const double step = kQuickRows / (kQuickRows + static_cast<double>(rows_));
    scale_ *= 1 + step * (relative(error) - 0.5);
  }
  ++rows_;
}

void ErrorScale::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  writer.put_double(scale_);
}

DecodeError ErrorScale::decode(StateReader& reader) {
  return reader.get_count(rows_) && reader.get_double(0, kMaxScale, scale_) ? DecodeError::kNone
                                                                            : DecodeError::kInvalid;
}

}  // namespace accrue::models
