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

Factor::Factor(std::size_t columns) : Factor(columns, std::vector<double>(packed_size(columns))) {}

Factor::Factor(std::size_t columns, std::vector<double> packed)
    : columns_(columns), packed_(std::move(packed)), scratch_(columns) {
  require(packed_.size() == packed_size(columns), "a packed factor has columns * (columns + 1) / 2 values");
}

void Factor::column_norms(std::span<double> norms) const {
  require(norms.size() == columns_, "a norm for every column");
  std::fill(norms.begin(), norms.end(), 0.0);
  for (std::size_t i = 0; i < columns_; ++i) {
    const double* r = row(i);
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

void Factor::fold_row(double* __restrict x, std::size_t leading_zeros) {
  for (std::size_t j = leading_zeros; j < columns_; ++j) {
    if (x[j] == 0) {
      continue;
    }
    double* __restrict r = mutable_row(j);
    const double norm = hypotenuse(r[j], x + j, 1);
    if (norm < kNegligible) {
      continue;
    }
    const double cosine = r[j] / norm;
    const double sine = x[j] / norm;
    r[j] = norm;
    for (std::size_t k = j + 1; k < columns_; ++k) {
      const double kept = r[k];
      r[k] = cosine * kept + sine * x[k];
      x[k] = cosine * x[k] - sine * kept;
    }
  }
}

void Factor::fold_block(double* block, std::size_t rows, std::size_t stride) {
  for (std::size_t j = 0; j < columns_; ++j) {
    double* r = mutable_row(j);
    double* x = block + j * stride;
    const double norm = hypotenuse(r[j], x, rows);
    if (norm < kNegligible) {
      continue;
    }
    // The reflection maps (R_jj; x) to (-norm; 0), the sign that cannot cancel; row j of R is then negated, which keeps
    // its diagonal >= 0. Written with x / norm and a damping in [1/2, 1], no product overflows.
    const double inverse = 1 / norm;
    for (std::size_t i = 0; i < rows; ++i) {
      x[i] *= inverse;
    }
    const double cosine = r[j] / norm;
    const double damping = norm / (r[j] + norm);
    r[j] = norm;
    for (std::size_t k = j + 1; k < columns_; ++k) {
      double* b = block + k * stride;
      const double reflected = cosine * r[k] + dot(x, b, rows);
      subtract_multiple(b, x, (r[k] + reflected) * damping, rows);
      r[k] = reflected;
    }
  }
}

void Factor::fold_unit_row(std::size_t column, double value) {
  std::fill(scratch_.begin(), scratch_.end(), 0.0);
  scratch_[column] = value;
  fold_row(scratch_.data(), column);
}

void Factor::merge(const Factor& other) {
  require(other.columns_ == columns_, "merged factors have the same columns");
  for (std::size_t i = 0; i < columns_; ++i) {
    std::copy(other.row(i) + i, other.row(i) + columns_, scratch_.begin() + static_cast<std::ptrdiff_t>(i));
    fold_row(scratch_.data(), i);
  }
}

void Factor::scale(double factor) {
  require(factor >= 0 && std::isfinite(factor), "a factor is scaled by a finite number >= 0");
  for (double& value : packed_) {
    value *= factor;
  }
}

void Factor::drop_column(std::size_t column) {
  double* r = mutable_row(column);
  std::copy(r + column, r + columns_, scratch_.begin() + static_cast<std::ptrdiff_t>(column));
  std::fill(r + column, r + columns_, 0.0);
  fold_row(scratch_.data(), column + 1);
}

}  // namespace accrue::models
