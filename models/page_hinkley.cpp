#include "models/page_hinkley.hpp"

#include <algorithm>

namespace accrue::models {

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
