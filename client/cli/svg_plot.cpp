#include "client/cli/svg_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string_view>

#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"

namespace accrue::cli {
namespace {

// In pixels.
constexpr double kWidth = 860;
constexpr double kLeft = 84;
constexpr double kRight = kWidth - 44;
constexpr double kTop = 48;
constexpr double kBottom = 428;
constexpr double kLegend = kBottom + 68;  // its first line
constexpr double kLegendLine = 20;

constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9"};
constexpr std::array kDashes = {"", "8 4", "2 4", "10 4 2 4"};

constexpr double kMargin = 0.04;      // of the vertical range, above and below the lines
constexpr double kWantedTicks = 6;    // about
constexpr double kManyDecades = 2.5;  // ticks at 1, 2 and 5 would crowd

struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::vector<double> ticks = {};

  // 0 at the low end, 1 at the high one.
  double place(double value) const {
    return logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  }
};

Axis linear_axis(double low, double high) {
  const double least = std::max(std::abs(low), std::abs(high)) * 1e-9;
  if (high - low <= least) {  // of one value
    const double room = high == 0 ? 1 : 0.1 * std::abs(high);
    low -= room;
    high += room;
  }
  Axis axis{.low = low, .high = high};
  const double step = round_step((high - low) / kWantedTicks);
  for (double k = std::ceil(low / step); k * step <= high; ++k) axis.ticks.push_back(k * step + 0.0);  // never -0
  return axis;
}

Axis logarithmic_axis(double low, double high) {
  Axis axis{.low = low, .high = high, .logarithmic = true};
  const double decades = std::log10(high / low);
  const double every = std::ceil(decades / kWantedTicks);
  for (double power = every * std::floor(std::log10(low) / every); power <= std::log10(high); power += every) {
    for (const double digit : {1, 2, 5}) {
      const double tick = digit * std::pow(10, power);
      if (tick >= low && tick <= high && (digit == 1 || decades < kManyDecades)) axis.ticks.push_back(tick);
    }
  }
  return axis;
}

// The finite values of one coordinate.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

bool is_drawn(const Plot::Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

Range range_of(const std::vector<Plot::Line>& lines, double Plot::Point::*coordinate) {
  Range range;
  for (const Plot::Line& line : lines) {
    for (const Plot::Point& point : line.points) {
      if (!is_drawn(point)) continue;
      range.low = std::min(range.low, point.*coordinate);
      range.high = std::max(range.high, point.*coordinate);
    }
  }
  return range.low <= range.high ? range : Range{0, 1};
}

Axis x_axis(const std::vector<Plot::Line>& lines) {
  const Range range = range_of(lines, &Plot::Point::x);
  return linear_axis(std::min(0.0, range.low), range.high);
}

Axis y_axis(const std::vector<Plot::Line>& lines) {
  const Range range = range_of(lines, &Plot::Point::y);
  if (range.low > 0 && range.high / range.low > kWideRange) {
    const double margin = std::pow(range.high / range.low, kMargin);
    return logarithmic_axis(range.low / margin, range.high * margin);
  }
  const double margin = kMargin * (range.high - range.low);
  return linear_axis(range.low - margin, range.high + margin);
}

// As text of an element or an attribute.
std::string xml(const std::string& text) {
  const auto valid = Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
  std::string escaped;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const std::string_view rest = std::string_view(valid).substr(i);
    switch (const char c = valid[i]) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default:
        if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {  // no characters of XML
          escaped += "\uFFFD";
          i += 2;
        } else {
          escaped += static_cast<unsigned char>(c) < ' ' ? std::string("\uFFFD") : std::string(1, c);
        }
    }
  }
  return escaped;
}

