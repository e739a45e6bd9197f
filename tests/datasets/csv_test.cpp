#include "datasets/csv.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace accrue::datasets {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

using Row = std::vector<double>;

struct Reading {
  std::vector<std::string> selected;
  std::vector<Row> rows;
  std::vector<CsvFault> faults;
  std::vector<std::string> messages;
};

// Reads on after every error, as --skip-bad does.
Reading read_all(const std::string& text, const std::vector<std::string>& select = {}) {
  std::istringstream in(text);
  CsvReader csv(in, "homes.csv");
  if (!select.empty()) csv.select(select);
  Reading reading;
  reading.selected = csv.selected();
  Row row(csv.selected().size());
  for (CsvResult result; (result = csv.next(row)) != CsvResult::kEnd;) {
    if (result == CsvResult::kRow) {
      reading.rows.push_back(row);
      continue;
    }
    EXPECT_EQ(csv.fault().reason, result);
    EXPECT_EQ(csv.fault().line, csv.line());
    reading.faults.push_back(csv.fault());
    reading.messages.push_back(csv.explain());
  }
  return reading;
}

// What a file says that has this line between two good ones; checks that those are read.
std::string complaint(const std::string& line) {
  const Reading reading = read_all("a,b,c\n1,2,3\n" + line + "\n4,5,6\n");
  EXPECT_THAT(reading.rows, ElementsAre(Row{1, 2, 3}, Row{4, 5, 6})) << line;
  EXPECT_THAT(reading.messages, SizeIs(1)) << line;
  return reading.messages.empty() ? "" : reading.messages.front();
}

TEST(CsvReader, ReadsAllColumnsInFileOrderUnlessTold) {
  const Reading reading = read_all("a,b,c\n1,-2.5,3e2\n4,.5,6.\n");
  EXPECT_THAT(reading.selected, ElementsAre("a", "b", "c"));
  EXPECT_THAT(reading.rows, ElementsAre(Row{1, -2.5, 300}, Row{4, 0.5, 6}));
}

TEST(CsvReader, SelectsColumnsInTheOrderAskedFor) {
  EXPECT_THAT(read_all("a,b,c\n1,2,3\n4,5,6\n", {"c", "a"}).rows, ElementsAre(Row{3, 1}, Row{6, 4}));
}

TEST(CsvReader, ColumnsThatAreNotSelectedMayHoldAnything) {
  EXPECT_THAT(read_all("a,b\nsea view,1\n,2\n\"x, \"\"y\"\"\",3\n", {"b"}).rows, ElementsAre(Row{1}, Row{2}, Row{3}));
}

TEST(CsvReader, TakesCrlfByteOrderMarkBlanksAndAMissingLastLineEnd) {
  const Reading reading = read_all("\xEF\xBB\xBF a ,\tb\r\n 1 , 2\t\r\n\r\n \t\r\n3,4");
  EXPECT_THAT(reading.selected, ElementsAre("a", "b"));
  EXPECT_THAT(reading.rows, ElementsAre(Row{1, 2}, Row{3, 4}));
  EXPECT_THAT(reading.messages, IsEmpty());
}

TEST(CsvReader, TakesQuotedFields) {
  const Reading reading = read_all("\"a, in m\" , \"the \"\"b\"\"\",\"\xC3\xA9\"\n\"1\",  \"2\" ,3\n");
  EXPECT_THAT(reading.selected, ElementsAre("a, in m", "the \"b\"", "\xC3\xA9"));
  EXPECT_THAT(reading.rows, ElementsAre(Row{1, 2, 3}));
}

TEST(CsvReader, AHeaderAloneHasNoRows) {
  EXPECT_THAT(read_all("a,b\n").rows, IsEmpty());
  EXPECT_THAT(read_all("a,b").rows, IsEmpty());
}

TEST(CsvReader, TheEndStaysTheEnd) {
  std::istringstream in("a\n1\n");
  CsvReader csv(in, "homes.csv");
  Row row(1);
  EXPECT_EQ(csv.next(row), CsvResult::kRow);
  EXPECT_EQ(csv.next(row), CsvResult::kEnd);
  EXPECT_EQ(csv.next(row), CsvResult::kEnd);
  EXPECT_EQ(csv.line(), 2U);
}

