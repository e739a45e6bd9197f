#include "models/block_kernels.hpp"

#include <cstring>

#include "models/error_kernels.hpp"

// ACCRUE_KERNELS is the name of the table to define, for processors of the kind ACCRUE_KIND; ACCRUE_VECTOR is how many
// doubles their registers hold.

namespace accrue::models {
namespace {

constexpr std::size_t kVector = ACCRUE_VECTOR;
constexpr std::size_t kVectors = kDotLanes / kVector;

using Vector [[gnu::vector_size(kVector * sizeof(double))]] = double;
using Bits [[gnu::vector_size(kVector * sizeof(double))]] = unsigned long long;

constexpr int kMantissa = 52;                // bits of a double
constexpr unsigned long long kBias = 1'023;  // of its exponent
constexpr double kUnits = 0x1.8p52;  // added to a small number it leaves the nearest whole one, in the last bits

inline Vector load(const double* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

inline void store(double* to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }

// Loops over the elements of an array are unrolled where they are to stay in registers: GCC keeps those in memory that
// it has not unrolled by itself early on.

// Of kDotLanes partial sums, always in this order: the upper half to the lower, until one is left.
template <std::size_t kCount, class Value>
inline Value sum_of(Value* sums) {
  if constexpr (kCount > 1) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kCount / 2; ++i) {
      sums[i] += sums[i + kCount / 2];
    }
    return sum_of<kCount / 2>(sums);
  }
  return sums[0];
}

inline double sum_of_lanes(Vector* sums) {
  double lanes[kVector];
  store(lanes, sum_of<kVectors>(sums));
  return sum_of<kVector>(lanes);
}

inline double sum_with_tail(const Vector* sums, const double* a, const double* b, std::size_t rows) {
  double lanes[kDotLanes];
  std::memcpy(lanes, sums, sizeof lanes);
  for (std::size_t lane = 0; lane < rows; ++lane) {
    lanes[lane] += a[lane] * b[lane];
  }
  return sum_of<kDotLanes>(lanes);
}

template <std::size_t kColumns>
inline void dots_of(const double* panel, std::size_t stride, const double* b, std::size_t rows, double* dots) {
  Vector sums[kColumns][kVectors] = {};
  std::size_t i = 0;
  for (; i + kDotLanes <= rows; i += kDotLanes) {
#pragma GCC unroll 8
    for (std::size_t part = 0; part < kVectors; ++part) {
      const Vector y = load(b + i + part * kVector);
#pragma GCC unroll 8
      for (std::size_t column = 0; column < kColumns; ++column) {
        sums[column][part] += load(panel + column * stride + i + part * kVector) * y;
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t column = 0; column < kColumns; ++column) {
    dots[column] = i == rows ? sum_of_lanes(sums[column])
                             : sum_with_tail(sums[column], panel + column * stride + i, b + i, rows - i);
  }
}

template <std::size_t kColumns>
inline void subtract(double* b, const double* panel, std::size_t stride, const double* factors, std::size_t rows) {
  double kept[kColumns];  // b might hold the factors, for all that the compiler knows
  std::memcpy(kept, factors, sizeof kept);
  std::size_t i = 0;
  for (; i + kVector <= rows; i += kVector) {
    Vector y = load(b + i);
#pragma GCC unroll 8
    for (std::size_t column = 0; column < kColumns; ++column) {
      y -= kept[column] * load(panel + column * stride + i);
    }
    store(b + i, y);
  }
  for (; i < rows; ++i) {
#pragma GCC unroll 8
    for (std::size_t column = 0; column < kColumns; ++column) {
      b[i] -= kept[column] * panel[column * stride + i];
    }
  }
}

// Squares of numbers are turned about their diagonal in registers.
#if ACCRUE_VECTOR == 2
constexpr std::size_t kSquare = 2;
using SquareRow [[gnu::vector_size(kSquare * sizeof(double))]] = double;

inline void turn(const SquareRow* rows, SquareRow* columns) {
  columns[0] = __builtin_shufflevector(rows[0], rows[1], 0, 2);
  columns[1] = __builtin_shufflevector(rows[0], rows[1], 1, 3);
}
#else
constexpr std::size_t kSquare = 4;
using SquareRow [[gnu::vector_size(kSquare * sizeof(double))]] = double;

inline void turn(const SquareRow* rows, SquareRow* columns) {
  const SquareRow even01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 2, 6);
  const SquareRow odd01 = __builtin_shufflevector(rows[0], rows[1], 1, 5, 3, 7);
  const SquareRow even23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 2, 6);
  const SquareRow odd23 = __builtin_shufflevector(rows[2], rows[3], 1, 5, 3, 7);
  columns[0] = __builtin_shufflevector(even01, even23, 0, 1, 4, 5);
  columns[1] = __builtin_shufflevector(odd01, odd23, 0, 1, 4, 5);
  columns[2] = __builtin_shufflevector(even01, even23, 2, 3, 6, 7);
  columns[3] = __builtin_shufflevector(odd01, odd23, 2, 3, 6, 7);
}
#endif

inline void turn_square(const double* rows, std::size_t row_stride, double* block, std::size_t stride) {
  SquareRow of_rows[kSquare];
  SquareRow of_columns[kSquare];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kSquare; ++i) {
    std::memcpy(&of_rows[i], rows + i * row_stride, sizeof(SquareRow));
  }
  turn(of_rows, of_columns);
#pragma GCC unroll 8
  for (std::size_t k = 0; k < kSquare; ++k) {
    std::memcpy(block + k * stride, &of_columns[k], sizeof(SquareRow));
  }
}

