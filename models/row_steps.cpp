#include "models/row_steps.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "models/block_kernels.hpp"
#include "models/solve.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {

template <class Real>
void RowSteps<Real>::start(const BasicFactor<Real>& factor) {
  const std::size_t columns = factor.columns();
  squares_.assign(columns, Real{0});
  inverse_diagonal_.resize(columns - 1);
  parts_.resize(columns - 1);
  row_.resize(columns);
  for (std::size_t i = 0; i < factor.columns(); ++i) {
    const Real* r = factor.row(i);
    for (std::size_t k = i; k < factor.columns(); ++k) {
      squares_[k] += r[k] * r[k];
    }
  }
  check(factor);
}

template <class Real>
void RowSteps<Real>::check(const BasicFactor<Real>& factor) {
  constexpr Real kMostSquares = 1 / (kRankTolerance<Real> * kRankTolerance<Real>);
  is_regular_ = true;
  for (std::size_t j = 0; j < inverse_diagonal_.size(); ++j) {
    inverse_diagonal_[j] = 1 / factor.diagonal(j);
    const Real share = squares_[j] * inverse_diagonal_[j] * inverse_diagonal_[j];
    is_regular_ = is_regular_ && share < kMostSquares;  // false of what is not a number
  }
}

template <class Real>
typename RowSteps<Real>::Foretold RowSteps<Real>::foretell(const BasicFactor<Real>& factor, const double* x,
                                                           std::size_t stride, bool intercept) {
  const std::size_t target = parts_.size();
  std::size_t column = 0;
  if (intercept) {
    row_[column++] = 1;
  }
  for (; column < target; ++column, x += stride) {
    row_[column] = *x;
  }
  std::array<Real, kMaxSolved + 1> rest;  // what is left of the row for the columns to come
  std::copy_n(row_.begin(), target, rest.begin());
  rest[target] = 0;
  leverage_ = 0;
  for (std::size_t j = 0; j < target; ++j) {
    parts_[j] = rest[j] * inverse_diagonal_[j];
    leverage_ += parts_[j] * parts_[j];
    subtract_multiple(rest.data() + j + 1, factor.row(j) + j + 1, parts_[j], target - j);
  }
  return {-rest[target], leverage_};
}

template <class Real>
void RowSteps<Real>::fold(BasicFactor<Real>& factor, double y, double weight) {
  const std::size_t target = parts_.size();
  std::array<Real, kMaxSolved + 1> norms;  // of 1 and all parts before, times the root of the weight
  std::array<typename BasicFactor<Real>::Rotation, kMaxSolved> rotations;
  row_[target] = y;
  Real sum = 1;
  for (std::size_t j = 0; j < target; ++j) {
    norms[j] = std::sqrt(sum);
    sum += weight * (parts_[j] * parts_[j]);
  }
  norms[target] = std::sqrt(sum);
  for (std::size_t j = 0; j < target; ++j) {
    const Real shrunk = 1 / norms[j + 1];
    rotations[j] = {parts_[j], norms[j] * shrunk, weight * parts_[j] / norms[j] * shrunk};
  }
  for (std::size_t k = 0; k <= target; ++k) {
    squares_[k] += weight * (row_[k] * row_[k]);
  }
  factor.rotate(std::span(rotations).first(target), row_.data());
  row_[target] *= std::sqrt(weight) / norms[target];
  factor.fold_row(row_.data(), target);
  check(factor);
}

template class RowSteps<double>;
template class RowSteps<long double>;

}  // namespace accrue::models
