// accrue predict: a prediction for every row of a file, in order.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.hpp"
#include "client/cli/model_spec.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "client/cli/row_source.hpp"
#include "client/cli/sparse_source.hpp"

namespace accrue::cli {
namespace {

constexpr std::size_t kRowsPerRequest = 4'096;

// What is said of one row. The interval is the model's own and the distribution-free one, where they are known.
struct Answer {
  double value;
  std::optional<double> margin;
  std::optional<double> conformal_margin;
};

// Writes predictions as they are answered, in any of the three forms.
class PredictionWriter {
 public:
  PredictionWriter(Format format, const std::string& stream, bool intervals)
      : format_(format), stream_(stream), intervals_(intervals) {}

  // An absent answer is a row that could not be used. The epoch of the first answer heads the JSON form.
  void write(const std::vector<std::optional<Answer>>& answers, std::uint64_t epoch) {
    std::string text = begin(epoch);
    for (const auto& answer : answers) {
      if (format_ == Format::kJson) {
        text += (written_++ ? ", " : "") + json_text(answer ? json_of(*answer) : Json());
      } else {
        text += (answer ? columns_of(*answer) : "") + "\n";
      }
    }
    write_out(text);
  }

  void finish(std::uint64_t epoch) { write_out(begin(epoch) + (format_ == Format::kJson ? "]}\n" : "")); }

 private:
  std::string begin(std::uint64_t epoch) {
    if (begun_) return {};
    begun_ = true;
    switch (format_) {
      case Format::kTable: return {};
      case Format::kCsv:
        return intervals_ ? "prediction,lower,upper,conformal_lower,conformal_upper\n" : "prediction\n";
      case Format::kJson: break;
    }
    return "{\"stream\": " + json_text(stream_) + ", \"epoch\": " + std::to_string(epoch) + ", \"predictions\": [";
  }

  Json json_of(const Answer& answer) const {
    if (!intervals_) return answer.value;
    const auto end = [&](const std::optional<double>& margin, double sign) {
      return margin ? Json(answer.value + sign * *margin) : Json();
    };
    return {{"prediction", answer.value},
            {"lower", end(answer.margin, -1)},
            {"upper", end(answer.margin, 1)},
            {"conformal_lower", end(answer.conformal_margin, -1)},
            {"conformal_upper", end(answer.conformal_margin, 1)}};
  }

  // Those of the CSV form; in a table, between blanks, an end that is not known is a dash.
  std::string columns_of(const Answer& answer) const {
    std::string text = exact(answer.value);
    if (!intervals_) return text;
    const bool csv = format_ == Format::kCsv;
    for (const auto& margin : {answer.margin, answer.conformal_margin}) {
      for (const double sign : {-1.0, 1.0}) {
        text += csv ? "," : " ";
        if (margin) text += exact(answer.value + sign * *margin);
        if (!margin && !csv) text += "-";
      }
    }
    return text;
  }

  Format format_;
  std::string stream_;
  bool intervals_;
  bool begun_ = false;
  std::uint64_t written_ = 0;
};

// Rows of named features, to be asked about in turn.
class DenseQuestions {
 public:
  DenseQuestions(RowSource& source, const StreamSpec& spec, const std::vector<std::string>& columns)
      : source_(source), row_(columns.size()) {
    std::vector<bool> may_lack = may_be_empty(spec);
    may_lack.resize(spec.features.size());
    source_.select(columns, may_lack);
  }

  NextRow next() {
    const NextRow next = source_.next(row_);
    if (next == NextRow::kRow) rows_.insert(rows_.end(), row_.begin(), row_.end());
    return next;
  }
  Prediction ask(const Client& client, const PredictOptions& options) {
    return client.predict(options.stream, std::exchange(rows_, {}), options.epoch, options.model, options.interval);
  }
  bool would_wait() { return source_.would_wait(); }
  const std::string& stopped() const { return source_.stopped(); }

 private:
  RowSource& source_;
  std::vector<double> row_;
  std::vector<double> rows_;
};

class SparseQuestions {
 public:
  SparseQuestions(const PredictOptions& options, const StreamSpec& spec)
      : source_(options.file, spec.dimension, options.skip_bad) {}