void lay_out_columns(const double* rows, std::size_t row_stride, std::size_t columns, std::size_t count, double* block,
                     std::size_t stride) {
  std::size_t i = 0;
  for (; i + kSquare <= count; i += kSquare) {
    const double* from = rows + i * row_stride;
    std::size_t k = 0;
    for (; k + kSquare <= columns; k += kSquare) {
      turn_square(from + k, row_stride, block + k * stride + i, stride);
    }
    for (; k < columns; ++k) {
#pragma GCC unroll 8
      for (std::size_t row = 0; row < kSquare; ++row) {
        block[k * stride + i + row] = from[row * row_stride + k];
      }
    }
  }
  for (; i < count; ++i) {
    for (std::size_t k = 0; k < columns; ++k) {
      block[k * stride + i] = rows[i * row_stride + k];
    }
  }
}

void scale_column(double* a, double factor, std::size_t rows) {
  for (std::size_t i = 0; i < rows; ++i) {
    a[i] *= factor;
  }
}

void panel_dots(const double* panel, std::size_t stride, std::size_t width, const double* b, std::size_t rows,
                double* dots) {
  static_assert(kPanel == 4);
  switch (width) {
    case 1: return dots_of<1>(panel, stride, b, rows, dots);
    case 2: return dots_of<2>(panel, stride, b, rows, dots);
    case 3: return dots_of<3>(panel, stride, b, rows, dots);
    case 4: return dots_of<4>(panel, stride, b, rows, dots);
    default: return;
  }
}

void subtract_panel(double* b, const double* panel, std::size_t stride, std::size_t width, const double* factors,
                    std::size_t rows) {
  switch (width) {
    case 1: return subtract<1>(b, panel, stride, factors, rows);
    case 2: return subtract<2>(b, panel, stride, factors, rows);
    case 3: return subtract<3>(b, panel, stride, factors, rows);
    case 4: return subtract<4>(b, panel, stride, factors, rows);
    default: return;
  }
}

// kTail of the columns are left when the others are taken kDotLanes at a time; it is known here so that sums stay in
// registers.
template <std::size_t kTail>
inline void predict(const double* block, std::size_t stride, const double* coefficients, std::size_t columns,
                    double constant, double limit, std::size_t rows, double* predictions) {
  const Vector highest = Vector{} + limit;
  for (std::size_t i = 0; i < rows; i += kVector) {
    Vector sums[kDotLanes];
#pragma GCC unroll 8
    for (Vector& sum : sums) {
      sum = Vector{};
    }
    std::size_t j = 0;
    for (; j + kDotLanes <= columns; j += kDotLanes) {
#pragma GCC unroll 8
      for (std::size_t lane = 0; lane < kDotLanes; ++lane) {
        sums[lane] += coefficients[j + lane] * load(block + (j + lane) * stride + i);
      }
    }
#pragma GCC unroll 8
    for (std::size_t lane = 0; lane < kTail; ++lane) {
      sums[lane] += coefficients[j + lane] * load(block + (j + lane) * stride + i);
    }
    const Vector sum = constant + sum_of<kDotLanes>(sums);
    const Vector number = sum == sum ? sum : Vector{};
    store(predictions + i, number < -highest ? -highest : highest < number ? highest : number);
  }
}

void predict_rows(const double* block, std::size_t stride, const double* coefficients, std::size_t columns,
                  double constant, double limit, std::size_t rows, double* predictions) {
  static_assert(kDotLanes == 8);
  constexpr decltype(&predict<0>) kOfTail[] = {predict<0>, predict<1>, predict<2>, predict<3>,
                                               predict<4>, predict<5>, predict<6>, predict<7>};
  kOfTail[columns % kDotLanes](block, stride, coefficients, columns, constant, limit, rows, predictions);
}

