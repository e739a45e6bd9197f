#include "daemon/http/questions.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "daemon/dense_query.hpp"

namespace accrue::daemon::http {
namespace {

double value_of(const Json& json, const std::string& field) {
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!json.is_number()) throw bad_field(field, "must be a number, or null where the value is missing");
  return json.get<double>();
}

void read_row(const Json& row, const std::string& field, const std::vector<std::string>& columns,
              std::span<double> values) {
  if (row.is_array()) {
    if (row.size() != columns.size()) {
      throw bad_field(field,
                      "has " + std::to_string(row.size()) + " values instead of " + std::to_string(columns.size()));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = value_of(row[i], field + "[" + std::to_string(i) + "]");
    }
    return;
  }
  if (!row.is_object()) throw bad_field(field, "must be an object of features, or an array of their values");
  std::ranges::fill(values, std::numeric_limits<double>::quiet_NaN());
  for (const auto& [name, value] : row.items()) {
    const std::string path = std::string(field).append(".").append(name);
    const auto column = std::ranges::find(columns, name);
    if (column == columns.end()) throw bad_field(path, "is no feature of the stream");
    values[static_cast<std::size_t>(column - columns.begin())] = value_of(value, path);
  }
}

void read_rows(const Json& rows, const std::vector<std::string>& columns, PredictQuestion& to) {
  if (!rows.is_array() || rows.empty()) throw bad_field("rows", "must be an array of at least one row");
  to.question.count = static_cast<std::uint32_t>(rows.size());
  to.rows.resize(rows.size() * columns.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    read_row(rows[i], "rows[" + std::to_string(i) + "]", columns,
             std::span(to.rows).subspan(i * columns.size(), columns.size()));
  }
}

// The columns of a row to predict. A model that is not there is for the daemon to refuse.
std::vector<std::string> columns_for(const Snapshot& snapshot, const std::string& model) {
  std::vector<std::string> columns = snapshot.spec.features;
  const models::Model* found = snapshot.model(model);
  if (found && has_key_behind(snapshot.spec, *found)) columns.push_back(snapshot.spec.key);
  return columns;
}

void read_options(const Json& body, wire::Predict& question) {
  for (const auto& [name, value] : body.items()) {
    if (name == "interval") {
      if (!value.is_number() || !(value > 0) || !(value < 1)) {
        throw bad_field(name, "is a level above 0 and below 1, such as 0.95");
      }
      question.interval = value.get<double>();
    } else if (name == "epoch") {
      if (!value.is_number_unsigned()) throw bad_field(name, "must be the number of an epoch that is kept");
      question.epoch = value.get<std::uint64_t>();
    } else if (name == "model") {
      if (!value.is_string()) throw bad_field(name, "must be text");
      question.model = value.get<std::string>();
    } else if (name != "row" && name != "rows") {
      throw bad_field(name, "is no member of such a body");
    }
  }
}

}  // namespace

wire::Predict PredictQuestion::message() const {
  wire::Predict message = question;
  message.rows.bin = std::as_bytes(std::span(rows));
  return message;
}

PredictQuestion predict_question(const std::string& stream, const Json& body, const Snapshot& snapshot) {
  if (snapshot.spec.sparse()) {
    throw Problem(409, "sparse_stream",
                  "stream '" + stream + "' has sparse rows: ask for its predictions by accrue predict or a client",
                  "stream");
  }
  PredictQuestion asked;
  asked.question.stream = stream;
  read_options(body, asked.question);
  if (body.contains("row") == body.contains("rows")) throw bad_field("rows", "either rows or row must be there");
  const std::vector<std::string> columns = columns_for(snapshot, asked.question.model);
  if (body.contains("rows")) {
    read_rows(body["rows"], columns, asked);
  } else {
    asked.question.count = 1;
    asked.rows.resize(columns.size());
    read_row(body["row"], "row", columns, asked.rows);
  }
  return asked;
}

}  // namespace accrue::daemon::http
