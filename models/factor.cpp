#include "models/factor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/block_math.hpp"
#include "models/require.hpp"
#include "models/state_codec.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

// Below this a column counts as zeros: its reciprocal and the products with it would leave the range of normal numbers.
constexpr double kNegligible = 1e-290;

// The reflections of up to kPanel neighbouring columns. Reflection i maps (R_ii; x_i) to (-norm; 0), the sign that
// cannot cancel; row i of R is then negated, which keeps its diagonal >= 0. Written with x_i / norm, which is what the
// block holds afterwards, and a damping in [1/2, 1], no product overflows.
template <class Real>
struct Panel {
  const Real* columns;  // x_i / norm
  std::size_t stride;
  std::size_t rows;
  std::size_t width = 0;
  std::array<Real, kPanel> cosines{};
  std::array<Real, kPanel> dampings{};
  std::array<std::array<Real, kPanel>, kPanel> products{};  // [i][j] = x_i . x_j, j < i

  // Makes the reflection of the next column x of the panel, and answers what its diagonal becomes.
  Real add(Real diagonal, Real* x) {
    const std::size_t i = width++;
    std::array<Real, kPanel>& dots = products[i];
    panel_dots(columns, stride, width, x, rows, dots.data());  // the last with itself
    const Real squares = diagonal * diagonal + dots[i];
    const bool safe = is_safe_square(squares);
    const Real norm = safe ? std::sqrt(squares) : hypotenuse(diagonal, x, rows);
    if (norm < kNegligible) {
      std::fill(x, x + rows, Real{0});
      dots.fill(0);
      cosines[i] = 1;  // and a damping of 0: it reflects nothing
      return diagonal;
    }
    scale_column(x, 1 / norm, rows);
    if (safe) {
      std::for_each(dots.begin(), dots.end(), [norm](Real& value) { value /= norm; });
    } else {
      panel_dots(columns, stride, i, x, rows, dots.data());
    }
    cosines[i] = diagonal / norm;
    dampings[i] = norm / (diagonal + norm);
    return norm;
  }

  // Reflects another column, b below its heads R_ik.
  void reflect(Real* b, std::array<Real, kPanel>& heads) const {
    std::array<Real, kPanel> dots;
    std::array<Real, kPanel> factors;
    panel_dots(columns, stride, width, b, rows, dots.data());
    // As if b had been reflected by each in turn: what those before subtract from b is subtracted from the products.
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        dots[i] -= products[i][j] * factors[j];
      }
      const Real reflected = cosines[i] * heads[i] + dots[i];
      factors[i] = (heads[i] + reflected) * dampings[i];
      heads[i] = reflected;
    }
    subtract_panel(b, columns, stride, width, factors.data(), rows);
  }
};

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

// Rotates a row of R and another so that the other has a 0 in this column, the first in which either is not 0.
template <class Real>
void BasicFactor<Real>::fold_at(std::size_t column, Real* __restrict r, Real* __restrict x, std::size_t columns) {
  if (x[column] == 0) {
    return;
  }
  const Real squares = r[column] * r[column] + x[column] * x[column];
  const Real norm = is_safe_square(squares) ? std::sqrt(squares) : hypotenuse(r[column], x + column, 1);
  if (norm < kNegligible) {
    return;
  }
  const Real cosine = r[column] / norm;
  const Real sine = x[column] / norm;
  r[column] = norm;
  for_all_from(column + 1, columns, [=](std::size_t k) {
    const Real kept = r[k];
    r[k] = cosine * kept + sine * x[k];
    x[k] = cosine * x[k] - sine * kept;
  });
}

template <class Real>
void BasicFactor<Real>::fold_row(Real* x, std::size_t leading_zeros) {
  for (std::size_t j = leading_zeros; j < columns_; ++j) {
    fold_at(j, mutable_row(j), x, columns_);
  }
}

template <class Real>
void BasicFactor<Real>::rotate(std::span<const Rotation> rotations, Real* __restrict x) {
  for (std::size_t j = 0; j < rotations.size(); ++j) {
    Real* __restrict r = mutable_row(j);
    const Rotation by = rotations[j];
    for_all_from(j, columns_, [=](std::size_t k) {
      const Real before = r[k];
      r[k] = by.kept * before + by.taken * x[k];
      x[k] -= by.part * before;
    });
  }
}

template <class Real>
void BasicFactor<Real>::fold_block(Real* block, std::size_t rows, std::size_t stride) {
  for (std::size_t first = 0; first < columns_; first += kPanel) {
    Panel<Real> panel{.columns = block + first * stride, .stride = stride, .rows = rows};
    const std::size_t end = std::min(first + kPanel, columns_);
    const auto reflect = [&](std::size_t k) {
      std::array<Real, kPanel> heads;
      for (std::size_t i = 0; i < panel.width; ++i) {
        heads[i] = row(first + i)[k];
      }
      panel.reflect(block + k * stride, heads);
      for (std::size_t i = 0; i < panel.width; ++i) {
        mutable_row(first + i)[k] = heads[i];
      }
    };
    for (std::size_t k = first; k < end; ++k) {
      reflect(k);
      mutable_row(k)[k] = panel.add(row(k)[k], block + k * stride);
    }
    for (std::size_t k = end; k < columns_; ++k) {
      reflect(k);
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

// Of the numbers that R and these rows have in this column.
template <class Real>
Real BasicFactor<Real>::length_at(std::size_t column, std::span<const std::uint16_t> rows) const {
  Real squares = diagonal(column) * diagonal(column);
  for (const std::size_t i : rows) {
    squares += row(i)[column] * row(i)[column];
  }
  if (is_safe_square(squares)) {
    return std::sqrt(squares);
  }
  Real length = diagonal(column);
  for (const std::size_t i : rows) {
    length = hypotenuse(length, row(i) + column, 1);
  }
  return length;
}

// What the row of a dropped column holds waits where it is, and is folded into the rows of columns that stay alone: a
// column that is dropped costs little, however many are.
template <class Real>
void BasicFactor<Real>::drop_dependent_columns(std::span<const Real> norms, Real share) {
  require(norms.size() == columns_ && columns_ <= kMaxFeatures + 2, "a norm for every column");
  std::array<std::uint16_t, kMaxFeatures + 2> waiting;
  std::size_t count = 0;
  for (std::size_t j = 0; j < columns_; ++j) {
    Real* const r = mutable_row(j);
    if (j + 1 == columns_ || length_at(j, {waiting.data(), count}) > share * norms[j]) {
      std::for_each_n(waiting.begin(), count, [&](std::size_t i) { fold_at(j, r, mutable_row(i), columns_); });
      continue;
    }
    r[j] = 0;
    if (std::any_of(r + j + 1, r + columns_, [](Real value) { return value != 0; })) {
      waiting[count++] = static_cast<std::uint16_t>(j);
    }
  }
  std::for_each_n(waiting.begin(), count,
                  [&](std::size_t i) { std::fill(mutable_row(i) + i, mutable_row(i) + columns_, Real{0}); });
}

template class BasicFactor<double>;
template class BasicFactor<long double>;

}  // namespace accrue::models
