// The loops over errors, as compiled for one kind of processor (ACCRUE_KIND): for its table in block_kernels.cpp alone.
#pragma once

#include "models/block_kernels.hpp"

namespace accrue::models::ACCRUE_KIND {

void sum_errors(const ForetoldRows& rows, const ErrorBounds& bounds, double* residuals, ErrorLanes& lanes,
                ErrorCounts& counts);
bool cuts_beyond(const double* cut_rows, const double* cut_sums, std::size_t cuts, const CutBounds& bounds,
                 double* beyond);

}  // namespace accrue::models::ACCRUE_KIND
