// Streams made from a seed, for tests and comparisons of learners: drift of three kinds, heavy tails, collinear
// columns, a function that is not linear.
//
// Of the drift streams every row is x1 ... x5, independent and normal, and y = c0 + c1 x1 + ... + c5 x5 + noise; noise
// and features have variance 1. The coefficients are kBeforeDrift, then kAfterDrift, whatever the seed: the root of the
// mean squared error of who knows them is 1, of who takes the one for the other 4.3.
//
// A seed gives the same bits on every platform: random.hpp, and +, -, *, / and sqrt of doubles without contraction, are
// all that is used. A shorter table is the start of a longer one made with the same other arguments.
// Thread-safe: plain functions. Errors: std::invalid_argument for arguments that are not as said here.
//
// Source: Friedman #1 is from Friedman, "Multivariate adaptive regression splines", Annals of Statistics 19 (1991).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "datasets/table.hpp"

namespace accrue::datasets {

using DriftCoefficients = std::array<double, 6>;  // c0, the intercept, then one a feature

inline constexpr DriftCoefficients kBeforeDrift = {1, 2, -1, 0.5, 1, -1.5};
inline constexpr DriftCoefficients kAfterDrift = {0, -1, 1, 0.5, 2, 0};

// kAfterDrift from row jump_row on.
Table abrupt_drift(std::size_t rows, std::size_t jump_row, std::uint64_t seed);

// From first_row to last_row the coefficients go from the one to the other in a straight line. first_row < last_row.
Table gradual_drift(std::size_t rows, std::size_t first_row, std::size_t last_row, std::uint64_t seed);

// The coefficients change every `period` rows, to and fro. period > 0.
Table recurring_drift(std::size_t rows, std::size_t period, std::uint64_t seed);

// kBeforeDrift throughout, and noise that is a normal divided by the root of a uniform: its mean is 0, its variance
// infinite, as a share of 1 / t^2 lies beyond +-t (for t > 6).
Table heavy_tailed(std::size_t rows, std::uint64_t seed);

// x1, x2, x3 uniform in [0, 1); x4 = x1 + x2, without rounding; x5 = x3 + 1e-6 times a normal; x6 = 3, which an
// intercept is collinear with. y = 1 + 2 x1 - x2 + 0.5 x3 + 0.5 times a normal.
Table collinear(std::size_t rows, std::uint64_t seed);

// Friedman #1: x1 ... x10 uniform in [0, 1), y = 10 sin(pi x1 x2) + 20 (x3 - 0.5)^2 + 10 x4 + 5 x5 plus a normal.
Table friedman(std::size_t rows, std::uint64_t seed);

struct SyntheticStream {
  std::string_view name;
  std::string_view what;  // one line
  Table (*make)(std::size_t rows, std::uint64_t seed);
};

// What synthetic_stream knows, in alphabetical order.
std::span<const SyntheticStream> synthetic_streams();

// The stream of that name; std::invalid_argument names all there are.
Table synthetic_stream(std::string_view name, std::size_t rows, std::uint64_t seed);

}  // namespace accrue::datasets
