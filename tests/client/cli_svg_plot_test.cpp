#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/svg_plot.hpp"

namespace accrue::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes = {};
  std::string text = {};
  std::vector<Element> children = {};
};

// As much of XML as the plot needs, and no less strict: whatever is not well formed throws.
class XmlReader {
 public:
  explicit XmlReader(std::string_view xml) : rest_(xml) {}

  Element document() {
    take("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    Element root = element();
    take("\n");
    if (!rest_.empty()) fail("text after the root");
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " before: " + std::string(rest_.substr(0, 60)));
  }
  void take(std::string_view text) {
    if (!rest_.starts_with(text)) fail("no " + std::string(text));
    rest_.remove_prefix(text.size());
  }
  std::string name() {
    const std::size_t length =
        rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    std::string found(rest_.substr(0, length));
    if (found.empty()) fail("no name");
    rest_.remove_prefix(length);
    return found;
  }
  // Up to a delimiter, which stays.
  std::string text(std::string_view delimiters) {
    static const std::map<std::string_view, char> kEntities = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    std::string found;
    while (!rest_.empty() && delimiters.find(rest_.front()) == std::string_view::npos) {
      if (rest_.front() == '<' || (static_cast<unsigned char>(rest_.front()) < ' ' && rest_.front() != '\n')) {
        fail("a character that may not stand here");
      }
      if (rest_.front() == '&') {
        const std::string_view entity = rest_.substr(0, rest_.find(';') + 1);
        if (!kEntities.contains(entity)) fail("no entity");
        found += kEntities.at(entity);
        rest_.remove_prefix(entity.size());
      } else {
        found += rest_.front();
        rest_.remove_prefix(1);
      }
    }
    return found;
  }
  Element element() {
    take("<");
    Element found{.name = name()};
    while (rest_.starts_with(" ")) {
      take(" ");
      const std::string key = name();
      take("=\"");
      if (!found.attributes.emplace(key, text("\"")).second) fail("an attribute twice");
      take("\"");
    }
    if (rest_.starts_with("/")) {
      take("/>");
      return found;
    }
    take(">");
    for (;;) {
      found.text += text("<");
      if (rest_.starts_with("</")) break;
      found.children.push_back(element());
    }
    take("</" + found.name + ">");
    return found;
  }

  std::string_view rest_;
};

Element parsed(const Plot& plot) { return XmlReader(svg(plot)).document(); }

std::vector<std::string> texts(const Element& root) {
  std::vector<std::string> found;
  for (const Element& child : root.children) {
    if (child.name == "text") found.push_back(child.text);
  }
  return found;
}

std::vector<Element> paths(const Element& root) {
  std::vector<Element> found;
  for (const Element& child : root.children) {
    if (child.name == "path") found.push_back(child);
  }
  return found;
}

Plot plot_of(std::vector<Plot::Point> points) {
  return {.title = "t", .x_label = "x", .y_label = "y", .lines = {{"a", std::move(points)}}};
}

TEST(SvgPlot, HasTitleAxesWithRoundTicksAndALegendOnWhite) {
  Plot plot{.title = "Errors", .x_label = "rows", .y_label = "RMSE"};
  plot.lines = {{"one", {{0, 0.61}, {20'640, 1.13}}}, {"two", {{0, 0.72}, {20'640, 0.93}}}};
  const Element root = parsed(plot);
  EXPECT_EQ(root.name, "svg");
  EXPECT_EQ(root.attributes.at("xmlns"), "http://www.w3.org/2000/svg");
  EXPECT_EQ(root.children.at(0).name, "title");
  EXPECT_EQ(root.children.at(1).name, "rect");
  EXPECT_EQ(root.children.at(1).attributes.at("fill"), "#ffffff");
  EXPECT_THAT(texts(root), ElementsAre("Errors", "0", "5,000", "10,000", "15,000", "20,000", "0.6", "0.7", "0.8", "0.9",
                                       "1", "1.1", "rows", "RMSE", "one", "two"));
  const auto lines = paths(root);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].attributes.at("stroke"), lines[1].attributes.at("stroke"));
}

