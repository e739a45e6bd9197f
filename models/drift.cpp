#include "models/drift.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace accrue::models {
namespace {

constexpr double kFallenBy = 4;

}  // namespace

DriftAlarm DriftDetector::act_on(bool page_hinkley, bool adwin, std::uint64_t row_index) {
  if (page_hinkley || adwin) {
    ++alarms_;
    last_alarm_ = row_index;
    reset();
    return page_hinkley && adwin ? DriftAlarm::kBoth : page_hinkley ? DriftAlarm::kPageHinkley : DriftAlarm::kAdwin;
  }
  scale_.divide(kFallenBy);
  page_hinkley_.reset();
  adwin_.reset();
  return DriftAlarm::kNone;
}

void DriftDetector::add(const ScoredRows& rows) {
  std::array<double, Adwin::kBucketRows> relative;
  std::size_t i = 0;
  while (i < rows.count) {
    if (scale_.rows() < warm_up_rows_) {
      scale_.learn(error_of(rows.predictions[i], rows.targets[i]));
      ++i;
      continue;
    }
    const std::size_t most = std::min(rows.count - i, adwin_.rows_until_full());
    for (std::size_t k = 0; k < most; ++k) {
      relative[k] = scale_.relative(error_of(rows.predictions[i + k], rows.targets[i + k]));
    }
    const auto [count, page_hinkley] = page_hinkley_.add({relative.data(), most});
    const bool adwin = adwin_.add({relative.data(), count});
    i += count;
    if (page_hinkley || adwin || adwin_.self_weighted_mean() < kFallenMean) [[unlikely]] {
      (void)act_on(page_hinkley, adwin, rows.indices[i - 1]);
    }
  }
}

void DriftDetector::reset() {
  scale_ = {};
  page_hinkley_.reset();
  adwin_.reset();
}

void DriftDetector::merge(const DriftDetector& other) {
  alarms_ += other.alarms_;
  last_alarm_ = std::max(last_alarm_, other.last_alarm_);
  if (other.page_hinkley_.rows() > page_hinkley_.rows()) {
    scale_ = other.scale_;
    page_hinkley_ = other.page_hinkley_;
    adwin_ = other.adwin_;
  }
}

void DriftDetector::encode(StateWriter& writer) const {
  writer.put_count(alarms_);
  writer.put_count(last_alarm_);
  scale_.encode(writer);
  page_hinkley_.encode(writer);
  adwin_.encode(writer);
}

DecodeError DriftDetector::decode(StateReader& reader) {
  const bool sane = reader.get_count(alarms_) && reader.get_count(last_alarm_) &&  //
                    (alarms_ > 0 || last_alarm_ == 0) &&                           //
                    scale_.decode(reader) == DecodeError::kNone &&                 //
                    page_hinkley_.decode(reader) == DecodeError::kNone &&          //
                    adwin_.decode(reader) == DecodeError::kNone;
  return sane ? DecodeError::kNone : DecodeError::kInvalid;
}

}  // namespace accrue::models
