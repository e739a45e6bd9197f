// The loops over the columns of a block of rows, for whatever vectors the processor has: the program is compiled for
// processors of any age, and these few functions for AVX2 and AVX-512 besides; which is used is decided when it starts.
//
// All of them give the same bits on every processor: the order of every sum is written out (that of dot products is
// vector_math.hpp's), and nothing is contracted to fused multiply-adds.
//
// Threads: pure functions; any thread may call them.
// Shapes: a column is `rows` numbers; those of a panel, at most kPanel, or of a block are `stride` apart; no pointer
// need be aligned. Errors: none.
#pragma once

#include <cstddef>

#include "models/block_kernels.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {

/// Those of the best kind that this processor can run.
const BlockKernels& block_kernels();

inline void scale_column(double* a, double factor, std::size_t rows) { block_kernels().scale_column(a, factor, rows); }

/// dots[i] = (column i of the panel) . b
inline void panel_dots(const double* panel, std::size_t stride, std::size_t width, const double* b, std::size_t rows,
                       double* dots) {
  block_kernels().panel_dots(panel, stride, width, b, rows, dots);
}

/// b -= sum of factors[i] * (column i of the panel), the first subtracted first.
inline void subtract_panel(double* b, const double* panel, std::size_t stride, std::size_t width, const double* factors,
                           std::size_t rows) {
  block_kernels().subtract_panel(b, panel, stride, width, factors, rows);
}

/// Lays rows out column by column: `count` rows of so many columns, row_stride apart, as columns that are stride apart.
inline void lay_out_columns(const double* rows, std::size_t row_stride, std::size_t columns, std::size_t count,
                            double* block, std::size_t stride) {
  block_kernels().lay_out_columns(rows, row_stride, columns, count, block, stride);
}

/// Whether one of the cuts, the older part of which has so many rows of that sum, differs by more than its bound:
/// beyond[i] > 0. Reads and writes on until `cuts` rounded up to a multiple of kMaxVector, and takes that for cuts.
inline bool cuts_beyond(const double* cut_rows, const double* cut_sums, std::size_t cuts, const CutBounds& bounds,
                        double* beyond) {
  return block_kernels().cuts_beyond(cut_rows, cut_sums, cuts, bounds, beyond);
}

/// values[i] = 2^values[i], to 1e-15 of it, 0 if it is below 2^-1022; values below 1000. Reads and writes on until
/// `count` rounded up to a multiple of kMaxVector: what lies there is lost.
inline void powers_of_two(double* values, std::size_t count) { block_kernels().powers_of_two(values, count); }

/// values[i] = values[i]^exponents[i], of values from 0 to 1 and exponents >= 0: 0^0 is 0, and so are powers below
/// 2^-1022. To 1e-15 of it times the powers of two that it is less than 1. Reads and writes as far as powers_of_two.
inline void powers(double* values, const double* exponents, std::size_t count) {
  block_kernels().powers(values, exponents, count);
}

// The same in a more precise Real, for which no processor has vectors.

template <class Real>
void scale_column(Real* a, Real factor, std::size_t rows) {
  for (std::size_t i = 0; i < rows; ++i) {
    a[i] *= factor;
  }
}

template <class Real>
void panel_dots(const Real* panel, std::size_t stride, std::size_t width, const Real* b, std::size_t rows, Real* dots) {
  for (std::size_t i = 0; i < width; ++i) {
    dots[i] = dot(panel + i * stride, b, rows);
  }
}

template <class Real>
void subtract_panel(Real* b, const Real* panel, std::size_t stride, std::size_t width, const Real* factors,
                    std::size_t rows) {
  for (std::size_t i = 0; i < width; ++i) {
    subtract_multiple(b, panel + i * stride, factors[i], rows);
  }
}

}  // namespace accrue::models
