#include "daemon/http/row_body.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "daemon/http/call.hpp"
#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/friendly_rows.hpp"
#include "ingest/wire/limits.hpp"

namespace accrue::daemon::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::NanSensitiveDoubleEq;
using testing::Pointwise;
using testing::SizeIs;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

wire::StreamSpec homes() {
  wire::StreamSpec spec;
  spec.features = {"rooms", "age"};
  spec.target = "price";
  return spec;
}

// The frames that a body becomes, given in pieces of so many bytes.
std::vector<wire::Bytes> frames_of(const std::string& type, std::string_view body, std::size_t piece = 7,
                                   const wire::StreamSpec& spec = homes()) {
  std::vector<wire::Bytes> frames;
  RowBatches rows([&](const RowBatch& batch) { frames.push_back(batch.frame(3, frames.size() + 1)); });
  const auto reader = row_body(type, spec, rows);
  for (std::size_t at = 0; at < body.size(); at += piece) reader->take(body.substr(at, piece));
  reader->finish();
  rows.finish();
  return frames;
}

// What the daemon reads of them, as receivers do: the values of each row, or why it is refused.
struct Read {
  std::vector<std::vector<double>> rows;
  std::vector<std::string> refused;
};
Read read(const std::vector<wire::Bytes>& frames, const wire::StreamSpec& spec = homes()) {
  Read read;
  const wire::Columns columns(spec.columns());
  for (const wire::Bytes& bytes : frames) {
    EXPECT_LE(bytes.size(), wire::kMaxFriendlyBytes);
    wire::Frame frame;
    wire::Batch batch;
    EXPECT_EQ(frame.parse(bytes), wire::DecodeError::kNone);
    EXPECT_EQ(frame.read(batch), wire::DecodeError::kNone);
    EXPECT_EQ(batch.count, wire::friendly_count(batch.rows));
    for (std::size_t i = 0; i < batch.count; ++i) {
      std::vector<double> row(columns.size());
      const auto problem = read_friendly_row(batch.rows, i, columns, wire::Absent::kMissing, row);
      if (problem) {
        read.refused.emplace_back(to_string(*problem));
      } else {
        read.rows.push_back(row);
      }
    }
  }
  return read;
}

Problem problem_with(const std::string& type, std::string_view body) {
  try {
    (void)frames_of(type, body);
  } catch (const Problem& problem) {
    return problem;
  }
  return {0, "none", "none"};
}

TEST(RowBody, JsonHasRowsByNamesAndInOrder) {
  const Read json = read(frames_of("application/json", R"({"rows":[{"age":30,"price":2.5,"rooms":4},[5,12,-1]]})"));
  EXPECT_THAT(json.rows, ElementsAre(ElementsAre(4, 30, 2.5), ElementsAre(5, 12, -1)));
  EXPECT_THAT(json.refused, IsEmpty());
}

TEST(RowBody, NdjsonHasARowALineAndBlankLinesCountForNothing) {
  const Read lines = read(frames_of("application/x-ndjson; charset=utf-8", "[1,2,3]\r\n\n  \n{\"rooms\":4,\"age\":5}"));
  ASSERT_THAT(lines.rows, SizeIs(2));
  EXPECT_THAT(lines.rows[0], ElementsAre(1, 2, 3));
  EXPECT_THAT(lines.rows[1], Pointwise(NanSensitiveDoubleEq(), {4.0, 5.0, kMissing}));
}

TEST(RowBody, CsvHasColumnsInAnyOrderAndPassesOverThoseOfOthers) {
  const Read csv = read(frames_of("Text/CSV", "price,note,age,rooms\n3,x,2,1\n6,\"y,\",,4\n"));
  ASSERT_THAT(csv.rows, SizeIs(2));
  EXPECT_THAT(csv.rows[0], ElementsAre(1, 2, 3));
  EXPECT_THAT(csv.rows[1], Pointwise(NanSensitiveDoubleEq(), {4.0, kMissing, 6.0}));
}

TEST(RowBody, CsvOfAStreamWithAnIdMayLackColumns) {
  wire::StreamSpec spec = homes();
  spec.id = "visit";
  const Read csv = read(frames_of("text/csv", "visit,price\n7,3\n", 7, spec), spec);
  ASSERT_THAT(csv.rows, SizeIs(1));
  EXPECT_THAT(csv.rows[0], Pointwise(NanSensitiveDoubleEq(), {kMissing, kMissing, 3.0, 7.0}));
}

