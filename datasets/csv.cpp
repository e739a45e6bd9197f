#include "datasets/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace accrue::datasets {
namespace {

constexpr std::size_t kMaxNamesInMessage = 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

char* skip_blanks(char* at, const char* end) {
  while (at != end && is_blank(*at)) ++at;
  return at;
}

// A file's bytes may end up on a terminal: no control characters, and cut between UTF-8 sequences.
std::string excerpt(std::string_view text) {
  std::size_t length = std::min(text.size(), kMaxExcerptBytes);
  if (length < text.size()) {
    length -= 3;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  }
  std::string printable(text.substr(0, length));
  for (char& c : printable) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  if (length < text.size()) printable += "...";
  return printable;
}

std::string list_names(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNamesInMessage); ++i) {
    list += (i == 0 ? "'" : ", '") + excerpt(names[i]) + "'";
  }
  if (names.size() > kMaxNamesInMessage) list += " and " + std::to_string(names.size() - kMaxNamesInMessage) + " more";
  return list;
}

}  // namespace

CsvResult parse_number(std::string_view text, double& value) {
  if (text.empty()) return CsvResult::kEmptyField;
  const char* const end = text.data() + text.size();
  const bool plus_sign = text[0] == '+' && text.size() > 1 && text[1] != '-';  // which from_chars does not know
  const auto [stop, error] = std::from_chars(text.data() + (plus_sign ? 1 : 0), end, value);
  if (error == std::errc::invalid_argument || stop != end) return CsvResult::kNotANumber;
  if (error == std::errc::result_out_of_range) return CsvResult::kOutOfRange;
  if (!std::isfinite(value)) return CsvResult::kNotFinite;
  return std::abs(value) <= kMaxMagnitude ? CsvResult::kRow : CsvResult::kOutOfRange;
}

CsvReader::CsvReader(std::istream& in, std::string name) : in_(in), name_(std::move(name)), buffer_(kMaxLineBytes + 2) {
  read_header();
  select(columns_);
}

CsvReader::CsvReader(std::istream& in, std::string name, std::vector<std::string> columns)
    : in_(in), name_(std::move(name)), buffer_(kMaxLineBytes + 2), columns_(std::move(columns)) {
  select(columns_);
}

void CsvReader::select(std::vector<std::string> names, std::vector<bool> may_be_empty) {
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t i = 0; i < columns_.size(); ++i) index_of.emplace(columns_[i], i);
  std::vector<std::size_t> indices;
  for (const std::string& name : names) {
    const auto found = index_of.find(name);
    if (found == index_of.end()) {
      throw std::runtime_error(name_ + ": no column '" + excerpt(name) + "'; there are " + list_names(columns_));
    }
    if (std::find(indices.begin(), indices.end(), found->second) != indices.end()) {
      throw std::runtime_error(name_ + ": column '" + excerpt(name) + "' is asked for twice");
    }
    indices.push_back(found->second);
  }
  selected_ = std::move(names);
  selected_columns_ = std::move(indices);
  may_be_empty_ = std::move(may_be_empty);
  may_be_empty_.resize(selected_.size());
}

