#include "datasets/sparse_stream.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "datasets/random.hpp"

namespace accrue::datasets {
namespace {

std::uint32_t draw_index(Random& random, std::uint32_t dimension) {
  const double u = random.uniform();
  return static_cast<std::uint32_t>(u * u * u * dimension);  // below dimension, as u^3 <= 1 - 2^-53
}

void draw_indices(Random& random, std::uint32_t dimension, std::span<std::uint32_t> indices) {
  for (std::size_t drawn = 0; drawn < indices.size();) {
    const std::uint32_t index = draw_index(random, dimension);
    const auto end = indices.begin() + static_cast<std::ptrdiff_t>(drawn);
    const auto place = std::lower_bound(indices.begin(), end, index);
    if (place != end && *place == index) continue;
    std::copy_backward(place, end, end + 1);
    *place = index;
    ++drawn;
  }
}

}  // namespace

SparseRows sparse_stream(std::size_t rows, std::uint32_t dimension, std::size_t nonzeros, std::uint64_t seed) {
  if (nonzeros < 1 || nonzeros > dimension) {
    throw std::invalid_argument("a row of " + std::to_string(dimension) +
                                " features has from 1 to as many of them, not " + std::to_string(nonzeros));
  }
  SparseRows stream{dimension, nonzeros, {}, {}, {}};
  stream.indices.resize(rows * nonzeros);
  stream.values.reserve(rows * nonzeros);
  stream.targets.reserve(rows);
  Random random(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::span indices = std::span(stream.indices).subspan(i * nonzeros, nonzeros);
    draw_indices(random, dimension, indices);
    double y = 0;
    for (const std::uint32_t index : indices) {
      const double value = random.normal();
      stream.values.push_back(value);
      y += sparse_coefficient(index, seed) * value;
    }
    stream.targets.push_back(y + kSparseNoise * random.normal());
  }
  return stream;
}

double sparse_coefficient(std::uint32_t index, std::uint64_t seed) {
  Random random(seed ^ (index + std::uint64_t{1}) * 0xD1B54A32D192ED03);
  return random.below(4) == 0 ? random.normal() : 0;
}

}  // namespace accrue::datasets