TEST(RowBody, ARowThatCannotBeReadIsOneThatTheDaemonRefuses) {
  EXPECT_THAT(
      read(frames_of("application/json", R"({"rows":[[1,"2",3],{"rooms":true},[1,2],7,null,"x",[[],2,3]]})")).refused,
      ElementsAre("not_a_number", "not_a_number", "row_length", "row_length", "row_length", "row_length",
                  "not_a_number"));
  EXPECT_THAT(read(frames_of("application/x-ndjson", "[1,2,3\n{\"rooms\":1,\"aage\":2}\n")).refused,
              ElementsAre("row_length", "unknown_column"));
  const Read csv = read(frames_of("text/csv", "rooms,age,price\n1,x,3\n1,2\n\"1,2,3\n1,inf,3\n1,1e999,3\n1,2,3\n"));
  EXPECT_THAT(csv.refused, ElementsAre("not_a_number", "row_length", "row_length"));
  ASSERT_THAT(csv.rows, SizeIs(3)) << "an infinity and what is beyond 1e150 are for a later check";
  EXPECT_TRUE(std::isinf(csv.rows[0][1]));
  EXPECT_GT(csv.rows[1][1], wire::kMaxMagnitude);
  EXPECT_THAT(csv.rows[2], ElementsAre(1, 2, 3));
}

TEST(RowBody, HowABodyIsCutOnItsWayMakesNoDifference) {
  std::string ndjson;
  std::string csv = "rooms,age,price\n";
  for (int i = 0; i < 30'000; ++i) {
    const std::string row = std::to_string(i) + ",0.1," + std::to_string(i * i % 97);
    ndjson += "[" + row + "]\n";
    csv += row + "\n";
  }
  const std::vector<wire::Bytes> expected = frames_of("text/csv", csv, csv.size());
  EXPECT_EQ(expected.size(), (30'000 + kMaxBatchRows - 1) / kMaxBatchRows);
  EXPECT_THAT(read(expected).rows, SizeIs(30'000));
  EXPECT_EQ(read(frames_of("application/x-ndjson", ndjson, 1'000)).rows, read(expected).rows);
  for (const std::size_t piece : {1u, 4'093u, 262'143u, 262'145u}) {
    EXPECT_EQ(frames_of("text/csv", csv, piece), expected) << piece;
  }
}

TEST(RowBody, WideRowsMakeSmallerBatchesAndNoneIsLargerThanAMessageMayBe) {
  wire::StreamSpec wide;
  for (int i = 0; i < 1'000; ++i) wide.features.push_back("feature " + std::to_string(i));
  wide.target = "y";
  std::string row = "[";
  for (int i = 0; i < 1'000; ++i) row += "0.125,";
  row += "1]\n";
  std::string body;
  for (int i = 0; i < 300; ++i) body += row;
  const auto frames = frames_of("application/x-ndjson", body, 10'000, wide);
  EXPECT_GT(frames.size(), 1u);
  EXPECT_THAT(read(frames, wide).rows, SizeIs(300));
}

TEST(RowBody, ABodyThatCannotBeTakenIsAProblemThatNamesTheField) {
  EXPECT_EQ(problem_with("text/plain", "x").status(), 415);
  EXPECT_EQ(problem_with("text/plain", "x").field(), "Content-Type");
  EXPECT_EQ(problem_with("application/json", "{").status(), 400);
  EXPECT_EQ(problem_with("application/json", R"({"row":[]})").field(), "row");
  for (const char* none : {R"({"rows":1})", R"({"rows":{}})", "{}", "[]", "7", "[[1,2,3]]"}) {
    EXPECT_EQ(problem_with("application/json", none).field(), "rows") << none;
  }
  EXPECT_EQ(problem_with("application/json", R"({"rows":[],"key":1})").field(), "key");
  EXPECT_EQ(problem_with("application/json", std::string(kMaxJsonBytes + 1, ' ')).status(), 413);
  EXPECT_EQ(problem_with("text/csv", "rooms,price\n1,2\n").field(), "age");
  EXPECT_EQ(problem_with("text/csv", "").status(), 400);
  EXPECT_THAT(problem_with("text/csv", "rooms,rooms\n1,2\n").what(), HasSubstr("two columns are named"));
  EXPECT_EQ(problem_with("application/x-ndjson", std::string(2 * kMaxLineBytes, 'x')).status(), 413);
}

}  // namespace
}  // namespace accrue::daemon::http
