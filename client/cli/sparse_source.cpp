#include "client/cli/sparse_source.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

#include "accrue/client.hpp"
#include "datasets/csv.hpp"

namespace accrue::cli {
namespace {

constexpr std::size_t kMostShown = 64;  // of a text, in messages

std::string shown(std::string_view text) { return "'" + std::string(text.substr(0, kMostShown)) + "'"; }

// What is wrong with a number; empty where nothing is.
std::string read_number(std::string_view text, double& value) {
  using datasets::CsvResult;
  const CsvResult result = datasets::parse_number(text, value);
  if (result == CsvResult::kRow) return {};
  const bool is_number = result != CsvResult::kEmptyField && result != CsvResult::kNotANumber;
  return (is_number ? "not a number within 1e150: " : "not a number: ") + shown(text);
}

std::string read_feature(std::string_view text, std::uint32_t dimension, std::uint32_t& column) {
  if (text.empty()) return "a value has no feature";
  const bool is_number = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) {
    column = hashed_feature(text, dimension);
    return {};
  }
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), column);
  if (error == std::errc() && column < dimension) return {};
  return "feature " + std::string(text.substr(0, kMostShown)) + " is not below the dimension, " +
         std::to_string(dimension);
}

// The next of the texts between blanks; empty at the end.
std::string_view take_token(std::string_view& line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
  const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
  const std::string_view token = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return token;
}

}  // namespace

std::string read_sparse(std::string_view line, std::uint32_t dimension, SparseInput& row) {
  row.target.reset();
  row.columns.clear();
  row.values.clear();
  line = line.substr(0, line.find('#'));
  bool first = true;
  for (std::string_view token; !(token = take_token(line)).empty(); first = false) {
    const std::size_t colon = token.rfind(':');
    if (colon == std::string_view::npos) {
      if (!first) return "not FEATURE:VALUE: " + shown(token);
      if (std::string problem = read_number(token, row.target.emplace()); !problem.empty()) {
        return "target: " + problem;
      }
      continue;
    }
    std::uint32_t column = 0;
    double value = 0;
    if (std::string problem = read_feature(token.substr(0, colon), dimension, column); !problem.empty()) return problem;
    if (std::string problem = read_number(token.substr(colon + 1), value); !problem.empty()) {
      return "value of " + shown(token.substr(0, colon)) + ": " + problem;
    }
    row.columns.push_back(column);
    row.values.push_back(value);
  }
  return {};
}

SparseSource::SparseSource(const std::string& file, std::uint32_t dimension, bool skip_bad)
    : name_(shown_name(file)), dimension_(dimension), buffer_(file), bad_(name_, skip_bad) {}

// False at the end. Of a line that is too long the beginning.
bool SparseSource::read_line() {
  using Traits = std::streambuf::traits_type;
  line_.clear();
  too_long_ = false;
  Traits::int_type next = buffer_.sbumpc();
  if (Traits::eq_int_type(next, Traits::eof())) return false;
  for (; !Traits::eq_int_type(next, Traits::eof()); next = buffer_.sbumpc()) {
    const char c = Traits::to_char_type(next);
    if (c == '\n') break;
    too_long_ = line_.size() == kMaxLineBytes;
    if (!too_long_) line_ += c;
  }
  ++line_number_;
  return true;
}

NextRow SparseSource::next(SparseInput& row) {
  try {
    while (read_line()) {
      if (too_long_) return refuse("longer than " + std::to_string(kMaxLineBytes) + " bytes");
      if (const std::string problem = read_sparse(line_, dimension_, row); !problem.empty()) return refuse(problem);
      if (row.target || !row.columns.empty()) return NextRow::kRow;
    }
  } catch (const std::runtime_error& failure) {
    bad_.stop(name_ + ": " + failure.what());
  }
  return NextRow::kEnd;
}

NextRow SparseSource::refuse(const std::string& why) {
  return bad_.take(name_ + ":" + std::to_string(line_number_) + ": " + why);
}

}  // namespace accrue::cli
