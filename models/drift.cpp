#include "models/drift.hpp"

#include <algorithm>
#include <cmath>

namespace accrue::models {
namespace {

constexpr double kRounding = 1e-9;

// Weighted by itself the mean of the relative errors is 0.59 at first, if the errors are normal, and 0.31 when they
// have fallen to a quarter. It does not count errors of 0, which no scale could make larger.
constexpr double kFallenMean = 0.31;
constexpr double kFallenBy = 4;

}  // namespace

DriftAlarm DriftDetector::add(double prediction, double target, std::uint64_t row_index) {
  const double difference = std::abs(prediction - target);
  const bool is_rounding = difference <= kRounding * (std::abs(prediction) + std::abs(target));
  const double error = is_rounding ? 0 : difference;
  if (scale_.rows() < warm_up_rows_) {
    scale_.learn(error);
    return DriftAlarm::kNone;
  }
  const double relative = scale_.relative(error);
  const bool page_hinkley = page_hinkley_.add(relative);
  const bool adwin = adwin_.add(relative);
  if (page_hinkley || adwin) [[unlikely]] {
    ++alarms_;
    last_alarm_ = row_index;
    reset();
    return page_hinkley && adwin ? DriftAlarm::kBoth : page_hinkley ? DriftAlarm::kPageHinkley : DriftAlarm::kAdwin;
  }
  if (adwin_.self_weighted_mean() < kFallenMean) [[unlikely]] {
    scale_.divide(kFallenBy);
    page_hinkley_.reset();
    adwin_.reset();
  }
  return DriftAlarm::kNone;
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
