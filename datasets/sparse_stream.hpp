// A wide and sparse regression stream made from a seed: each row has a few features of very many, like the words of a
// text. Feature j is drawn as floor(dimension * u^3), so that the first are in many rows and the last in few; what is
// drawn twice for a row is drawn again. Values are normal. A quarter of the features have a coefficient, which is
// normal too; y is the sum of the products plus noise of standard deviation kSparseNoise. The same bits on every
// platform, as for streams.hpp; a shorter stream is the start of a longer one. Thread-safe: plain functions. Errors:
// std::invalid_argument where a row cannot have so many features.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace accrue::datasets {

inline constexpr double kSparseNoise = 0.5;

// Rows of index/value pairs; every row has as many.
struct SparseRows {
  std::uint32_t dimension = 0;
  std::size_t nonzeros = 0;            // of a row
  std::vector<std::uint32_t> indices;  // row by row; within a row from small to large, each once, below dimension
  std::vector<double> values;          // one an index
  std::vector<double> targets;         // one a row

  std::size_t rows() const { return targets.size(); }
  std::span<const std::uint32_t> row_indices(std::size_t i) const { return {indices.data() + i * nonzeros, nonzeros}; }
  std::span<const double> row_values(std::size_t i) const { return {values.data() + i * nonzeros, nonzeros}; }
};

// 1 <= nonzeros <= dimension.
SparseRows sparse_stream(std::size_t rows, std::uint32_t dimension, std::size_t nonzeros, std::uint64_t seed);

// The true coefficient of a feature in the stream of that seed.
double sparse_coefficient(std::uint32_t index, std::uint64_t seed);

}  // namespace accrue::datasets
