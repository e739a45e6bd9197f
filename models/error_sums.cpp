#include "models/error_sums.hpp"

#include <algorithm>
#include <cmath>

#include "models/block_math.hpp"
#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

constexpr double kMaxVariance = kMaxMagnitude * kMaxMagnitude;

// The sums in the order of a state, and what a row adds at most.
struct Sum {
  double (ErrorLanes::*lanes)[kErrorLanes];
  double least_of_row;
  double most_of_row;
};
constexpr Sum kSums[] = {
    {&ErrorLanes::error, -kMaxError, kMaxError},   {&ErrorLanes::squared_error, 0, kMaxSquaredError},
    {&ErrorLanes::absolute_error, 0, kMaxError},   {&ErrorLanes::squared_clipped, 0, kMaxSquaredError},
    {&ErrorLanes::absolute_clipped, 0, kMaxError}, {&ErrorLanes::relative, 0, kMaxMagnitude},
    {&ErrorLanes::target, -kMaxError, kMaxError},  {&ErrorLanes::squared_target, 0, kMaxSquaredError},
    {&ErrorLanes::conformal, 0, kMaxError},        {&ErrorLanes::variance, 0, kMaxError}};

double total(const double* lanes) { return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]); }
static_assert(kErrorLanes == 4, "as many as total adds");

}  // namespace

HalfWidths ErrorSums::half_widths(double conformal, double variance) {
  HalfWidths widths{.conformal = conformal};
  if (variance >= 0 && variance <= kMaxVariance) {
    widths.variance = kDeviations * std::sqrt(variance);
  }
  return widths;
}

void ErrorSums::add(const RowError& row, const HalfWidths& intervals) {
  require(rows_ < kMaxRows, "the rows of a pane fit in it");
  origin_ = rows_ == 0 ? row.target : origin_;
  const std::size_t lane = rows_++ % kErrorLanes;
  const double residual = std::abs(row.error);
  const double distance = row.target - origin_;
  lanes_.error[lane] += row.error;
  lanes_.squared_error[lane] += row.error * row.error;
  lanes_.absolute_error[lane] += residual;
  lanes_.squared_clipped[lane] += row.clipped_error * row.clipped_error;
  lanes_.absolute_clipped[lane] += std::abs(row.clipped_error);
  lanes_.relative[lane] += row.relative;
  lanes_.target[lane] += distance;
  lanes_.squared_target[lane] += distance * distance;
  counts_.zero_targets += row.target == 0 ? 1 : 0;
  if (!std::isnan(intervals.conformal)) {
    ++conformal_rows_;
    lanes_.conformal[lane] += intervals.conformal;
    counts_.within_conformal += residual <= intervals.conformal ? 1 : 0;
  }
  if (!std::isnan(intervals.variance)) {
    ++counts_.with_variance;
    lanes_.variance[lane] += intervals.variance;
    counts_.within_variance += residual <= intervals.variance ? 1 : 0;
  }
}

void ErrorSums::add(const ForetoldRows& rows, double* residuals) {
  const auto add_row = [&](std::size_t i) {
    const double prediction = rows.predictions[i];
    const RowError error(prediction, clipped(prediction, rows.lowest, rows.highest), rows.targets[i], 1);
    add(error, half_widths(rows.half_width, rows.variances[i]));
    residuals[i] = std::abs(error.error);
  };
  std::size_t i = 0;
  for (; i < rows.count && (rows_ == 0 || rows_ % kErrorLanes != 0); ++i) {
    add_row(i);
  }
  if (const std::size_t count = (rows.count - i) / kErrorLanes * kErrorLanes; count > 0) {
    require(rows_ + count <= kMaxRows, "the rows of a pane fit in it");
    const ForetoldRows whole{.predictions = rows.predictions + i,
                             .targets = rows.targets + i,
                             .variances = rows.variances + i,
                             .count = count,
                             .lowest = rows.lowest,
                             .highest = rows.highest,
                             .half_width = rows.half_width};
    const ErrorBounds bounds{
        .origin = origin_, .deviations = kDeviations, .max_variance = kMaxVariance, .max_relative = kMaxMagnitude};
    block_kernels().sum_errors(whole, bounds, residuals + i, lanes_, counts_);
    rows_ += count;
    conformal_rows_ += std::isnan(rows.half_width) ? 0 : count;
    i += count;
  }
  for (; i < rows.count; ++i) {
    add_row(i);
  }
}

