#include "daemon/http/row_body.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "daemon/http/call.hpp"
#include "datasets/csv.hpp"

namespace accrue::daemon::http {
namespace {

using datasets::CsvReader;
using datasets::CsvResult;

constexpr std::size_t kBlockBytes = 262'144;  // of lines, read at once
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// Hands on the body in blocks of whole lines.
class Lines : public RowBody {
 public:
  void take(std::string_view piece) override {
    if (const std::size_t end = piece.rfind('\n'); end != std::string_view::npos) whole_ = text_.size() + end + 1;
    text_.append(piece);
    if (text_.size() - whole_ > kMaxLineBytes) {
      throw Problem(413, "line_too_long", "a line is longer than " + std::to_string(kMaxLineBytes) + " bytes");
    }
    if (whole_ < kBlockBytes) return;
    read(std::string_view(text_).substr(0, whole_));
    text_.erase(0, whole_);
    whole_ = 0;
  }

  void finish() override {
    if (!text_.empty()) read(text_);
    text_.clear();
  }

 protected:
  virtual void read(std::string_view lines) = 0;

 private:
  std::string text_;
  std::size_t whole_ = 0;  // of its bytes, those of whole lines
};

class Ndjson final : public Lines {
 public:
  explicit Ndjson(RowBatches& rows) : rows_(rows) {}

 private:
  void read(std::string_view lines) override {
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size());
      const std::string_view line = lines.substr(0, end);
      lines.remove_prefix(std::min(end + 1, lines.size()));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const Json row = Json::parse(line, nullptr, false);
      rows_.add(row.is_discarded() ? Json() : row);
    }
  }

  RowBatches& rows_;
};

class Csv final : public Lines {
 public:
  Csv(const wire::StreamSpec& spec, RowBatches& rows)
      : columns_(spec.columns()), may_lack_columns_(spec.delayed()), rows_(rows) {}

  void finish() override {
    Lines::finish();
    if (!names_) throw Problem(400, "empty_body", "the body is empty: a first line that names the columns is needed");
  }

 private:
  void read(std::string_view lines) override {
    std::istringstream in{std::string(lines)};
    if (!names_) {
      CsvReader csv = with_header(in);
      return read(csv);
    }
    CsvReader csv(in, "body", *names_);
    read(csv);
  }

  CsvReader with_header(std::istream& in) {
    try {
      CsvReader csv(in, "body");
      names_ = csv.columns();
      place();
      return csv;
    } catch (const std::runtime_error& error) {
      if (dynamic_cast<const Problem*>(&error)) throw;
      throw Problem(400, "bad_header", error.what());
    }
  }

  // Where the stream's columns stand in the file, and which are not there.
  void place() {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (std::ranges::find(*names_, columns_[i]) != names_->end()) {
        selected_.push_back(columns_[i]);
        places_.push_back(i);
      } else if (!may_lack_columns_) {
        throw bad_field(columns_[i], "the first line does not name this column of the stream");
      }
    }
  }

  void read(CsvReader& csv) {
    csv.select(selected_, std::vector<bool>(selected_.size(), true));
    std::vector<double> values(selected_.size());
    std::vector<double> row(columns_.size());
    for (CsvResult result; (result = csv.next(values)) != CsvResult::kEnd;) {
      std::size_t not_a_number = RowBatch::kNone;
      if (result != CsvResult::kRow) {
        const auto column = std::ranges::find(columns_, csv.fault().column);
        if (column == columns_.end() || is_of_the_line(result)) {
          rows_.add(Json());  // no row at all
          continue;
        }
        std::ranges::fill(row, 0);  // so that nothing else is wrong with it
        const auto at = static_cast<std::size_t>(column - columns_.begin());
        if (result == CsvResult::kNotANumber) not_a_number = at;
        if (result == CsvResult::kNotFinite) row[at] = std::numeric_limits<double>::infinity();
        if (result == CsvResult::kOutOfRange) row[at] = std::numeric_limits<double>::max();
      } else {
        std::ranges::fill(row, kMissing);
        for (std::size_t i = 0; i < values.size(); ++i) row[places_[i]] = values[i];
      }
      rows_.add(std::span<const double>(row), not_a_number);
    }
  }

  static bool is_of_the_line(CsvResult result) {
    return result == CsvResult::kFieldCount || result == CsvResult::kLineTooLong ||
           result == CsvResult::kUnterminatedQuote || result == CsvResult::kTextAfterQuote;
  }

  const std::vector<std::string> columns_;
  const bool may_lack_columns_;
  RowBatches& rows_;
  std::optional<std::vector<std::string>> names_;  // of the file's columns, once its first line has come
  std::vector<std::string> selected_;
  std::vector<std::size_t> places_;  // of these, in a row of the stream
};

// Each row is handed on as soon as it is read, and none is kept.
class JsonBody final : public RowBody {
 public:
  explicit JsonBody(RowBatches& rows) : rows_(rows) {}

  void take(std::string_view piece) override { append_json(text_, piece); }

  void finish() override {
    check_grammar();  // before a row is learned
    bool has_rows = false;
    const auto see = [&](int depth, Json::parse_event_t event, Json& value) {
      using Event = Json::parse_event_t;
      const bool ends = event == Event::value || event == Event::object_end || event == Event::array_end;
      if (depth == 0 && event == Event::array_start) throw no_rows();
      if (depth == 1 && event == Event::key) {
        const auto member = value.get<std::string>();
        if (member != "rows") throw bad_field(member, "is no member of such a body");
      }
      if (depth == 1 && (event == Event::value || event == Event::object_start)) throw no_rows();
      has_rows |= depth == 1;
      if (depth == 2 && ends) rows_.add(value);
      return depth != 2 || !ends;
    };
    [[maybe_unused]] const Json rest = Json::parse(text_, see);
    if (!has_rows) throw no_rows();
  }

 private:
  void check_grammar() const {
    if (!Json::accept(text_))
      throw Problem(400, "malformed_json", "the body is not JSON, or has a number beyond 1.8e308");
  }

  static Problem no_rows() { return bad_field("rows", R"(must be there, and an array: the body is {"rows": [...]})"); }

  RowBatches& rows_;
  std::string text_;
};

}  // namespace

std::unique_ptr<RowBody> row_body(const std::string& content_type, const wire::StreamSpec& spec, RowBatches& rows) {
  const std::string type = media_type(content_type);
  if (type == kJsonType) return std::make_unique<JsonBody>(rows);
  if (type == "application/x-ndjson") return std::make_unique<Ndjson>(rows);
  if (type == "text/csv") return std::make_unique<Csv>(spec, rows);
  throw Problem(415, "unsupported_media_type",
                "rows come as application/json, application/x-ndjson or text/csv, not as '" + type + "'",
                "Content-Type");
}

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

void append_json(std::string& text, std::string_view piece) {
  text.append(piece);
  if (text.size() <= kMaxJsonBytes) return;
  throw Problem(413, "body_too_large",
                "a body of " + std::string(kJsonType) + " has at most " + std::to_string(kMaxJsonBytes) +
                    " bytes: ask in parts; rows come as application/x-ndjson or text/csv of any length");
}

Json parse_json(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw Problem(400, "malformed_json", std::string("the body is not JSON: ") + error.what());
  }
}

}  // namespace accrue::daemon::http
