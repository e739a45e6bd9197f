#include "models/page_hinkley.hpp"

#include <algorithm>

namespace accrue::models {

PageHinkley::Added PageHinkley::add(std::span<const double> errors) {
  double sum = sum_;
  double excess = excess_;
  double most = 0;
  const double zero = 0 * sum_;  // with one that it knows, GCC makes the maximum a jump that nobody can foretell
  auto rows = static_cast<double>(rows_);
  for (const double error : errors) {
    rows += 1;
    sum += error;
    excess = next_excess(excess, error, sum, rows, zero);
    most = std::max(most, excess);
  }
  if (most <= kThreshold) [[likely]] {
    rows_ += errors.size();
    sum_ = sum;
    excess_ = excess;
    return {errors.size(), false};
  }
  std::size_t values = 0;
  while (!add(errors[values++])) {
  }
  return {values, true};
}

void PageHinkley::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  writer.put_double(sum_);
  writer.put_double(excess_);
}

DecodeError PageHinkley::decode(StateReader& reader) {
  const bool sane = reader.get_count(rows_) && reader.get_double(0, static_cast<double>(rows_), sum_) &&
                    reader.get_double(0, std::min(kThreshold, static_cast<double>(rows_)), excess_);
  return sane ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
