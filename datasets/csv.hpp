// A CSV file, line by line: a header that names the columns, then rows of numbers.
//
//   std::ifstream file("homes.csv");
//   CsvReader csv(file, "homes.csv");
//   csv.select({"AveRooms", "MedHouseVal"});  // in the order wanted; all columns in file order if never called
//   std::vector<double> row(csv.selected().size());
//   for (CsvResult result; (result = csv.next(row)) != CsvResult::kEnd;) {
//     if (result == CsvResult::kRow) learn(row);
//     else std::cerr << csv.explain() << '\n';  // homes.csv:17: column 'AveRooms': not a number: 'abc'
//   }
//
// The format: RFC 4180 with lines ended by LF or CRLF, and a UTF-8 byte order mark, blanks (space, tab) around fields
// and blank lines all passed over. A row is one line: a quoted field holds commas and doubled quotes, but no line
// break. Only selected columns need hold numbers. A number is decimal, with a point and an optional exponent in every
// locale, and fills its field.
//
// Threads: a reader belongs to one thread at a time. It reads ahead of the line it returns no further than the stream
// does, so a pipe is served as its lines arrive (std::cin is fast after std::ios::sync_with_stdio(false)).
// Memory: at most one line of kMaxLineBytes and kMaxColumns fields; nothing is allocated for a good row.
// Errors: a header that cannot be used, a selection that cannot be met and a failing read throw std::runtime_error. A
// bad line is a result of next(): the row's values are then unspecified and the reader stands at the next line, so that
// the caller may stop or skip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace accrue::datasets {

inline constexpr std::size_t kMaxLineBytes = 1'048'576;  // of a line, without its end
inline constexpr std::size_t kMaxColumns = 4'096;        // of a file
inline constexpr std::size_t kMaxExcerptBytes = 40;      // of the file's text in a message
inline constexpr double kMaxMagnitude = 1e150;           // of a number; squares of larger ones overflow

enum class [[nodiscard]] CsvResult : std::uint8_t{
    kRow,  // the values are there
    kEnd,  // there are no more lines
    // Bad lines; explain() says more.
    kFieldCount,         // not as many fields as the header has
    kUnterminatedQuote,  // a quoted field does not end on its line
    kTextAfterQuote,     // something other than a comma follows a closing quote
    kEmptyField, kNotANumber,
    kNotFinite,    // nan, inf
    kOutOfRange,   // above kMaxMagnitude, or so small that a double cannot tell it from zero
    kLineTooLong,  // more than kMaxLineBytes
};

// A number as it stands in a field: kRow where it is one, kEmptyField, kNotANumber, kNotFinite or kOutOfRange.
CsvResult parse_number(std::string_view text, double& value);

// What is wrong with a line.
struct CsvFault {
  CsvResult reason = CsvResult::kEnd;
  std::uint64_t line = 0;  // counted from 1, the header's
  std::string column;      // empty where no single column is at fault
  std::string text;        // an excerpt that is safe to print: at most kMaxExcerptBytes, no control characters
  std::size_t fields = 0;  // that the line has; only for kFieldCount
};

class CsvReader {
 public:
  // Reads the header. `name` is what messages call the file. The stream must outlive the reader.
  CsvReader(std::istream& in, std::string name);

  // A file without a header: the caller knows its columns.
  CsvReader(std::istream& in, std::string name, std::vector<std::string> columns);

  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::string>& selected() const { return selected_; }

  // What next() writes, from now on. Of a column that may be empty, by its place among the names (none where the list
  // is empty), an empty field is NaN. Throws when a name is no column or is given twice; the old selection stays.
  void select(std::vector<std::string> names, std::vector<bool> may_be_empty = {});

  // Reads the next line that is not blank; `row` has selected().size() values.
  CsvResult next(std::span<double> row);

  std::uint64_t line() const { return line_; }      // the line next() read last
  const CsvFault& fault() const { return fault_; }  // of the last bad line
  std::string explain() const;                      // the same as one sentence, with file and line

 private:
  enum class Line : std::uint8_t { kRead, kTooLong, kEnd };

  Line read_line();
  void read_header();
  CsvResult split();
  CsvResult bad_line(CsvResult reason, std::size_t column, std::string_view text);
  std::string place() const;

  std::istream& in_;
  std::string name_;
  std::vector<char> buffer_;  // one line
  std::span<char> text_;      // the line in it, without its end
  std::uint64_t line_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> selected_;
  std::vector<std::size_t> selected_columns_;  // their indices
  std::vector<bool> may_be_empty_;             // of each of them
  std::vector<std::string_view> fields_;       // of the line, unquoted; the first kMaxColumns of them
  std::size_t field_count_ = 0;                // all of them
  CsvFault fault_;
};

}  // namespace accrue::datasets
