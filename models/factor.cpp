#include "models/factor.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/require.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

// Below this a column counts as zeros: its reciprocal and the products with it would leave the range of normal numbers.
constexpr double kNegligible = 1e-290;

}  // namespace

template <class Real>
BasicFactor<Real>::BasicFactor(std::size_t columns) : BasicFactor(columns, std::vector<Real>(packed_size(columns))) {}

template <class Real>
BasicFactor<Real>::BasicFactor(std::size_t columns, std::vector<Real> packed)
    : columns_(columns), packed_(std::move(packed)), scratch_(columns) {
  require(packed_.size() == packed_size(columns), "a packed factor has columns * (columns + 1) / 2 values");
}

template <class Real>
void BasicFactor<Real>::column_norms(std::span<Real> norms) const {
  require(norms.size() == columns_, "a norm for every column");
  std::fill(norms.begin(), norms.end(), Real{0});
  for (std::size_t i = 0; i < columns_; ++i) {
    const Real* r = row(i);
    for (std::size_t k = i; k < columns_; ++k) {
      norms[k] += r[k] * r[k];
    }
  }
  for (std::size_t k = 0; k < columns_; ++k) {
    if (is_safe_square(norms[k])) [[likely]] {
      norms[k] = std::sqrt(norms[k]);
      continue;
    }
    norms[k] = 0;
    for (std::size_t i = 0; i <= k; ++i) {
      norms[k] = hypotenuse(norms[k], row(i) + k, 1);
    }
  }
}

template <class Real>
void BasicFactor<Real>::fold_row(Real* __restrict x, std::size_t leading_zeros) {
  for (std::size_t j = leading_zeros; j < columns_; ++j) {
    if (x[j] == 0) {
      continue;
    }
    Real* __restrict r = mutable_row(j);
    const Real norm = hypotenuse(r[j], x + j, 1);
    if (norm < kNegligible) {
      continue;
    }
    const Real cosine = r[j] / norm;
    const Real sine = x[j] / norm;
    r[j] = norm;
    for (std::size_t k = j + 1; k < columns_; ++k) {
      const Real kept = r[k];
      r[k] = cosine * kept + sine * x[k];
      x[k] = cosine * x[k] - sine * kept;
    }
  }
}

template <class Real>
void BasicFactor<Real>::fold_block(Real* block, std::size_t rows, std::size_t stride) {
  for (std::size_t j = 0; j < columns_; ++j) {
    Real* r = mutable_row(j);
    Real* x = block + j * stride;
    const Real norm = hypotenuse(r[j], x, rows);
    if (norm < kNegligible) {
      continue;
    }
    // The reflection maps (R_jj; x) to (-norm; 0), the sign that cannot cancel; row j of R is then negated, which keeps
    // its diagonal >= 0. Written with x / norm and a damping in [1/2, 1], no product overflows.
    const Real inverse = 1 / norm;
    for (std::size_t i = 0; i < rows; ++i) {
      x[i] *= inverse;
    }
    const Real cosine = r[j] / norm;
    const Real damping = norm / (r[j] + norm);
    r[j] = norm;
    for (std::size_t k = j + 1; k < columns_; ++k) {
      Real* b = block + k * stride;
      const Real reflected = cosine * r[k] + dot(x, b, rows);
      subtract_multiple(b, x, (r[k] + reflected) * damping, rows);
      r[k] = reflected;
    }
  }
}

template <class Real>
void BasicFactor<Real>::fold_unit_row(std::size_t column, Real value) {
  std::fill(scratch_.begin(), scratch_.end(), Real{0});
  scratch_[column] = value;
  fold_row(scratch_.data(), column);
}

template <class Real>
void BasicFactor<Real>::merge(const BasicFactor& other) {
  require(other.columns_ == columns_, "merged factors have the same columns");
  for (std::size_t i = 0; i < columns_; ++i) {
    std::copy(other.row(i) + i, other.row(i) + columns_, scratch_.begin() + static_cast<std::ptrdiff_t>(i));
    fold_row(scratch_.data(), i);
  }
}

template <class Real>
void BasicFactor<Real>::scale(Real factor) {
  require(factor >= 0 && std::isfinite(factor), "a factor is scaled by a finite number >= 0");
  for (Real& value : packed_) {
    value *= factor;
    value = std::abs(value) < kNegligible ? 0 : value;
  }
}

template <class Real>
void BasicFactor<Real>::drop_column(std::size_t column) {
  Real* r = mutable_row(column);
  std::copy(r + column, r + columns_, scratch_.begin() + static_cast<std::ptrdiff_t>(column));
  std::fill(r + column, r + columns_, Real{0});
  fold_row(scratch_.data(), column + 1);
}

template class BasicFactor<double>;
template class BasicFactor<long double>;

}  // namespace accrue::models
