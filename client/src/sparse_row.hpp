// Sparse rows on their way out: as their users give them, and in order. Functions are re-entrant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "accrue/client.hpp"

namespace accrue::client {

// One to be learned, its columns increasing.
struct SparseRow {
  std::span<const std::uint32_t> columns;
  std::span<const double> values;
  double target = 0;
  double weight = 1;
};

// Features in whatever order they come, some more than once perhaps, made what the wire takes: their numbers increase,
// and the values of a feature are added up in the order they came. It has the memory of what it made last.
class InOrder {
 public:
  // Throws kInvalid, which begins with `subject`, where numbers and values are not as many or too many, or a number is
  // not below the dimension; the values are the daemon's to judge.
  void put(const std::string& subject, std::span<const std::uint32_t> columns, std::span<const double> values,
           std::uint32_t dimension);

  std::span<const std::uint32_t> columns() const { return columns_; }
  std::span<const double> values() const { return values_; }

 private:
  struct Feature {
    std::uint32_t column;
    double value;
  };

  std::span<const std::uint32_t> columns_;
  std::span<const double> values_;
  std::vector<Feature> features_;
  std::vector<std::uint32_t> ordered_columns_;
  std::vector<double> ordered_values_;
};

}  // namespace accrue::client