TEST(CsvReader, ReadsAFileWithoutHeaderWhenTheColumnsAreGiven) {
  std::istringstream in("1,2\n3,x\n");
  CsvReader csv(in, "homes.csv", {"a", "b"});
  Row row(2);
  EXPECT_EQ(csv.next(row), CsvResult::kRow);
  EXPECT_EQ(row, (Row{1, 2}));
  EXPECT_EQ(csv.next(row), CsvResult::kNotANumber);
  EXPECT_EQ(csv.explain(), "homes.csv:2: column 'b': not a number: 'x'");
}

TEST(CsvReader, EveryBadLineIsNamedAndTheNextOneRead) {
  EXPECT_EQ(complaint("1,2"), "homes.csv:3: 2 fields instead of 3");
  EXPECT_EQ(complaint("1,2,3,"), "homes.csv:3: 4 fields instead of 3");
  EXPECT_EQ(complaint("1,,3"), "homes.csv:3: column 'b': empty");
  EXPECT_EQ(complaint("1,2,"), "homes.csv:3: column 'c': empty");
  EXPECT_EQ(complaint("1,\"\",3"), "homes.csv:3: column 'b': empty");
  EXPECT_EQ(complaint("1,two,3"), "homes.csv:3: column 'b': not a number: 'two'");
  EXPECT_EQ(complaint("nan,2,3"), "homes.csv:3: column 'a': not finite: 'nan'");
  EXPECT_EQ(complaint("1,2,-Inf"), "homes.csv:3: column 'c': not finite: '-Inf'");
  EXPECT_EQ(complaint("1,2e150,3"), "homes.csv:3: column 'b': magnitude outside 5e-324 to 1e150: '2e150'");
  EXPECT_EQ(complaint("-2e150,2,3"), "homes.csv:3: column 'a': magnitude outside 5e-324 to 1e150: '-2e150'");
  EXPECT_EQ(complaint("1,2,-1e999"), "homes.csv:3: column 'c': magnitude outside 5e-324 to 1e150: '-1e999'");
  EXPECT_EQ(complaint("1,2,1e-999"), "homes.csv:3: column 'c': magnitude outside 5e-324 to 1e150: '1e-999'");
  EXPECT_EQ(complaint("1,\"2,3"), "homes.csv:3: column 'b': a quote that is not closed on its line: '2,3'");
  EXPECT_EQ(complaint("1,2,\""), "homes.csv:3: column 'c': a quote that is not closed on its line: ''");
  EXPECT_EQ(complaint("\"1\"0,2,3"), "homes.csv:3: column 'a': text after a closing quote: '0,2,3'");
  EXPECT_EQ(complaint(std::string(kMaxLineBytes + 1, '1')), "homes.csv:3: longer than 1048576 bytes");
}

TEST(CsvReader, ANumberFillsItsFieldAndIsDecimal) {
  for (const char* text : {"1 2", "1_000", "1.5.2", "0x10", "1e", "e5", "+", "-", "+-1", "++1", "--1", ".", "1;2", "1f",
                           "\" 1\"", "true", "NA", "\xEF\xBC\x91"}) {
    EXPECT_THAT(complaint("1," + std::string(text) + ",3"), HasSubstr("column 'b': not a number")) << text;
  }
  EXPECT_THAT(read_all("a\n+1.5\n+.5\n-0\n1E3\n1e150\n-1e150\n5e-324\n007\n").rows,
              ElementsAre(Row{1.5}, Row{0.5}, Row{0}, Row{1000}, Row{1e150}, Row{-1e150}, Row{5e-324}, Row{7}));
}

TEST(CsvReader, AZeroByteIsNoNumber) {
  EXPECT_EQ(complaint("1," + std::string("2\0", 2) + ",3"), "homes.csv:3: column 'b': not a number: '2?'");
}

