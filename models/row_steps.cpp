#include "models/row_steps.hpp"

#include <algorithm>
#include <cmath>

#include "models/solve.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {

template <class Real>
void RowSteps<Real>::start(const BasicFactor<Real>& factor) {
  const std::size_t columns = factor.columns();
  squares_.assign(columns, Real{0});
  for (std::vector<Real>* numbers : {&row_, &rest_, &norms_}) {
    numbers->resize(columns);
  }
  inverse_diagonal_.resize(columns - 1);
  parts_.resize(columns - 1);
  rotations_.resize(columns - 1);
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
  std::copy_n(row_.begin(), target, rest_.begin());
  rest_[target] = 0;
  leverage_ = 0;
  for (std::size_t j = 0; j < target; ++j) {
    parts_[j] = rest_[j] * inverse_diagonal_[j];
    leverage_ += parts_[j] * parts_[j];
    subtract_multiple(rest_.data() + j + 1, factor.row(j) + j + 1, parts_[j], target - j);
  }
  return {-rest_[target], leverage_};
}

template <class Real>
void RowSteps<Real>::fold(BasicFactor<Real>& factor, double y, double weight) {
  const std::size_t target = parts_.size();
  row_[target] = y;
  Real sum = 1;
  for (std::size_t j = 0; j < target; ++j) {
    norms_[j] = std::sqrt(sum);
    sum += weight * (parts_[j] * parts_[j]);
  }
  norms_[target] = std::sqrt(sum);
  for (std::size_t j = 0; j < target; ++j) {
    const Real shrunk = 1 / norms_[j + 1];
    rotations_[j] = {parts_[j], norms_[j] * shrunk, weight * parts_[j] / norms_[j] * shrunk};
  }
  for (std::size_t k = 0; k <= target; ++k) {
    squares_[k] += weight * (row_[k] * row_[k]);
  }
  factor.rotate(rotations_, row_.data());
  row_[target] *= std::sqrt(weight) / norms_[target];
  factor.fold_row(row_.data(), target);
  check(factor);
}

template class RowSteps<double>;
template class RowSteps<long double>;

}  // namespace accrue::models
