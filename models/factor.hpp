// Factor: the upper-triangular R of the QR decomposition of a growing set of rows, the whole memory of the exact
// learner.
//
// R has one row and column for each of the `columns` numbers of a row. R'R is the cross-product of all rows folded in,
// but it is never formed, so its squared condition number is never met. Rows may be folded in one at a time (Givens
// rotations) or as a block (Householder reflections over [R; block], where only the block and one row of R take part in
// each): the answers differ by rounding only. The diagonal is kept >= 0, which makes R unique when the columns are
// independent.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Precision: that of Real, double or long double. On x86-64 a long double has 64 bits of mantissa, where a double has
// 53: three more decimal digits. Elsewhere it is what the platform says, at times no more than a double. Shapes: R is
// kept packed, row by row from its diagonal: R(0,0) R(0,1) ... R(1,1) ...: packed_size(columns) numbers. Numbers: rows
// must be finite and at most 1e240 in magnitude; then R is finite. A column whose norm is below 1e-290 may be kept as
// zeros. Errors: none; a wrong shape is a broken invariant (require.hpp). Sources: Golub and Van Loan, Matrix
// Computations, 4th ed., 5.1 and 6.5; merge: Demmel, Grigori, Hoemmen and Langou, "Communication-optimal parallel and
// sequential QR and LU factorizations", SIAM J. Sci. Comput. 34 (2012).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace accrue::models {

template <class Real>
class BasicFactor {
 public:
  /// The factor of no rows: zeros.
  explicit BasicFactor(std::size_t columns);
  /// A factor restored from packed(); the diagonal must be >= 0 and every value finite.
  BasicFactor(std::size_t columns, std::vector<Real> packed);

  static constexpr std::size_t packed_size(std::size_t columns) { return columns * (columns + 1) / 2; }

  std::size_t columns() const { return columns_; }
  std::span<const Real> packed() const { return packed_; }
  /// Row i, addressed by column: row(i)[k] is R(i,k) for k >= i.
  const Real* row(std::size_t i) const { return packed_.data() + row_offset(i); }
  Real diagonal(std::size_t i) const { return row(i)[i]; }
  /// norms[k] = the Euclidean norm of column k, which is also that of column k of all rows folded in.
  void column_norms(std::span<Real> norms) const;

  /// Folds one row in. The row is destroyed. Its first `leading_zeros` numbers are known to be zero and are not read.
  void fold_row(Real* row, std::size_t leading_zeros = 0);
  /// One row of R, and a row of which all rotations are known: that of R becomes kept * itself + taken * the other;
  /// then part * what R had is subtracted from the other.
  struct Rotation {
    Real part;
    Real kept;
    Real taken;
  };
  /// Makes these with the first rows of R, one after the other. What is left of the row stays in it.
  void rotate(std::span<const Rotation> rotations, Real* row);
  /// Folds a column-major block in: block[k * stride + i] is column k of its row i. The block is destroyed.
  void fold_block(Real* block, std::size_t rows, std::size_t stride);
  /// Folds a row in that is zero but for one column.
  void fold_unit_row(std::size_t column, Real value);
  /// Folds in all that the other factor holds.
  void merge(const BasicFactor& other);
  /// Multiplies every row folded in so far by factor >= 0. What falls below 1e-290 becomes zero, as numbers that are
  /// not normal would be slow for ever after.
  void scale(Real factor);
  /// Leaves out of the least-squares problem, from the first on, each column but the last that depends on those before
  /// it: of which, once what the rows of those left out held is counted in, no more is left on the diagonal than this
  /// share of its norm. Its row becomes 0, and what that held goes to the rows below.
  void drop_dependent_columns(std::span<const Real> norms, Real share);

 private:
  // (i, k) lies at row_offset(i) + k: the offset of the diagonal, less i. It is never negative.
  std::size_t row_offset(std::size_t i) const { return i * columns_ - i * (i + 1) / 2; }
  Real length_at(std::size_t column, std::span<const std::uint16_t> rows) const;
  static void fold_at(std::size_t column, Real* r, Real* x, std::size_t columns);
  Real* mutable_row(std::size_t i) { return packed_.data() + row_offset(i); }

  std::size_t columns_;
  std::vector<Real> packed_;
  std::vector<Real> scratch_;  // one row, so that no call allocates
};

using Factor = BasicFactor<double>;

}  // namespace accrue::models
