// Random numbers that are the same on every platform, compiler and library, for shuffles and synthetic data.
// Not for secrets, and not for statistics that need a proven generator.
//
// Definition, enough to reproduce it elsewhere (all integers unsigned, 64 bits, wrapping around):
//   state = seed
//   next():         state += 0x9E3779B97F4A7C15;  z = state
//                   z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
//                   z = (z ^ (z >> 27)) * 0x94D049BB133111EB
//                   return z ^ (z >> 31)
//   below(n):       draw r = next() until r >= (2^64 - n) mod n;  return r mod n            unbiased, n >= 1
//   uniform():      (next() >> 11) * 2^-53                                                  in [0, 1)
//   normal():       the sum of twelve uniform(), added in order, less 6                     mean 0, variance 1, |z| <=
//   6 permutation(n, seed):  p = [0, 1, ..., n - 1];  for i = n - 1 down to 1: swap p[i] with p[below(i + 1)]
// Only +, -, * on doubles are used, which IEEE 754 fixes to the last bit; std:: distributions and log(), sin() are not
// fixed, and therefore not used. normal() is the Irwin-Hall approximation: its tails are lighter than Gaussian.
//
// Threads: a generator belongs to one thread at a time.
// Sources: next() is SplitMix64, Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014;
// permutation() is Durstenfeld's form of the Fisher-Yates shuffle (CACM Algorithm 235, 1964).
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace accrue::datasets {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t below(std::uint64_t n) {
    const std::uint64_t first_fair = (0 - n) % n;  // 2^64 - first_fair is a multiple of n
    std::uint64_t draw = next();
    while (draw < first_fair) draw = next();
    return draw % n;
  }

  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  double normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum - 6;
  }

 private:
  std::uint64_t state_;
};

inline std::vector<std::size_t> permutation(std::size_t n, std::uint64_t seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

// The rows, of so many columns each, in the order of permutation().
inline std::vector<double> shuffled(std::span<const double> rows, std::size_t columns, std::uint64_t seed) {
  std::vector<double> result;
  result.reserve(rows.size());
  for (const std::size_t i : permutation(rows.size() / columns, seed)) {
    const auto row = rows.subspan(i * columns, columns);
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

}  // namespace accrue::datasets
