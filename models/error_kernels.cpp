#include "models/error_kernels.hpp"

#include <cstring>

// Compiled once for each kind of processor, as block_kernels.cpp.

namespace accrue::models::ACCRUE_KIND {
namespace {

// Of the lanes that the sums over errors are kept in, as many as a register holds.
constexpr std::size_t kVector = ACCRUE_VECTOR < kErrorLanes ? ACCRUE_VECTOR : kErrorLanes;

using Vector [[gnu::vector_size(kVector * sizeof(double))]] = double;
using Mask [[gnu::vector_size(kVector * sizeof(double))]] = long long;  // what a comparison answers

inline Vector load(const double* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

inline void store(double* to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }

inline Vector magnitude(Vector x) { return x < 0.0 ? -x : x; }

inline Vector root(Vector x) {
  double lanes[kVector];
  store(lanes, x);
  for (double& lane : lanes) {
    lane = __builtin_sqrt(lane);
  }
  return load(lanes);
}

inline void add_to(double* sums, Vector x) { store(sums, load(sums) + x); }

inline std::size_t count_of(Mask holds) {
  long long lanes[kVector];
  std::memcpy(lanes, &holds, sizeof lanes);
  long long count = 0;
  for (const long long lane : lanes) {
    count -= lane;
  }
  return static_cast<std::size_t>(count);
}

// The rows that add to lanes from `lane` on: row `lane`, and each kErrorLanes after it.
inline void sum_errors_of_lanes(const ForetoldRows& rows, const ErrorBounds& bounds, std::size_t lane,
                                double* residuals, ErrorLanes& lanes, ErrorCounts& counts) {
  const Vector none{};
  const Vector lowest = none + rows.lowest;
  const Vector highest = none + rows.highest;
  const Vector half_width = none + (rows.half_width == rows.half_width ? rows.half_width : 0.0);
  ErrorLanes sums = lanes;
  Mask zero_targets{};
  Mask within_conformal{};
  Mask with_variance{};
  Mask within_variance{};
  for (std::size_t i = lane; i < rows.count; i += kErrorLanes) {
    const Vector prediction = load(rows.predictions + i);
    const Vector target = load(rows.targets + i);
    const Vector variance = load(rows.variances + i);
    const Vector error = prediction - target;
    const Vector residual = magnitude(error);
    const Vector clipped = prediction < lowest ? lowest : highest < prediction ? highest : prediction;
    const Vector clipped_error = clipped - target;
    const Vector ratio = magnitude(error / target);
    const Vector distance = target - bounds.origin;
    const Mask known = (variance >= 0.0) & (variance <= bounds.max_variance);
    const Vector reach = known ? bounds.deviations * root(variance) : none;
    store(residuals + i, residual);
    add_to(sums.error + lane, error);
    add_to(sums.squared_error + lane, error * error);
    add_to(sums.absolute_error + lane, residual);
    add_to(sums.squared_clipped + lane, clipped_error * clipped_error);
    add_to(sums.absolute_clipped + lane, magnitude(clipped_error));
    add_to(sums.relative + lane, target == 0.0                 ? none
                                 : bounds.max_relative < ratio ? none + bounds.max_relative
                                                               : ratio);
    add_to(sums.target + lane, distance);
    add_to(sums.squared_target + lane, distance * distance);
    add_to(sums.conformal + lane, half_width);
    add_to(sums.variance + lane, reach);
    zero_targets += target == 0.0;
    within_conformal += residual <= rows.half_width;
    with_variance += known;
    within_variance += known & (residual <= reach);
  }
  lanes = sums;
  counts.zero_targets += count_of(zero_targets);
  counts.within_conformal += count_of(within_conformal);
  counts.with_variance += count_of(with_variance);
  counts.within_variance += count_of(within_variance);
}

}  // namespace

void sum_errors(const ForetoldRows& rows, const ErrorBounds& bounds, double* residuals, ErrorLanes& lanes,
                ErrorCounts& counts) {
  for (std::size_t lane = 0; lane < kErrorLanes; lane += kVector) {
    sum_errors_of_lanes(rows, bounds, lane, residuals, lanes, counts);
  }
}

bool cuts_beyond(const double* cut_rows, const double* cut_sums, std::size_t cuts, const CutBounds& bounds,
                 double* beyond) {
  Mask any{};
  for (std::size_t i = 0; i < cuts; i += kVector) {
    const Vector rows = load(cut_rows + i);
    const Vector rise = bounds.mean * rows - load(cut_sums + i);
    const Vector rest = magnitude(rise) - bounds.always;
    const Vector by_chance = bounds.by_chance * rows * (bounds.rows - rows);
    const Vector squared = rest < 0.0 ? rest : rest * rest;
    const Vector result = squared - by_chance;
    any |= result > 0.0;
    store(beyond + i, result);
  }
  long long lanes[kVector];
  std::memcpy(lanes, &any, sizeof lanes);
  long long found = 0;
  for (const long long lane : lanes) {
    found |= lane;
  }
  return found != 0;
}

}  // namespace accrue::models::ACCRUE_KIND
