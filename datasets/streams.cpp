#include "datasets/streams.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "datasets/random.hpp"
#include "datasets/synthetic.hpp"

namespace accrue::datasets {
namespace {

constexpr std::size_t kDriftFeatures = kBeforeDrift.size() - 1;

Table empty_table(std::size_t features, std::size_t rows) {
  Table table;
  for (std::size_t k = 1; k <= features; ++k) table.feature_names.push_back("x" + std::to_string(k));
  table.target_name = "y";
  table.rows = rows;
  table.values.reserve(rows * table.columns());
  return table;
}

double normal_noise(Random& random) { return random.normal(); }

double heavy_noise(Random& random) {
  const double numerator = random.normal();
  return numerator / std::sqrt(1 - random.uniform());
}

// after(i) is the share of kAfterDrift in the coefficients of row i.
template <typename After>
Table linear_stream(std::size_t rows, std::uint64_t seed, double (*noise)(Random&), After after) {
  Table table = empty_table(kDriftFeatures, rows);
  Random random(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    const double share = after(i);
    const auto coefficient = [&](std::size_t k) {
      return kBeforeDrift[k] + share * (kAfterDrift[k] - kBeforeDrift[k]);
    };
    double y = coefficient(0);
    for (std::size_t k = 1; k <= kDriftFeatures; ++k) {
      const double x = random.normal();
      table.values.push_back(x);
      y += coefficient(k) * x;
    }
    table.values.push_back(y + noise(random));
  }
  return table;
}

// sin(pi t) for t in [0, 1], by the terms of its series that a double can tell from nothing: std::sin is not the same
// everywhere.
double sin_of_half_turns(double t) {
  const double x = 3.14159265358979323846 * std::min(t, 1 - t);
  double sum = 1;
  for (int k = 20; k >= 2; k -= 2) sum = 1 - x * x / (k * (k + 1)) * sum;
  return x * sum;
}

constexpr std::array<SyntheticStream, 7> kStreams = {{
    {"abrupt_drift", "linear, 5 features; the coefficients jump after half of the rows",
     [](std::size_t rows, std::uint64_t seed) { return abrupt_drift(rows, rows / 2, seed); }},
    {"california", "the columns and the rough shape of California housing",
     [](std::size_t rows, std::uint64_t seed) { return synthetic_california(seed, rows); }},
    {"collinear", "linear, 6 features: one the sum of two others, two nearly equal, one constant", collinear},
    {"friedman", "Friedman #1: 10 features, 5 of them noise; a sine of two, the square of one", friedman},
    {"gradual_drift", "linear, 5 features; the coefficients move in the middle third of the rows",
     [](std::size_t rows, std::uint64_t seed) { return gradual_drift(rows, rows / 3, rows / 3 * 2 + 1, seed); }},
    {"heavy_tailed", "linear, 5 features; noise of infinite variance", heavy_tailed},
    {"recurring_drift", "linear, 5 features; two sets of coefficients in turn, each three times",
     [](std::size_t rows, std::uint64_t seed) { return recurring_drift(rows, rows / 6 + 1, seed); }},
}};

}  // namespace

Table abrupt_drift(std::size_t rows, std::size_t jump_row, std::uint64_t seed) {
  return linear_stream(rows, seed, normal_noise, [=](std::size_t i) { return i < jump_row ? 0.0 : 1.0; });
}

Table gradual_drift(std::size_t rows, std::size_t first_row, std::size_t last_row, std::uint64_t seed) {
  if (first_row >= last_row) throw std::invalid_argument("a gradual drift must end after the row that it begins at");
  return linear_stream(rows, seed, normal_noise, [=](std::size_t i) {
    const std::size_t gone = std::clamp(i, first_row, last_row) - first_row;
    return static_cast<double>(gone) / static_cast<double>(last_row - first_row);
  });
}

Table recurring_drift(std::size_t rows, std::size_t period, std::uint64_t seed) {
  if (period == 0) throw std::invalid_argument("a recurring drift must have a period of at least one row");
  return linear_stream(rows, seed, normal_noise, [=](std::size_t i) { return i / period % 2 == 0 ? 0.0 : 1.0; });
}

Table heavy_tailed(std::size_t rows, std::uint64_t seed) {
  return linear_stream(rows, seed, heavy_noise, [](std::size_t) { return 0.0; });
}

Table collinear(std::size_t rows, std::uint64_t seed) {
  constexpr std::uint64_t kSteps = 1 << 20;  // so few digits that the sum of two is exact
  Table table = empty_table(6, rows);
  Random random(seed);
  const auto draw = [&] { return static_cast<double>(random.below(kSteps)) / static_cast<double>(kSteps); };
  for (std::size_t i = 0; i < rows; ++i) {
    const double x1 = draw();
    const double x2 = draw();
    const double x3 = draw();
    const double x5 = x3 + 1e-6 * random.normal();
    const double y = 1 + 2 * x1 - x2 + 0.5 * x3 + 0.5 * random.normal();
    table.values.insert(table.values.end(), {x1, x2, x3, x1 + x2, x5, 3, y});
  }
  return table;
}

Table friedman(std::size_t rows, std::uint64_t seed) {
  Table table = empty_table(10, rows);
  Random random(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    std::array<double, 10> x{};
    for (double& value : x) value = random.uniform();
    const double y =
        10 * sin_of_half_turns(x[0] * x[1]) + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] + 5 * x[4] + random.normal();
    table.values.insert(table.values.end(), x.begin(), x.end());
    table.values.push_back(y);
  }
  return table;
}

std::span<const SyntheticStream> synthetic_streams() { return kStreams; }

Table synthetic_stream(std::string_view name, std::size_t rows, std::uint64_t seed) {
  std::string known;
  for (const SyntheticStream& stream : kStreams) {
    if (stream.name == name) return stream.make(rows, seed);
    known += (known.empty() ? "" : ", ") + std::string(stream.name);
  }
  throw std::invalid_argument("no synthetic stream is called '" + std::string(name) + "'; there are " + known);
}

}  // namespace accrue::datasets