TEST(SvgPlot, DrawsLargeValuesHighAndLateOnesRight) {
  EXPECT_EQ(paths(parsed(plot_of({{0, 1}, {10, 2}}))).at(0).attributes.at("d"), "M84.0 413.9L84.0 413.9L816.0 62.1");
}

TEST(SvgPlot, IsWellFormedWhateverTheNames) {
  Plot plot = plot_of({{0, 1}, {1, 2}});
  plot.title = "a<b & \"c\" > 'd'";
  plot.lines[0].name =
      "bell \x07, broken \xC3( UTF-8, none \xEF\xBF\xBF, gr\xC3\xB6\xC3\x9F"
      "er";
  const auto found = texts(parsed(plot));
  EXPECT_EQ(found.front(), plot.title);
  EXPECT_EQ(found.back(),
            "bell \uFFFD, broken \uFFFD( UTF-8, none \uFFFD, gr\xC3\xB6\xC3\x9F"
            "er");
}

TEST(SvgPlot, TakesALogarithmicAxisWhereTheRangeIsWide) {
  EXPECT_THAT(texts(parsed(plot_of({{0, 0.5}, {1, 24}}))), Not(Contains(HasSubstr("logarithmic"))));
  EXPECT_THAT(texts(parsed(plot_of({{0, 0.5}, {1, 26}}))),
              IsSupersetOf({"0.5", "1", "2", "5", "10", "20", "y (logarithmic)"}));
  EXPECT_THAT(texts(parsed(plot_of({{0, 1e-6}, {1, 1}, {2, 1e4}}))),
              ElementsAre("t", "0", "0.5", "1", "1.5", "2", "1e-06", "0.0001", "0.01", "1", "100", "10,000", "x",
                          "y (logarithmic)", "a"));
  EXPECT_THAT(texts(parsed(plot_of({{0, 0}, {1, 100}}))), Not(Contains(HasSubstr("logarithmic"))));
}

TEST(SvgPlot, LeavesAGapWhereAPointIsNotFinite) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const std::string steps =
      paths(parsed(plot_of({{0, 1}, {1, 2}, {2, kNaN}, {3, 2}, {4, INFINITY}}))).at(0).attributes.at("d");
  EXPECT_EQ(std::count(steps.begin(), steps.end(), 'M'), 2);
  EXPECT_EQ(std::count(steps.begin(), steps.end(), 'L'), 3);
  EXPECT_THAT(steps, Not(HasSubstr("n"))) << "neither nan nor inf";
}

TEST(SvgPlot, DrawsWhatHasNoRange) {
  for (const std::vector<Plot::Point>& points :
       {std::vector<Plot::Point>{}, {{3, 7}}, {{0, 0}, {0, 0}}, {{1, 1e150}, {2, 1e150}}, {{1, -1e150}, {2, 1e150}}}) {
    const Element root = parsed(plot_of(points));
    for (const std::string& text : texts(root)) EXPECT_THAT(text, Not(testing::AnyOf("nan", "inf", "-nan", "-0")));
    EXPECT_GE(texts(root).size(), 6U) << "ticks on both axes";
    EXPECT_THAT(paths(root).at(0).attributes.at("d"), Not(HasSubstr("n")));
  }
}

TEST(SvgPlot, TellsManyLinesApart) {
  Plot plot{.title = "t", .x_label = "x", .y_label = "y"};
  for (int i = 0; i < 28; ++i) plot.lines.push_back({std::to_string(i), {{0, 1}}});
  std::set<std::string> looks;
  for (const Element& path : paths(parsed(plot))) {
    const auto dashes = path.attributes.find("stroke-dasharray");
    looks.insert(path.attributes.at("stroke") + (dashes == path.attributes.end() ? "" : dashes->second));
  }
  EXPECT_EQ(looks.size(), 28U);
}

TEST(RoundStep, IsOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_EQ(round_step(1), 1);
  EXPECT_EQ(round_step(41.28), 50);
  EXPECT_EQ(round_step(50), 50);
  EXPECT_EQ(round_step(51), 100);
  EXPECT_EQ(round_step(0.0011), 0.002);
}

}  // namespace
}  // namespace accrue::cli