std::string pixels(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string tick_text(double value) {
  const bool is_count = value >= 1'000 && value < 1e15 && value == std::floor(value);
  return is_count ? grouped(static_cast<std::uint64_t>(value)) : readable(Json(value));
}

// An element with its attributes still open: `more` ends it.
std::string text_at(double x, double y, const std::string& anchor, const std::string& text,
                    const std::string& more = "") {
  return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" text-anchor=\"" + anchor + "\"" + more + ">" +
         xml(text) + "</text>\n";
}

std::string rule(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + pixels(x1) + "\" y1=\"" + pixels(y1) + "\" x2=\"" + pixels(x2) + "\" y2=\"" + pixels(y2) +
         "\" " + style + "/>\n";
}

double across(const Axis& x, double value) { return kLeft + (kRight - kLeft) * x.place(value); }
double down(const Axis& y, double value) { return kBottom - (kBottom - kTop) * y.place(value); }

std::string axes(const Plot& plot, const Axis& x, const Axis& y) {
  const std::string grid = "stroke=\"#dddddd\"";
  std::string text;
  for (const double tick : x.ticks) {
    text += rule(across(x, tick), kTop, across(x, tick), kBottom, grid);
    text += text_at(across(x, tick), kBottom + 18, "middle", tick_text(tick));
  }
  for (const double tick : y.ticks) {
    text += rule(kLeft, down(y, tick), kRight, down(y, tick), grid);
    text += text_at(kLeft - 8, down(y, tick) + 4, "end", tick_text(tick));
  }
  text += rule(kLeft, kBottom, kRight, kBottom, "stroke=\"#222222\"") +
          rule(kLeft, kTop, kLeft, kBottom, "stroke=\"#222222\"");
  const double middle = (kTop + kBottom) / 2;
  text += text_at((kLeft + kRight) / 2, kBottom + 40, "middle", plot.x_label);
  text += text_at(18, middle, "middle", plot.y_label + (y.logarithmic ? " (logarithmic)" : ""),
                  " transform=\"rotate(-90 18 " + pixels(middle) + ")\"");
  return text;
}

std::string stroke(std::size_t line) {
  const std::string dashes = kDashes[line / kColours.size() % kDashes.size()];
  return std::string("stroke=\"") + kColours[line % kColours.size()] + "\" stroke-width=\"2\"" +
         (dashes.empty() ? "" : " stroke-dasharray=\"" + dashes + "\"");
}

// A point between two gaps becomes a dot: a line to itself with a round end.
std::string path(const Plot::Line& line, const Axis& x, const Axis& y) {
  std::string steps;
  bool pen_down = false;
  for (const Plot::Point& point : line.points) {
    if (is_drawn(point)) {
      const std::string place = pixels(across(x, point.x)) + " " + pixels(down(y, point.y));
      steps += pen_down ? "L" + place : "M" + place + "L" + place;
    }
    pen_down = is_drawn(point);
  }
  return steps;
}

std::string drawn(const std::vector<Plot::Line>& lines, const Axis& x, const Axis& y) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double beside = kLegend + kLegendLine * static_cast<double>(i);
    text += "<path d=\"" + path(lines[i], x, y) +
            "\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" " + stroke(i) + "/>\n";
    text += rule(kLeft, beside - 4, kLeft + 36, beside - 4, stroke(i));
    text += text_at(kLeft + 46, beside, "start", lines[i].name);
  }
  return text;
}

}  // namespace

double round_step(double at_least) {
  const double power = std::pow(10, std::floor(std::log10(at_least)));
  for (const double digit : {1, 2, 5}) {
    if (digit * power >= at_least) return digit * power;
  }
  return 10 * power;
}

std::string svg(const Plot& plot) {
  const Axis x = x_axis(plot.lines);
  const Axis y = y_axis(plot.lines);
  const std::string width = pixels(kWidth);
  const std::string height = pixels(kLegend + kLegendLine * static_cast<double>(plot.lines.size()));
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
         width + "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height +
         "\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222222\">\n" +  //
         "<title>" + xml(plot.title) + "</title>\n" +                            //
         "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" +
         text_at(kWidth / 2, 28, "middle", plot.title, " font-size=\"16\"") + axes(plot, x, y) +
         drawn(plot.lines, x, y) + "</svg>\n";
}

}  // namespace accrue::cli
