// Coordinates: what sgd knows of each feature, by column. Memory is taken for the features that have been seen, in
// pages of neighbours: a stream may be a million columns wide of which few ever occur.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace accrue::models {

/// A standardised feature is z = (x - centre) * inverse_scale.
struct Coordinate {
  double coefficient = 0;          // of z
  double squared_slopes = 0;       // sum of weight * (slope of the loss by the coefficient)^2
  double mean = 0;                 // of the values that are not zero
  double variance = 0;             // about that mean
  double rows = 0;                 // in which it is not zero; less after forgetting
  std::uint64_t penalised_at = 0;  // the row whose penalty is the next due
  double centre = 0;               // these two follow from the others
  double inverse_scale = 0;        // 0 for a feature that does not vary

  bool touched() const { return rows > 0 || coefficient != 0 || squared_slopes > 0; }
};

class Coordinates {
 public:
  explicit Coordinates(std::size_t features) : pages_((features + kPage - 1) / kPage) {}

  Coordinate& at(std::size_t column) {
    std::vector<Coordinate>& page = pages_[column / kPage];
    if (page.empty()) [[unlikely]] {
      page.resize(kPage);
    }
    return page[column % kPage];
  }
  /// One that knows nothing where there is none.
  const Coordinate& get(std::size_t column) const {
    static constexpr Coordinate kUntouched{};
    const std::vector<Coordinate>& page = pages_[column / kPage];
    return page.empty() ? kUntouched : page[column % kPage];
  }

  /// Calls visit(column, coordinate) for those touched, in the order of their columns.
  template <class Visit>
  void for_each(Visit visit) {
    each(pages_, visit);
  }
  template <class Visit>
  void for_each(Visit visit) const {
    each(pages_, visit);
  }

 private:
  static constexpr std::size_t kPage = 64;  // 4 KiB

  static void each(auto& pages, auto& visit) {
    std::size_t first = 0;
    for (auto& page : pages) {
      for (std::size_t i = 0; i < page.size(); ++i) {
        if (page[i].touched()) {
          visit(first + i, page[i]);
        }
      }
      first += kPage;
    }
  }

  std::vector<std::vector<Coordinate>> pages_;
};

}  // namespace accrue::models