// Of kParts vectors of rows, by turns: by itself, each would mostly wait for its last result.
template <std::size_t kParts>
inline void leverages_of(const double* block, std::size_t stride, const double* packed, const double* inverse_diagonal,
                         std::size_t columns, bool intercept, double* leverages) {
  Vector rest[kMaxSolved][kParts];
  std::size_t column = 0;
  if (intercept) {
    for (Vector& one : rest[column++]) {
      one = Vector{} + 1.0;
    }
  }
  for (const double* x = block; column < columns; ++column, x += stride) {
#pragma GCC unroll 8
    for (std::size_t part = 0; part < kParts; ++part) {
      rest[column][part] = load(x + part * kVector);
    }
  }
  Vector sums[kParts] = {};
  const double* r = packed;  // its row j, from the diagonal on, the target's column last
  for (std::size_t j = 0; j < columns; ++j) {
    Vector solved[kParts];
#pragma GCC unroll 8
    for (std::size_t part = 0; part < kParts; ++part) {
      solved[part] = rest[j][part] * inverse_diagonal[j];
      sums[part] += solved[part] * solved[part];
    }
    for (std::size_t k = j + 1; k < columns; ++k) {
#pragma GCC unroll 8
      for (std::size_t part = 0; part < kParts; ++part) {
        rest[k][part] -= r[k - j] * solved[part];
      }
    }
    r += columns - j + 1;
  }
  for (std::size_t part = 0; part < kParts; ++part) {
    store(leverages + part * kVector, sums[part]);
  }
}

void leverage_rows(const double* block, std::size_t stride, const double* packed, const double* inverse_diagonal,
                   std::size_t columns, bool intercept, std::size_t rows, double* leverages) {
  std::size_t i = 0;
  for (; i + 4 * kVector <= rows; i += 4 * kVector) {
    leverages_of<4>(block + i, stride, packed, inverse_diagonal, columns, intercept, leverages + i);
  }
  for (; i < rows; i += kVector) {
    leverages_of<1>(block + i, stride, packed, inverse_diagonal, columns, intercept, leverages + i);
  }
}

struct InverseFactorials {
  double of[16] = {1};
  constexpr InverseFactorials() {
    double factorial = 1;
    for (int k = 1; k < 16; ++k) {
      factorial *= k;
      of[k] = 1 / factorial;
    }
  }
};

// 2^x, 0 where that is not a normal number; x < 1000. Like the logarithm of +, *, / alone: the library's differ from
// processor to processor in the last bit.
inline Vector power_of_two(Vector x) {
  constexpr double kLog2 = 0x1.62e42fefa39efp-1;
  static constexpr InverseFactorials kTerms;
  const Vector shifted = x + kUnits;
  Vector z = (x - (shifted - kUnits)) * kLog2;
  Vector terms[8];
  for (std::size_t k = 0; k < 8; ++k) {
    terms[k] = kTerms.of[2 * k] + kTerms.of[2 * k + 1] * z;
  }
  for (std::size_t half = 4; half > 0; half /= 2) {  // pairs of pairs, so that few products wait for another
    z *= z;
    for (std::size_t k = 0; k < half; ++k) {
      terms[k] = terms[2 * k] + terms[2 * k + 1] * z;
    }
  }
  const auto scale = reinterpret_cast<Vector>((reinterpret_cast<Bits>(shifted) + kBias) << kMantissa);
  return x > -1'022.0 ? terms[0] * scale : Vector{};
}

// The logarithm to base 2 of a normal number: that of its mantissa within [1/sqrt(2), sqrt(2)] from the series of
// artanh, and its exponent.
inline Vector logarithm(Vector x) {
  constexpr double kTwiceLog2e = 0x1.71547652b82fep+1;
  constexpr unsigned long long kRootOfHalf = 0x3fe6a09e667f3bcd;
  constexpr unsigned long long kOne = kBias << kMantissa;
  const Bits bits = reinterpret_cast<Bits>(x) + (kOne - kRootOfHalf);
  const Bits exponent = bits >> kMantissa;
  const auto mantissa = reinterpret_cast<Vector>((bits & ((1ULL << kMantissa) - 1)) + kRootOfHalf);
  const auto units = reinterpret_cast<Vector>(exponent | reinterpret_cast<Bits>(Vector{} + 0x1p52));
  const Vector s = (mantissa - 1.0) / (mantissa + 1.0);
  const Vector square = s * s;
  Vector sum{};
  for (int k = 21; k > 0; k -= 2) {
    sum = sum * square + 1.0 / k;
  }
  return (units - (0x1p52 + static_cast<double>(kBias))) + kTwiceLog2e * (s * sum);
}

void powers_of_two(double* values, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kVector) {
    store(values + i, power_of_two(load(values + i)));
  }
}

void powers(double* values, const double* exponents, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kVector) {
    const Vector base = load(values + i);
    const Vector power = power_of_two(load(exponents + i) * logarithm(base));
    store(values + i, base >= 0x1p-1022 ? power : Vector{});
  }
}

}  // namespace

const BlockKernels ACCRUE_KERNELS = {scale_column,  panel_dots,    subtract_panel,          lay_out_columns,
                                     predict_rows,  leverage_rows, ACCRUE_KIND::sum_errors, ACCRUE_KIND::cuts_beyond,
                                     powers_of_two, powers};

}  // namespace accrue::models
