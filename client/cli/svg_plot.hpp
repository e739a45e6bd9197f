// A plot of lines as an SVG document: a title, two axes with round ticks, a legend beneath.
//
// It stands on white, in colours that the colour-blind tell apart (Okabe and Ito, "Color Universal Design", 2008), so
// that it reads the same in a light and in a dark viewer; from the eighth line on, dashes tell the colours apart. The
// vertical axis is logarithmic where all values are above zero and the largest is kWideRange times the smallest.
// Thread-safe: pure functions. Texts may hold any bytes: what XML cannot hold becomes U+FFFD. A point that is not
// finite is a gap in its line.
#pragma once

#include <string>
#include <vector>

namespace accrue::cli {

struct Plot {
  struct Point {
    double x;
    double y;
  };
  struct Line {
    std::string name;
    std::vector<Point> points = {};
  };
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Line> lines = {};
};

inline constexpr double kWideRange = 50;

std::string svg(const Plot& plot);

// The smallest of 1, 2 and 5 times a power of ten that is at least so much, which is above 0.
double round_step(double at_least);

}  // namespace accrue::cli
