#include "models/normal_quantile.hpp"

#include <cmath>

namespace accrue::models {
namespace {

// log(x) of a normal number to 1e-16: the logarithms of libraries differ in their last bits.
double logarithm(double x) {
  constexpr double kLogOfTwo = 0.693147180559945309417;
  constexpr double kRootOfTwo = 1.414213562373095;
  int exponent = 0;
  const double significand = std::frexp(x, &exponent) * kRootOfTwo;  // from 0.707 to 1.414
  const double t = (significand - 1) / (significand + 1);            // log(significand) = 2 artanh(t), |t| < 0.172
  double series = 0;
  for (int k = 21; k > 0; k -= 2) {
    series = series * (t * t) + 1.0 / k;
  }
  return (exponent - 0.5) * kLogOfTwo + 2 * t * series;
}

double central(double q) {
  const double r = 0.180625 - q * q;
  return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
         (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
}

double tail(double p) {
  double r = std::sqrt(-logarithm(p));
  if (r <= 5) {
    r -= 1.6;
    return (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
           ((0.12021132975 * r + 0.73700164250) * r + 1);
  }
  r -= 5;
  return (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
         ((0.012258202635 * r + 0.24197894225) * r + 1);
}

}  // namespace

double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    return central(q);
  }
  return q < 0 ? -tail(p) : tail(1 - p);
}

}  // namespace accrue::models