TEST(CsvReader, FaultSaysWhatItsMessageSays) {
  const Reading reading = read_all("a,b\n1,x\n\n1\n");
  ASSERT_THAT(reading.faults, SizeIs(2));
  EXPECT_EQ(reading.faults[0].line, 2U);
  EXPECT_EQ(reading.faults[0].column, "b");
  EXPECT_EQ(reading.faults[0].text, "x");
  EXPECT_EQ(reading.faults[1].reason, CsvResult::kFieldCount);
  EXPECT_EQ(reading.faults[1].line, 4U);
  EXPECT_EQ(reading.faults[1].column, "");
  EXPECT_EQ(reading.faults[1].fields, 1U);
}

TEST(CsvReader, AnExcerptIsShortAndSafeToPrint) {
  const std::string x(100, 'x');
  EXPECT_EQ(complaint("1," + x + ",3"), "homes.csv:3: column 'b': not a number: '" + x.substr(0, 37) + "...'");
  EXPECT_THAT(complaint("1,\x1B[2J\x07,3"), HasSubstr("'?[2J?'"));
  const std::string accents = x.substr(0, 36) + "\xC3\xA9\xC3\xA9\xC3\xA9";  // byte 37 is in the middle of one
  EXPECT_THAT(complaint("1," + accents + ",3"), HasSubstr("'" + x.substr(0, 36) + "...'"));
}

TEST(CsvReader, TheLongestLineIsRead) {
  const std::string padding(kMaxLineBytes - 4, '0');
  EXPECT_THAT(read_all("a,b\n2," + padding + "15\n3,4\n").rows, ElementsAre(Row{2, 15}, Row{3, 4}));
  EXPECT_THAT(read_all("a,b\n2," + padding + "15\r\n3,4\n").rows, ElementsAre(Row{2, 15}, Row{3, 4}));
  EXPECT_THAT(read_all("a,b\n2," + padding + "15").rows, ElementsAre(Row{2, 15}));
}

TEST(CsvReader, ALineTooLongIsPassedOverAtWhateverLength) {
  for (const std::size_t more : {std::size_t{1}, std::size_t{2}, std::size_t{3}, 4 * kMaxLineBytes}) {
    const std::string line(kMaxLineBytes + more, '1');
    for (const char* end : {"\n", "\r\n"}) {
      const Reading reading = read_all("a\n" + line + end + "7\n");
      EXPECT_THAT(reading.rows, ElementsAre(Row{7})) << more;
      EXPECT_THAT(reading.messages, ElementsAre("homes.csv:2: longer than 1048576 bytes")) << more;
    }
    EXPECT_THAT(read_all("a\n" + line).messages, SizeIs(1)) << more;
  }
}

TEST(CsvReader, ALineOfCommasIsCountedAndNotKept) {
  EXPECT_EQ(complaint(std::string(kMaxLineBytes, ',')), "homes.csv:3: 1048577 fields instead of 3");
}

void expect_refused(const std::string& text, const std::string& message) {
  std::istringstream in(text);
  EXPECT_THAT([&] { CsvReader(in, "homes.csv"); }, ThrowsMessage<std::runtime_error>(HasSubstr(message)));
}

TEST(CsvHeader, IsRefusedWithAReason) {
  expect_refused("", "homes.csv: empty: a first line that names the columns is needed");
  expect_refused("\na,b\n", "homes.csv:1: blank: a first line that names the columns is needed");
  expect_refused("a,b,a\n", "homes.csv:1: two columns are named 'a'");
  expect_refused("a,\"\",b\n", "homes.csv:1: column 2 has no name");
  expect_refused("a,b,\n", "homes.csv:1: column 3 has no name");
  expect_refused("a,\"b\n", "homes.csv:1: a quote that is not closed on its line: 'b'");
  expect_refused(std::string(kMaxLineBytes + 1, 'a'), "homes.csv:1: the header is longer than 1048576 bytes");
}

TEST(CsvHeader, HasABoundedNumberOfColumns) {
  std::string header = "c0";
  for (std::size_t i = 1; i < kMaxColumns; ++i) header += ",c" + std::to_string(i);
  EXPECT_THAT(read_all(header + "\n").selected, SizeIs(kMaxColumns));
  expect_refused(header + ",more\n", "homes.csv:1: 4097 columns; at most 4096 are taken");
}

