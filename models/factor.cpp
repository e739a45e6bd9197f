#include "models/factor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/block_math.hpp"
#include "models/require.hpp"
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

template <class Real>
void BasicFactor<Real>::fold_row(Real* __restrict x, std::size_t leading_zeros) {
  for (std::size_t j = leading_zeros; j < columns_; ++j) {
    if (x[j] == 0) {
      continue;
    }
    Real* __restrict r = mutable_row(j);
    const Real squares = r[j] * r[j] + x[j] * x[j];
    const Real norm = is_safe_square(squares) ? std::sqrt(squares) : hypotenuse(r[j], x + j, 1);
    if (norm < kNegligible) {
      continue;
    }
    const Real cosine = r[j] / norm;
    const Real sine = x[j] / norm;
    r[j] = norm;
    for_all_from(j + 1, columns_, [=](std::size_t k) {
      const Real kept = r[k];
      r[k] = cosine * kept + sine * x[k];
      x[k] = cosine * x[k] - sine * kept;
    });
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
