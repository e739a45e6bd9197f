// How transforms are written: what is refused, and what the refusal tells whoever wrote it.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/transforms.hpp"

namespace accrue::models {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kNames = {"a", "b", "c"};

std::string problem_with(const std::string& text, const std::vector<std::string>& names = kNames) {
  try {
    Transforms(text, names);
  } catch (const std::invalid_argument& problem) {
    return problem.what();
  }
  return "none";
}

std::vector<std::string> numbered(std::size_t columns) { return column_names(columns, {}); }

TEST(TransformsText, SaysWhatIsWrongAndWhatIsAllowed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"log1p | scale",
       "transform 2, 'scale': there is no transform 'scale': it is one of impute, log1p, clip, "
       "standard_scaler, polynomial, select, hash"},
      {"log1p |", "transform 2, '': there is no transform '': it is one of"},
      {"clip(3)", "transform 1, 'clip(3)': it is written clip(LOWEST, HIGHEST) or clip(LOWEST, HIGHEST; COLUMNS)"},
      {"clip", "it is written clip(LOWEST, HIGHEST)"},
      {"clip(1, 2, 3)", "it is written clip(LOWEST, HIGHEST)"},
      {"clip(low, 2)", "the lowest value must be a number from -1e+150 to 1e+150, not 'low'"},
      {"clip(1, 2e150)", "the highest value must be a number from -1e+150 to 1e+150, not '2e150'"},
      {"clip(2, 1)", "the lowest value, 2, is above the highest, 1"},
      {"clip(-3, 3; a) (b)", "there is no column 'a) (b' here"},
      {"impute", "it is written impute(mean), impute(NUMBER), impute(mean; COLUMNS) or impute(NUMBER; COLUMNS)"},
      {"impute(median)", "must be a number from -1e+150 to 1e+150, not 'median'"},
      {"impute(mean; )", "there is no column '' here: there are a, b, c"},
      {"log1p(d)", "transform 1, 'log1p(d)': there is no column 'd' here: there are a, b, c"},
      {"select(a) | log1p(b)", "transform 2, 'log1p(b)': there is no column 'b' here: there are a"},
      {"log1p(a, b, a)", "column 'a' is listed twice"},
      {"log1p(; a)", "it is written log1p or log1p(COLUMNS)"},
      {"standard_scaler(a; b)", "it is written standard_scaler or standard_scaler(COLUMNS)"},
      {"select", "it is written select(COLUMNS)"},
      {"hash(0)", "the number of buckets must be a whole number from 1 to 1024, not '0'"},
      {"log1p(a", "its parenthesis is never closed"},
      {"log1p(a | b)", "transform 1, 'log1p(a': its parenthesis is never closed: a name with | ( ) ; , or \" in it"},
      {"log1p(\"a)", "a quote is never closed"},
      {"log1p(\"a\"b)", "stands in \"quotes\", a quote itself doubled"},
      {"log1p(\"a\"b\"c\")", "stands in \"quotes\", a quote itself doubled"},
      {"clip(1; 2; 3)", "one semicolon stands between arguments and columns"},
      {"polynomial | polynomial", "transform 2, 'polynomial': it makes a column 'a^2', and there is one of that name"},
      {"hash(2; a) | hash(2; b)",
       "transform 2, 'hash(2; b)': it makes a column 'hash0', and there is one of that name"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(problem_with(text), HasSubstr(message)) << text;
  }
}

TEST(TransformsText, MakesNoMoreColumnsThanAModelHas) {
  EXPECT_EQ(problem_with("polynomial", numbered(43)), "none");
  EXPECT_THAT(problem_with("polynomial", numbered(44)),
              HasSubstr("it would make a row 1034 columns wide, and 1024 is the most: list the columns"));
  EXPECT_EQ(problem_with("hash(1024)", numbered(1024)), "none");
  EXPECT_THAT(problem_with("hash(1024; 0)", numbered(2)), HasSubstr("a row 1025 columns wide"));
}

}  // namespace
}  // namespace accrue::models
