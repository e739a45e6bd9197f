#include "models/forgetting.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/require.hpp"

namespace accrue::models {
namespace {

constexpr double kPanes = 16;

// 2^f for f in [0, 1], of +, * alone: the library's differs from processor to processor in the last bit.
double power_of_two(double f) {
  constexpr double kLog2 = 0x1.62e42fefa39efp-1;
  constexpr double kRoot2 = 0x1.6a09e667f3bcdp+0;
  constexpr std::array<double, 15> kInverseFactorials = [] {
    std::array<double, 15> values{};
    double factorial = 1;
    for (std::size_t k = 0; k < values.size(); ++k) {
      factorial *= k > 0 ? static_cast<double>(k) : 1;
      values[k] = 1 / factorial;
    }
    return values;
  }();
  const double z = (f - 0.5) * kLog2;
  double sum = 0;
  for (std::size_t k = kInverseFactorials.size(); k-- > 0;) {
    sum = sum * z + kInverseFactorials[k];
  }
  return kRoot2 * sum;
}

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
  if (way != Way::kHalfLife) {
    return 1;
  }
  const double own = epoch(clock);
  const double within = std::clamp(std::fma(-own, 2 * length, clock) / (2 * length), 0.0, 1.0);
  return power_of_two(within) * halved(to - own);
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
