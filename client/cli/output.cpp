#include "client/cli/output.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>

namespace accrue::cli {
namespace {

std::string printed(const char* format, int digits, double value) {
  char text[400];  // the largest double has 309 digits before the point
  const int length = std::snprintf(text, sizeof text, format, digits, value);
  return {text, static_cast<std::size_t>(length)};
}

std::string quoted_json(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);  // names need not be valid UTF-8
}

std::string csv_cell(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_number_float()) return exact(value.get<double>());
  if (!value.is_string()) return value.dump();
  const std::string& text = value.get_ref<const std::string&>();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

template <typename Cells, typename ToText>
std::string csv_line(const Cells& cells, ToText to_text) {
  std::string line;
  for (const auto& cell : cells) line += to_text(cell) + ",";
  line.back() = '\n';
  return line;
}

std::string csv(const Report& report) {
  const auto& [columns, rows] = report.table;
  if (columns.empty()) {
    return csv_line(report.fields, [](const Field& field) { return csv_cell(field.key); }) +
           csv_line(report.fields, [](const Field& field) { return csv_cell(field.value); });
  }
  std::string text = csv_line(columns, [](const Table::Column& column) { return csv_cell(column.key); });
  for (const auto& row : rows) text += csv_line(row, csv_cell);
  return text;
}

// Characters, not bytes: names may hold any UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t to, bool right) {
  const std::string space(to - std::min(to, width(text)), ' ');
  return right ? space + text : text + space;
}

// Words to the left, numbers to the right; a column is of numbers when none of its cells is a word.
std::string aligned(const Table& table) {
  std::vector<std::string> lines(table.rows.size() + 1);
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const Table::Column& column = table.columns[c];
    std::vector<std::string> cells{column.label};
    bool right = true;
    for (const auto& row : table.rows) {
      cells.push_back(readable(row[c], column.digits));
      right = right && !row[c].is_string();
    }
    std::size_t widest = 0;
    for (const std::string& cell : cells) widest = std::max(widest, width(cell));
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i] += (c ? "  " : "") + padded(cells[i], widest, right);
  }
  std::string text;
  for (std::string& line : lines) text += line.erase(line.find_last_not_of(' ') + 1) + "\n";
  return text;
}

std::string labelled(const std::vector<Field>& fields) {
  std::size_t widest = 0;
  for (const Field& field : fields) widest = std::max(widest, width(field.label));
  std::string text;
  for (const Field& field : fields) {
    text += padded(field.label, widest, false) + "  " + readable(field.value, field.digits) + "\n";
  }
  return text;
}

}  // namespace

Report record(std::vector<Field> fields) {
  Report report;
  for (const Field& field : fields) report.document[field.key] = field.value;
  report.fields = std::move(fields);
  return report;
}

std::string render(const Report& report, Format format) {
  switch (format) {
    case Format::kJson: return json_text(report.document) + "\n";
    case Format::kCsv: return csv(report);
    case Format::kTable: break;
  }
  if (report.table.columns.empty()) return labelled(report.fields);
  return aligned(report.table) + (report.fields.empty() ? "" : "\n" + labelled(report.fields));
}

std::string json_text(const Json& value) {
  if (value.is_number_float()) {
    return std::isfinite(value.get<double>()) ? printed("%.*g", 17, value.get<double>()) : "null";
  }
  if (value.is_string()) return quoted_json(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, element] : value.items()) {
    text += (text.empty() ? "" : ", ") + (value.is_object() ? quoted_json(key) + ": " : "") + json_text(element);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

std::string exact(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string readable(const Json& value, int digits) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_number_float()) return value.dump();
  const double number = value.get<double>();
  const bool whole_digits = std::abs(number) >= std::pow(10, digits) && std::abs(number) < 1e15;
  return whole_digits ? printed("%.*f", 0, number) : printed("%.*g", digits, number);
}

std::string counted_rows(std::uint64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (errno == EPIPE) throw OutputClosed();
  throw std::runtime_error(std::string("cannot write the output: ") + std::strerror(errno));
}

}  // namespace accrue::cli
