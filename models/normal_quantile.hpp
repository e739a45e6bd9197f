// The quantile of the standard normal distribution: what half-width, in standard deviations, an interval of a level has
// when the errors are normal. Pure functions: any thread may call them.
//
// Only +, -, *, / and roots on doubles, which IEEE 754 fixes to the last bit: the same on every machine.
// Accuracy: 2e-7 relative, for 1e-300 <= p < 1.
// Source: Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988),
// PPND7.
#pragma once

namespace accrue::models {

/// The z that a standard normal variable does not exceed with probability 0 < p < 1.
double normal_quantile(double p);

/// How many standard deviations on either side hold a share `level` of a normal distribution, 0 < level < 1.
inline double normal_half_width(double level) { return -normal_quantile((1 - level) / 2); }

}  // namespace accrue::models