  NextRow next() {
    const NextRow next = source_.next(row_);
    if (next != NextRow::kRow) return next;
    columns_.insert(columns_.end(), row_.columns.begin(), row_.columns.end());
    values_.insert(values_.end(), row_.values.begin(), row_.values.end());
    ends_.push_back(static_cast<std::uint32_t>(values_.size()));
    return next;
  }
  Prediction ask(const Client& client, const PredictOptions& options) {
    Prediction answer = client.predict_sparse_rows(options.stream, columns_, values_, ends_, options.epoch,
                                                   options.model, options.interval);
    columns_.clear();
    values_.clear();
    ends_.clear();
    return answer;
  }
  bool would_wait() { return source_.would_wait() || values_.size() >= kValuesPerRequest; }
  const std::string& stopped() const { return source_.stopped(); }

 private:
  static constexpr std::size_t kValuesPerRequest = 16'384;  // with one row of the most values the least message

  SparseSource source_;
  SparseInput row_;
  std::vector<std::uint32_t> columns_;
  std::vector<double> values_;
  std::vector<std::uint32_t> ends_;
};

// Full, or as much as there is to be read without waiting. Returns false at the end of the rows.
template <class Questions>
bool gather(Questions& questions, std::vector<bool>& usable) {
  usable.clear();
  do {
    const NextRow next = questions.next();
    if (next == NextRow::kEnd) return false;
    usable.push_back(next == NextRow::kRow);
  } while (usable.size() < kRowsPerRequest && !questions.would_wait());
  return true;
}

// The features, and the key where it is none and the model goes by it. A model that is not there any more, of a past
// epoch, may have done so: the file says.
std::vector<std::string> columns_to_predict(const Client& client, const StreamStatus& stream, const std::string& model,
                                            const std::vector<std::string>& in_file) {
  std::vector<std::string> columns = stream.spec.features;
  const std::string& key = stream.spec.key;
  if (key.empty() || std::find(columns.begin(), columns.end(), key) != columns.end()) return columns;
  bool by_key = std::find(in_file.begin(), in_file.end(), key) != in_file.end();
  for (const ModelStatus& one : client.models(stream.name).models) {
    if (model.empty() ? !one.champion : one.spec.name != model) continue;
    const std::vector<Setting>& settings = one.spec.settings;
    by_key = std::find(settings.begin(), settings.end(), Setting{"group_by", "key"}) != settings.end();
  }
  if (by_key) columns.push_back(key);
  return columns;
}

Answer answer_of(const Prediction& prediction, std::size_t row) {
  Answer answer{prediction.values[row], std::nullopt, prediction.conformal_margin};
  if (!prediction.margins.empty() && std::isfinite(prediction.margins[row])) answer.margin = prediction.margins[row];
  return answer;
}

template <class Questions>
int answer_all(Questions questions, const Client& client, const Connection& connection, const PredictOptions& options,
               std::uint64_t epoch) {
  PredictionWriter writer(connection.format, options.stream, options.interval.has_value());
  std::vector<bool> usable;
  for (bool more = true; more;) {
    more = gather(questions, usable);
    Prediction prediction;
    if (std::find(usable.begin(), usable.end(), true) != usable.end()) {
      prediction = questions.ask(client, options);
      epoch = prediction.epoch;
    }
    std::vector<std::optional<Answer>> answers(usable.size());
    for (std::size_t i = 0, at = 0; i < answers.size(); ++i) {
      if (usable[i]) answers[i] = answer_of(prediction, at++);
    }
    if (!answers.empty()) writer.write(answers, epoch);
  }
  writer.finish(epoch);
  if (questions.stopped().empty()) return 0;
  complain(questions.stopped());
  return 1;
}

}  // namespace

int predict(const Connection& connection, const PredictOptions& options) {
  RowSource source(options.file, options.skip_bad);  // first: without a file there is nothing to ask
  const Client client = connect(connection);
  const StreamStatus stream = existing_stream(client, options.stream);
  const std::uint64_t epoch = options.epoch.value_or(stream.epoch);
  if (stream.spec.dimension > 0) {
    return answer_all(SparseQuestions(options, stream.spec), client, connection, options, epoch);
  }
  const std::vector<std::string> columns = columns_to_predict(client, stream, options.model, source.columns());
  return answer_all(DenseQuestions(source, stream.spec, columns), client, connection, options, epoch);
}

}  // namespace accrue::cli
