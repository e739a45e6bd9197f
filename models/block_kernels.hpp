// What block_math.hpp does, as compiled for one kind of processor: block_kernels.cpp is compiled once for each.
//
// Nothing but plain numbers goes in and out, and no header of the library is used there: a function that the linker may
// share with the rest of the program must not be compiled for processors that not everybody has.
#pragma once

#include <cstddef>

namespace accrue::models {

/// Sums over rows of weight 1 that were predicted, in as many parts (error_sums.hpp).
inline constexpr std::size_t kErrorLanes = 4;
struct ErrorLanes {
  double error[kErrorLanes];  // prediction - target
  double squared_error[kErrorLanes];
  double absolute_error[kErrorLanes];
  double squared_clipped[kErrorLanes];
  double absolute_clipped[kErrorLanes];
  double relative[kErrorLanes];  // |error / target|, of targets that are not 0
  double target[kErrorLanes];    // less the origin
  double squared_target[kErrorLanes];
  double conformal[kErrorLanes];  // half-widths, of the rows that have one
  double variance[kErrorLanes];
};

struct ErrorCounts {
  std::size_t zero_targets;
  std::size_t within_conformal;
  std::size_t with_variance;
  std::size_t within_variance;
};

/// The rows, column by column, and what they have in common.
struct ForetoldRows {
  const double* predictions;
  const double* targets;
  const double* variances;
  std::size_t count;
  double lowest;  // that clipped predictions are kept within
  double highest;
  double half_width;  // of the conformal interval; NaN for none
};

struct ErrorBounds {
  double origin;
  double deviations;    // of an interval by variance, on either side
  double max_variance;  // of one that counts
  double max_relative;
};

/// Of cutting `rows` rows in two (adwin.hpp): what the older part's sum may differ by from its rows times the mean.
struct CutBounds {
  double rows;
  double mean;
  double always;
  double by_chance;  // the square of the rest, for each row of the older part and row of the newer one
};

struct BlockKernels {
  void (*scale_column)(double* a, double factor, std::size_t rows);
  void (*panel_dots)(const double* panel, std::size_t stride, std::size_t width, const double* b, std::size_t rows,
                     double* dots);
  void (*subtract_panel)(double* b, const double* panel, std::size_t stride, std::size_t width, const double* factors,
                         std::size_t rows);
  void (*lay_out_columns)(const double* rows, std::size_t row_stride, std::size_t columns, std::size_t count,
                          double* block, std::size_t stride);
  void (*predict_rows)(const double* block, std::size_t stride, const double* coefficients, std::size_t columns,
                       double constant, double limit, std::size_t rows, double* predictions);
  void (*leverage_rows)(const double* block, std::size_t stride, const double* packed, const double* inverse_diagonal,
                        std::size_t columns, bool intercept, std::size_t rows, double* leverages);
  void (*sum_errors)(const ForetoldRows& rows, const ErrorBounds& bounds, double* residuals, ErrorLanes& lanes,
                     ErrorCounts& counts);
  bool (*cuts_beyond)(const double* cut_rows, const double* cut_sums, std::size_t cuts, const CutBounds& bounds,
                      double* beyond);
  void (*powers_of_two)(double* values, std::size_t count);
  void (*powers)(double* values, const double* exponents, std::size_t count);
};

/// Partial sums of a dot product, as in vector_math.hpp.
inline constexpr std::size_t kDotLanes = 8;
/// Columns that are worked on at once, so that each number that is loaded is used as often.
inline constexpr std::size_t kPanel = 4;
/// The most rows that a processor works on at once.
inline constexpr std::size_t kMaxVector = 8;
/// Columns of a factor, without the target's, at most.
inline constexpr std::size_t kMaxSolved = 1'025;

// NOLINTBEGIN(readability-identifier-naming): tidy takes constants that are declared only for variables.
extern const BlockKernels kBaselineKernels;
#ifdef ACCRUE_KERNELS_OF_X86
extern const BlockKernels kAvx2Kernels;
extern const BlockKernels kAvx512Kernels;
#endif
// NOLINTEND(readability-identifier-naming)

}  // namespace accrue::models
