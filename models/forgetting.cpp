#include "models/forgetting.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/block_math.hpp"
#include "models/require.hpp"

namespace accrue::models {
namespace {

constexpr double kPanes = 16;

constexpr double kNoFraction = 0x1p52;  // no double beyond has one

}  // namespace

double halved(double steps) { return std::ldexp(1.0, -static_cast<int>(std::min(steps, 1100.0))); }

double Forgetting::pane_width() const { return by_time ? length / kPanes : std::ceil(length / kPanes); }

double Forgetting::panes() const { return by_time ? kPanes : std::ceil(length / pane_width()); }

double Forgetting::clock(const RowsView& rows, std::size_t i) const {
  if (way == Way::kNever) {
    return 0;
  }
  require(!by_time || rows.time_column != kNoColumn, "rows that are forgotten by time have a time");
  const double at = by_time ? rows.time(i) : static_cast<double>(rows.index(i));
  return way == Way::kWindow ? std::floor(at / pane_width()) : at;
}

double Forgetting::epoch(double clock) const { return way == Way::kHalfLife ? std::floor(clock / (2 * length)) : 0; }

double Forgetting::root_weight(double clock, double to) const {
  std::array<double, kMaxVector> roots;
  root_weights({&clock, 1}, to, roots.data());
  return roots[0];
}

void Forgetting::root_weights(std::span<const double> clocks, double to, double* roots) const {
  if (way != Way::kHalfLife) {
    std::fill_n(roots, clocks.size(), 1.0);
    return;
  }
  if (std::abs(to) >= kNoFraction) {
    std::transform(clocks.begin(), clocks.end(), roots, [&](double clock) { return halved(to - epoch(clock)); });
    return;
  }
  const double width = 2 * length;
  const double start = to * width;
  const double rest_of_start = std::fma(to, width, -start);
  for (std::size_t i = 0; i < clocks.size(); ++i) {
    roots[i] = ((clocks[i] - start) - rest_of_start) / width;
  }
  powers_of_two(roots, clocks.size());
}

Forgetting read_forgetting(Settings& settings) {
  struct Choice {
    const char* key;
    Forgetting::Way way;
    bool by_time;
  };
  constexpr std::array kChoices = {Choice{"half_life_rows", Forgetting::Way::kHalfLife, false},
                                   Choice{"half_life_seconds", Forgetting::Way::kHalfLife, true},
                                   Choice{"window_rows", Forgetting::Way::kWindow, false},
                                   Choice{"window_seconds", Forgetting::Way::kWindow, true}};
  Forgetting forgetting;
  for (const Choice& choice : kChoices) {
    const double lowest = choice.by_time ? 1e-6 : 1;
    double length = 0;
    if (choice.way == Forgetting::Way::kWindow && !choice.by_time) {
      length = static_cast<double>(settings.count(choice.key, 0, 1, std::uint64_t{1} << 53));
    } else {
      length = settings.number(choice.key, 0, lowest, 0x1p53);
    }
    if (length == 0) {
      continue;
    }
    if (forgetting.way != Forgetting::Way::kNever) {
      throw std::invalid_argument(
          "at most one of half_life_rows, half_life_seconds, window_rows and window_seconds may be set");
    }
    forgetting = {choice.way, choice.by_time, length};
  }
  return forgetting;
}

}  // namespace accrue::models
