#include <limits>

#include <gtest/gtest.h>

#include "client/cli/output.hpp"

namespace accrue::cli {
namespace {

Report two_models() {
  Report report;
  report.document = {{"a", 1}};
  report.table.columns = {{"name", "name"}, {"estimate", "estimate", 4}};
  report.table.rows = {{"rooms", 0.123456789}, {"a,\"b\"", -12.5}, {"none", Json()}};
  report.fields = {{"r2", "R2", 0.5}, {"n", "rows", 20640}};
  return report;
}

TEST(JsonText, CarriesSeventeenSignificantDigits) {
  EXPECT_EQ(json_text(0.1), "0.10000000000000001");
  EXPECT_EQ(json_text(2.0), "2");
  EXPECT_EQ(json_text(-36.94192020718288), "-36.941920207182882");
}

TEST(JsonText, HasNoNumberForWhatIsNotFinite) {
  EXPECT_EQ(json_text(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(json_text(std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonText, KeepsTheOrderOfKeys) {
  const Json value{
      {"stream", "s"}, {"epoch", 3}, {"intercept", nullptr}, {"all", {true, 1.5}}, {"none", Json::array()}};
  EXPECT_EQ(json_text(value), R"({"stream": "s", "epoch": 3, "intercept": null, "all": [true, 1.5], "none": []})");
}

TEST(JsonText, EscapesNamesAndSurvivesInvalidUtf8) {
  EXPECT_EQ(json_text("a\"\n"), R"("a\"\n")");
  EXPECT_EQ(json_text("\xff"), "\"\xEF\xBF\xBD\"");
}

TEST(Exact, IsTheShortestTextThatReadsBackTheSame) {
  EXPECT_EQ(exact(0.1), "0.1");
  EXPECT_EQ(exact(4.526), "4.526");
  EXPECT_EQ(std::stod(exact(1.0 / 3)), 1.0 / 3);
}

TEST(Readable, WritesLargeNumbersWithoutAnExponent) {
  EXPECT_EQ(readable(1234567.8), "1234568");
  EXPECT_EQ(readable(-1234567.8, 4), "-1234568");
  EXPECT_EQ(readable(0.5243209861846073), "0.524321");
  EXPECT_EQ(readable(0.5243209861846073, 13), "0.5243209861846");
  EXPECT_EQ(readable(3.1e-14, 2), "3.1e-14");
}

TEST(Readable, ShowsADashForWhatIsAbsent) {
  EXPECT_EQ(readable(Json()), "-");
  EXPECT_EQ(readable(true), "yes");
}

TEST(Render, AlignsWordsLeftAndNumbersRight) {
  EXPECT_EQ(render(two_models(), Format::kTable),
            "name   estimate\n"
            "rooms    0.1235\n"
            "a,\"b\"     -12.5\n"
            "none          -\n"
            "\n"
            "R2    0.5\n"
            "rows  20640\n");
}

TEST(Render, AlignsByCharactersNotBytes) {
  Report report;
  report.table = {.columns = {{"n", "n"}, {"x", "x"}}, .rows = {{"h\xC3\xB6he", 1}, {"width", 2}}};
  EXPECT_EQ(render(report, Format::kTable), "n      x\nh\xC3\xB6he   1\nwidth  2\n");
}

TEST(Render, QuotesCsvCellsThatNeedIt) {
  EXPECT_EQ(render(two_models(), Format::kCsv), "name,estimate\nrooms,0.123456789\n\"a,\"\"b\"\"\",-12.5\nnone,\n");
}

TEST(Render, GivesTheDocumentAsOneLineOfJson) { EXPECT_EQ(render(two_models(), Format::kJson), "{\"a\": 1}\n"); }

TEST(Render, GivesARecordInAllThreeForms) {
  const Report report = record({{"stream", "stream", "s"}, {"n", "rows", 2}, {"mse", "MSE", Json()}});
  EXPECT_EQ(render(report, Format::kJson), "{\"stream\": \"s\", \"n\": 2, \"mse\": null}\n");
  EXPECT_EQ(render(report, Format::kCsv), "stream,n,mse\ns,2,\n");
  EXPECT_EQ(render(report, Format::kTable), "stream  s\nrows    2\nMSE     -\n");
}

TEST(Render, KeepsAnEmptyFirstCsvCell) {
  EXPECT_EQ(render(record({{"a", "a", Json()}, {"b", "b", 1}}), Format::kCsv), "a,b\n,1\n");
}

}  // namespace
}  // namespace accrue::cli
