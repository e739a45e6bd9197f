// What a command answers, in three forms: a table for people, JSON and CSV for programs.
//
// A command builds one Report; render() is the only place that knows the forms. Numbers: JSON carries 17 significant
// digits, CSV the shortest text that reads back as the same double, a table what the eye wants. An absent value is
// null, an empty cell, a dash. Errors: write_out() throws OutputClosed when the reader has gone (head),
// std::runtime_error on any other failure.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace accrue::cli {

using Json = nlohmann::ordered_json;

enum class Format { kTable, kJson, kCsv };

struct Field {
  std::string key;    // in JSON and CSV
  std::string label;  // in a table
  Json value;
  int digits = 6;  // significant, in a table
};

struct Table {
  struct Column {
    std::string key;
    std::string label;
    int digits = 6;
  };
  std::vector<Column> columns;
  std::vector<std::vector<Json>> rows;
};

struct Report {
  Json document;              // the JSON form
  Table table;                // the CSV form, and the first part of the table form; may have no column
  std::vector<Field> fields;  // the lines beneath; the CSV form (a header, a row) where the table has no column
};

// A report of fields alone, whose document is one flat object.
Report record(std::vector<Field> fields);

std::string render(const Report& report, Format format);

std::string json_text(const Json& value);                 // one line, 17 significant digits
std::string exact(double value);                          // the shortest text that reads back the same
std::string readable(const Json& value, int digits = 6);  // a cell of a table
std::string counted_rows(std::uint64_t rows);             // "1 row", "2 rows"

class OutputClosed : public std::runtime_error {
 public:
  OutputClosed() : std::runtime_error("nobody reads the output any more") {}
};

void write_out(std::string_view text);  // to standard output, at once

}  // namespace accrue::cli
