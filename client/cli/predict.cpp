// accrue predict: a prediction for every row of a CSV file, in order.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/commands.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "client/cli/row_source.hpp"

namespace accrue::cli {
namespace {

constexpr std::size_t kRowsPerRequest = 4'096;

// Rows to be answered at once, and where among them the unusable ones are.
struct Request {
  std::vector<double> rows;
  std::vector<bool> usable;
};

// Writes predictions as they are answered, in any of the three forms.
class PredictionWriter {
 public:
  PredictionWriter(Format format, const std::string& stream) : format_(format), stream_(stream) {}

  // An absent value is a row that could not be used. The epoch of the first answer heads the JSON form.
  void write(const std::vector<std::optional<double>>& values, std::uint64_t epoch) {
    std::string text = begin(epoch);
    for (const auto& value : values) {
      if (format_ == Format::kJson) {
        text += (written_++ ? ", " : "") + json_text(value ? Json(*value) : Json());
      } else {
        text += (value ? exact(*value) : "") + "\n";
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
      case Format::kCsv: return "prediction\n";
      case Format::kJson: break;
    }
    return "{\"stream\": " + json_text(stream_) + ", \"epoch\": " + std::to_string(epoch) + ", \"predictions\": [";
  }

  Format format_;
  std::string stream_;
  bool begun_ = false;
  std::uint64_t written_ = 0;
};

// Full, or as much as there is to be read without waiting. Returns false at the end of the rows.
bool gather(RowSource& source, std::size_t features, Request& request) {
  request = {};
  std::vector<double> row(features);
  do {
    const RowSource::Next next = source.next(row);
    if (next == RowSource::Next::kEnd) return false;
    const bool usable = next == RowSource::Next::kRow;
    if (usable) request.rows.insert(request.rows.end(), row.begin(), row.end());
    request.usable.push_back(usable);
  } while (request.usable.size() < kRowsPerRequest && !source.would_wait());
  return true;
}

}  // namespace

int predict(const Connection& connection, const PredictOptions& options) {
  RowSource source(options.file, options.skip_bad);
  const Client client = connect(connection);
  const StreamStatus stream = existing_stream(client, options.stream);
  source.select(stream.spec.features);
  PredictionWriter writer(connection.format, options.stream);
  std::uint64_t epoch = options.epoch.value_or(stream.epoch);
  Request request;
  for (bool more = true; more;) {
    more = gather(source, stream.spec.features.size(), request);
    std::vector<double> answers;
    if (!request.rows.empty()) {
      Prediction prediction = client.predict(options.stream, request.rows, options.epoch, options.model);
      answers = std::move(prediction.values);
      epoch = prediction.epoch;
    }
    std::vector<std::optional<double>> values(request.usable.size());
    auto answer = answers.begin();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (request.usable[i]) values[i] = *answer++;
    }
    if (!values.empty()) writer.write(values, epoch);
  }
  writer.finish(epoch);
  if (source.stopped().empty()) return 0;
  complain(source.stopped());
  return 1;
}

}  // namespace accrue::cli