CsvResult CsvReader::next(std::span<double> row) {
  if (row.size() != selected_.size()) throw std::invalid_argument("CsvReader::next: not selected().size() values");
  do {
    switch (read_line()) {
      case Line::kEnd: return CsvResult::kEnd;
      case Line::kTooLong: return bad_line(CsvResult::kLineTooLong, columns_.size(), {});
      case Line::kRead: break;
    }
  } while (text_.empty());
  if (const CsvResult result = split(); result != CsvResult::kRow) return result;
  if (field_count_ != columns_.size()) return bad_line(CsvResult::kFieldCount, columns_.size(), {});
  for (std::size_t i = 0; i < selected_columns_.size(); ++i) {
    const std::string_view field = fields_[selected_columns_[i]];
    if (field.empty() && may_be_empty_[i]) {
      row[i] = std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    if (const CsvResult result = parse_number(field, row[i]); result != CsvResult::kRow) {
      return bad_line(result, selected_columns_[i], field);
    }
  }
  return CsvResult::kRow;
}

// Leaves the line in text_, without its end and the blanks before it: a blank line is empty.
CsvReader::Line CsvReader::read_line() {
  if (in_.fail() && !in_.eof()) throw std::runtime_error(name_ + ": cannot be read");
  in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  const auto taken = static_cast<std::size_t>(in_.gcount());
  if (in_.bad()) throw std::runtime_error(name_ + ": reading failed after line " + std::to_string(line_));
  if (in_.eof() && taken == 0) return Line::kEnd;
  ++line_;
  if (in_.fail()) {
    in_.clear();
    in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    return Line::kTooLong;
  }
  char* begin = buffer_.data();
  char* end = begin + (in_.eof() ? taken : taken - 1);
  if (end != begin && end[-1] == '\r') --end;
  if (static_cast<std::size_t>(end - begin) > kMaxLineBytes) return Line::kTooLong;
  if (line_ == 1 && std::string_view(begin, end).starts_with(kByteOrderMark)) begin += kByteOrderMark.size();
  begin = skip_blanks(begin, end);
  text_ = {begin, end};
  return Line::kRead;
}

void CsvReader::read_header() {
  const Line line = read_line();
  if (line == Line::kEnd) throw std::runtime_error(name_ + ": empty: a first line that names the columns is needed");
  if (line == Line::kTooLong) {
    throw std::runtime_error(place() + "the header is longer than " + std::to_string(kMaxLineBytes) + " bytes");
  }
  if (text_.empty()) throw std::runtime_error(place() + "blank: a first line that names the columns is needed");
  if (split() != CsvResult::kRow) throw std::runtime_error(explain());
  if (field_count_ > kMaxColumns) {
    throw std::runtime_error(place() + std::to_string(field_count_) + " columns; at most " +
                             std::to_string(kMaxColumns) + " are taken");
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string_view name : fields_) {
    if (name.empty()) throw std::runtime_error(place() + "column " + std::to_string(seen.size() + 1) + " has no name");
    if (!seen.insert(name).second) throw std::runtime_error(place() + "two columns are named '" + excerpt(name) + "'");
  }
  columns_.assign(fields_.begin(), fields_.end());
}

// Cuts text_ into fields_, unquoting in place.
CsvResult CsvReader::split() {
  fields_.clear();
  field_count_ = 0;
  char* at = text_.data();
  char* const end = at + text_.size();
  for (;; ++at) {
    at = skip_blanks(at, end);
    char* begin = at;
    char* stop = nullptr;
    if (at != end && *at == '"') {
      begin = stop = ++at;
      for (;; *stop++ = *at++) {
        if (at == end) return bad_line(CsvResult::kUnterminatedQuote, field_count_, {begin, stop});
        if (*at == '"' && (++at == end || *at != '"')) break;
      }
      at = skip_blanks(at, end);
      if (at != end && *at != ',') return bad_line(CsvResult::kTextAfterQuote, field_count_, {at, end});
    } else {
      at = stop = std::find(at, end, ',');
      while (stop != begin && is_blank(stop[-1])) --stop;
    }
    if (field_count_ < kMaxColumns) fields_.emplace_back(begin, stop);
    ++field_count_;
    if (at == end) return CsvResult::kRow;
  }
}

CsvResult CsvReader::bad_line(CsvResult reason, std::size_t column, std::string_view text) {
  fault_.reason = reason;
  fault_.line = line_;
  fault_.column = column < columns_.size() ? excerpt(columns_[column]) : "";
  fault_.text = excerpt(text);
  fault_.fields = reason == CsvResult::kFieldCount ? field_count_ : 0;
  return reason;
}

std::string CsvReader::place() const { return name_ + ":" + std::to_string(line_) + ": "; }

std::string CsvReader::explain() const {
  std::string message = name_ + ":" + std::to_string(fault_.line) + ": ";
  if (!fault_.column.empty()) message += "column '" + fault_.column + "': ";
  const std::string quoted = ": '" + fault_.text + "'";
  switch (fault_.reason) {
    case CsvResult::kRow:
    case CsvResult::kEnd: return {};
    case CsvResult::kFieldCount:
      return message + std::to_string(fault_.fields) + " fields instead of " + std::to_string(columns_.size());
    case CsvResult::kUnterminatedQuote: return message + "a quote that is not closed on its line" + quoted;
    case CsvResult::kTextAfterQuote: return message + "text after a closing quote" + quoted;
    case CsvResult::kEmptyField: return message + "empty";
    case CsvResult::kNotANumber: return message + "not a number" + quoted;
    case CsvResult::kNotFinite: return message + "not finite" + quoted;
    case CsvResult::kOutOfRange: return message + "magnitude outside 5e-324 to 1e150" + quoted;
    case CsvResult::kLineTooLong: return message + "longer than " + std::to_string(kMaxLineBytes) + " bytes";
  }
  return message;
}

}  // namespace accrue::datasets
