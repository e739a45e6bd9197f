#include "datasets/synthetic.hpp"

#include <algorithm>

#include "datasets/random.hpp"

namespace accrue::datasets {
namespace {

constexpr double kMinValue = 0.15;  // of MedHouseVal, as in the original
constexpr double kMaxValue = 5.00001;
constexpr double kNoise = 0.6;        // standard deviation of MedHouseVal around the linear function
constexpr double kOutliers = 0.0005;  // share of rows whose AveOccup is an institution's, not a home's

// A bell that leans to the right, without exp(): the square of a normal around 1.
double skewed(Random& random, double scale, double spread) {
  const double root = 1 + spread * random.normal();
  return scale * root * root;
}

}  // namespace

Table synthetic_california(std::uint64_t seed, std::size_t rows) {
  Table table = california_columns();
  table.rows = rows;
  table.values.reserve(rows * table.columns());
  Random random(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    // One draw a statement, in this order: the order in which arguments are evaluated is the compiler's choice.
    const double income = std::clamp(skewed(random, 3.6, 0.23), 0.4999, 15.0001);
    const double age = static_cast<double>(1 + random.below(52));
    const double rooms = std::max(0.85, skewed(random, 5.2, 0.12) + 0.15 * (income - 3.8));
    const double bedrooms = std::max(0.33, 0.2 * rooms + 0.05 * random.normal());
    const double population = static_cast<double>(3 + static_cast<int>(skewed(random, 1'150, 0.42)));
    double occupancy = std::max(0.7, skewed(random, 2.85, 0.12));
    if (random.uniform() < kOutliers) occupancy += 6 / (0.005 + random.uniform());
    // The coast runs from north-west to south-east.
    const double latitude = 32.5 + 9.5 * random.uniform();
    const double longitude = std::clamp(-119.6 - 0.85 * (latitude - 35.6) + 0.9 * random.normal(), -124.35, -114.31);
    const double value = -36.9 + 0.437 * income + 0.0094 * age - 0.107 * rooms + 0.645 * bedrooms - 4e-6 * population -
                         0.0038 * occupancy - 0.421 * latitude - 0.4345 * longitude + kNoise * random.normal();
    table.values.insert(table.values.end(), {income, age, rooms, bedrooms, population, occupancy, latitude, longitude,
                                             std::clamp(value, kMinValue, kMaxValue)});
  }
  return table;
}

}  // namespace accrue::datasets