TEST(CsvSelection, ThatCannotBeMetNamesTheColumnsThereAreAndChangesNothing) {
  std::istringstream in("a,b\n1,2\n");
  CsvReader csv(in, "homes.csv");
  csv.select({"b"});
  EXPECT_THAT(
      [&] {
        csv.select({"a", "price"});
      },
      ThrowsMessage<std::runtime_error>("homes.csv: no column 'price'; there are 'a', 'b'"));
  EXPECT_THAT(
      [&] {
        csv.select({"a", "a"});
      },
      ThrowsMessage<std::runtime_error>("homes.csv: column 'a' is asked for twice"));
  Row row(1);
  EXPECT_EQ(csv.next(row), CsvResult::kRow);
  EXPECT_EQ(row, Row{2});
}

TEST(CsvSelection, ListsOnlySomeOfVeryManyColumns) {
  std::string header = "c0";
  for (int i = 1; i < 1'000; ++i) header += ",c" + std::to_string(i);
  std::istringstream in(header + "\n");
  CsvReader csv(in, "homes.csv");
  EXPECT_THAT([&] { csv.select({"price"}); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("'c19' and 980 more"), Not(HasSubstr("c20")))));
}

TEST(CsvReader, RefusesARowOfTheWrongSize) {
  std::istringstream in("a,b\n1,2\n");
  CsvReader csv(in, "homes.csv");
  Row row(1);
  EXPECT_THROW(static_cast<void>(csv.next(row)), std::invalid_argument);
}

// Gives a header and then fails, as a disk may.
class BrokenBuffer : public std::streambuf {
 public:
  BrokenBuffer() { setg(header_, header_, header_ + sizeof(header_) - 1); }

 protected:
  int_type underflow() override { throw std::runtime_error("input/output error"); }

 private:
  char header_[5] = "a,b\n";
};

TEST(CsvReader, AFailingReadIsNotTakenForTheEnd) {
  BrokenBuffer buffer;
  std::istream in(&buffer);
  CsvReader csv(in, "homes.csv");
  Row row(2);
  EXPECT_THAT([&] { static_cast<void>(csv.next(row)); },
              ThrowsMessage<std::runtime_error>("homes.csv: reading failed after line 1"));
  std::istringstream unopened;
  unopened.setstate(std::ios::failbit);
  EXPECT_THAT([&] { CsvReader(unopened, "homes.csv"); },
              ThrowsMessage<std::runtime_error>("homes.csv: cannot be read"));
}

RC_GTEST_PROP(CsvProperty, SeventeenDigitsBringEveryDoubleBack, ()) {
  const auto columns = *rc::gen::inRange<std::size_t>(1, 20);
  // Random bits for all exponents to occur, not only those that a generator of doubles likes.
  const auto number =
      rc::gen::suchThat(rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()),
                                     [](std::uint64_t bits) { return std::bit_cast<double>(bits); }),
                        [](double value) { return std::abs(value) <= kMaxMagnitude; });
  const auto rows = *rc::gen::container<std::vector<Row>>(rc::gen::container<Row>(columns, number));
  std::string text = "c0";
  for (std::size_t i = 1; i < columns; ++i) text += ",c" + std::to_string(i);
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      char field[40];
      std::snprintf(field, sizeof field, "%s%.17g", i == 0 ? "\n" : ",", row[i]);
      text += field;
    }
  }
  RC_ASSERT(read_all(text).rows == rows);
}

RC_GTEST_PROP(CsvProperty, AnyBytesAreReadToTheEndLineByLine, (const std::string& noise)) {
  std::istringstream in("a,b\n" + noise);
  CsvReader csv(in, "homes.csv");
  Row row(2);
  std::size_t results = 0;
  for (CsvResult result; (result = csv.next(row)) != CsvResult::kEnd; ++results) {
    if (result == CsvResult::kRow) RC_ASSERT(std::isfinite(row[0]) && std::isfinite(row[1]));
  }
  const auto lines = static_cast<std::size_t>(std::count(noise.begin(), noise.end(), '\n')) + 1;
  RC_ASSERT(results <= lines);
  RC_ASSERT(csv.line() <= lines + 1);
}

}  // namespace
}  // namespace accrue::datasets