ErrorMeans ErrorSums::error() const {
  if (rows_ == 0) {
    return {};
  }
  const auto n = static_cast<double>(rows_);
  const auto relative_rows = static_cast<double>(rows_ - counts_.zero_targets);
  const double distance = total(lanes_.target) / n;
  // The first row's distance is 0, so the rows vary no less about their mean than that lies from the origin, by n.
  const double variance = std::max(0.0, total(lanes_.squared_target) / n - distance * distance);
  return {rows_, counts_.zero_targets,
          ErrorMeans::Means{.mse = total(lanes_.squared_error) / n,
                            .mae = total(lanes_.absolute_error) / n,
                            .mse_clipped = total(lanes_.squared_clipped) / n,
                            .mae_clipped = total(lanes_.absolute_clipped) / n,
                            .target_mean = origin_ + distance,
                            .target_variance = variance,
                            .bias = total(lanes_.error) / n,
                            .mape = relative_rows > 0 ? total(lanes_.relative) / relative_rows : 0}};
}

Coverages ErrorSums::coverage() const {
  const auto mean = [](const double* lanes, std::size_t rows) {
    return rows > 0 ? total(lanes) / static_cast<double>(rows) : 0;
  };
  return {{conformal_rows_, counts_.within_conformal, mean(lanes_.conformal, conformal_rows_)},
          {counts_.with_variance, counts_.within_variance, mean(lanes_.variance, counts_.with_variance)}};
}

void ErrorSums::encode(StateWriter& writer) const {
  writer.put_count(rows_);
  if (rows_ == 0) {
    return;
  }
  writer.put_count(counts_.zero_targets);
  writer.put_count(conformal_rows_);
  writer.put_count(counts_.within_conformal);
  writer.put_count(counts_.with_variance);
  writer.put_count(counts_.within_variance);
  writer.put_double(origin_);
  for (const Sum& sum : kSums) {
    writer.put_doubles(lanes_.*sum.lanes);
  }
}

DecodeError ErrorSums::decode(StateReader& reader) {
  ErrorSums sums;
  const auto get = [&reader](std::size_t most, std::size_t& count) {
    std::uint64_t value = 0;
    const bool sane = reader.get_count_up_to(most, value);
    count = static_cast<std::size_t>(value);
    return sane;
  };
  if (!get(kMaxRows, sums.rows_)) {
    return DecodeError::kInvalid;
  }
  if (sums.rows_ > 0) {
    bool sane = get(sums.rows_, sums.counts_.zero_targets) &&                     //
                get(sums.rows_, sums.conformal_rows_) &&                          //
                get(sums.conformal_rows_, sums.counts_.within_conformal) &&       //
                get(sums.rows_, sums.counts_.with_variance) &&                    //
                get(sums.counts_.with_variance, sums.counts_.within_variance) &&  //
                reader.get_double(-kMaxMagnitude, kMaxMagnitude, sums.origin_);
    const auto rows = static_cast<double>(sums.rows_);
    for (const Sum& sum : kSums) {
      sane = sane && reader.get_doubles(rows * sum.least_of_row, rows * sum.most_of_row, sums.lanes_.*sum.lanes);
    }
    if (!sane) {
      return DecodeError::kInvalid;
    }
  }
  *this = sums;
  return DecodeError::kNone;
}

}  // namespace accrue::models
