#include "client/src/query_channel.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/src/convert.hpp"
#include "client/src/sparse_row.hpp"
#include "ingest/wire/predict_frame.hpp"
#include "ingest/wire/sparse_rows.hpp"

namespace accrue::client {
namespace {

constexpr int kSilentAttempts = 3;  // unanswered in a row: the connection is dead

SharedFrame frame_of(const wire::Predict& question) { return SharedFrame(wire::encode_aligned(question)); }

// The answer to `request`, if `message` is it; throws when it is a refusal. `frame` is scratch.
template <class Answer, class Convert>
auto answer_to(std::uint64_t request, const zmq::message_t& message, wire::Frame& frame, const Convert& convert)
    -> std::optional<std::invoke_result_t<Convert, const Answer&>> {
  wire::DecodeError problem = frame.parse({message.data<std::byte>(), message.size()}, wire::Sender::kTrusted);
  if (problem == wire::DecodeError::kNone && frame.type() == wire::Error::kType) {
    wire::Error error;
    problem = frame.read(error);
    const bool ours = error.request == request || error.request == 0;   // 0: it could not be read that far
    const bool passing = error.code == wire::ErrorCode::kShuttingDown;  // the next daemon will answer
    if (problem == wire::DecodeError::kNone && ours && !passing) throw from_wire(error);
  } else if (problem == wire::DecodeError::kNone && frame.type() == Answer::kType) {
    Answer answer;
    problem = frame.read(answer);
    if (problem == wire::DecodeError::kNone && answer.request == request) return convert(answer);
  }
  if (problem != wire::DecodeError::kNone) {
    throw Error(Error::Kind::kRefused, std::string("the daemon's answer cannot be read: ") + to_string(problem));
  }
  return std::nullopt;
}

Error wrong_answer(std::size_t answered, const std::string& asked) {
  return {Error::Kind::kRefused, "the daemon answered " + std::to_string(answered) + " predictions for " + asked};
}

// Only their shape: the daemon judges the numbers, as it knows what the models take.
void check_rows(const RowShape& shape, std::span<const double> rows) {
  const std::size_t columns = shape.features.size();
  if (columns == 0) throw Error(Error::Kind::kInvalid, "the stream has sparse rows: use predict_sparse");
  if (rows.empty()) throw Error(Error::Kind::kInvalid, "there are no rows to predict");
  if (rows.size() % columns != 0 && !(shape.key_of_its_own && rows.size() % (columns + 1) == 0)) {
    throw Error(Error::Kind::kInvalid, std::to_string(rows.size()) + " values are not whole rows of " +
                                           std::to_string(columns) + " features" +
                                           (shape.key_of_its_own ? ", and the key where the model groups by it" : ""));
  }
}

void check_level(const std::optional<double>& interval) {
  if (!interval || (*interval > 0 && *interval < 1)) return;
  throw Error(Error::Kind::kInvalid, "an interval's level is above 0 and below 1, such as 0.95");
}

// Of rows whose ends rise to the number of their values.
wire::Bytes bin_of(const SparseQuestion& rows, std::uint32_t dimension) {
  const auto refuse = [](const std::string& why) { throw Error(Error::Kind::kInvalid, why); };
  if (dimension == 0) refuse("the stream has no sparse rows: use predict");
  if (rows.ends.empty()) refuse("there are no rows to predict");
  const bool rise = std::is_sorted(rows.ends.begin(), rows.ends.end());
  if (rows.columns.size() != rows.values.size() || !rise || rows.ends.back() != rows.values.size()) {
    refuse("the ends of the rows do not rise to the number of features (" + std::to_string(rows.columns.size()) +
           ") and values (" + std::to_string(rows.values.size()) + ")");
  }
  wire::SparseRowsBin bin(wire::SparseForm::kFeatures);
  InOrder row;
  for (std::size_t i = 0, begin = 0; i < rows.ends.size(); begin = rows.ends[i++]) {
    const std::size_t size = rows.ends[i] - begin;
    row.put("row " + std::to_string(i + 1), rows.columns.subspan(begin, size), rows.values.subspan(begin, size),
            dimension);
    const auto bad = std::find_if(row.values().begin(), row.values().end(), [](double x) { return !std::isfinite(x); });
    if (bad != row.values().end()) refuse("row " + std::to_string(i + 1) + ": a value is not a finite number");
    bin.append(row.columns(), row.values(), 0, 1);
  }
  wire::Bytes bytes(bin.bytes());
  bin.write(bytes.data());
  return bytes;
}

}  // namespace

template <class Answer, class Question, class Convert>
auto QueryChannel::ask(Question question, Convert convert) -> std::invoke_result_t<Convert, const Answer&> {
  const std::lock_guard lock(mutex_);  // whoever has it has a timeout of its own
  Patience patience(timeout_);
  question.request = ++request_;
  const SharedFrame frame = frame_of(question);
  for (int attempt = 1; !patience.over(); ++attempt) {
    connect(patience);
    if (frame->size() > max_message_bytes_) {
      throw Error(Error::Kind::kInvalid, "a question of " + std::to_string(frame->size()) + " bytes is more than the " +
                                             std::to_string(max_message_bytes_) +
                                             " that the daemon takes: ask in parts");
    }
    const Clock::time_point ask_again = patience.next_look();
    bool sent = false;
    while (Clock::now() < ask_again) {
      if (!sent) sent = socket_->send(frame);
      if (!sent) wait_for(*socket_, true, nullptr, ask_again);
      while (const auto message = sent ? socket_->receive(ask_again) : socket_->receive()) {
        if (auto answer = answer_to<Answer>(question.request, *message, frame_, convert)) return *std::move(answer);
      }
    }
    connection_.probe();
    if (attempt % kSilentAttempts == 0) socket_.reset();
  }
  throw Error(Error::Kind::kTimeout, "no answer to a query in time" + connection_.trouble());
}

void QueryChannel::connect(Patience& patience) {
  const Connection::Greeting greeting = connection_.greeting(patience);
  if (socket_ && greeting.number == greeting_) return;
  socket_.emplace(context_, query_endpoint(endpoint_, greeting.welcome.query_endpoint));
  greeting_ = greeting.number;
  max_message_bytes_ = greeting.welcome.max_message_bytes;
}

RowShape::RowShape(const StreamSpec& spec)
    : features(spec.features),
      key_of_its_own(!spec.key.empty() &&
                     std::find(spec.features.begin(), spec.features.end(), spec.key) == spec.features.end()),
      dimension(spec.dimension) {}

Prediction QueryChannel::predict(const std::string& stream, const RowShape& shape, std::span<const double> rows,
                                 const Subject& subject, std::optional<double> interval) {
  check_rows(shape, rows);
  check_level(interval);
  const std::size_t columns = shape.features.size();
  const std::size_t count = shape.key_of_its_own ? 0 : rows.size() / columns;  // 0: the daemon knows
  const wire::Predict question{.stream = stream,
                               .dtype = wire::DataType::kFloat64,
                               .count = static_cast<std::uint32_t>(count),
                               .rows = {.bin = std::as_bytes(rows)},
                               .epoch = subject.epoch,
                               .model = subject.model,
                               .interval = interval};
  Prediction prediction = ask_prediction(question);
  const std::size_t answered = prediction.values.size();
  const bool fits =
      answered * columns == rows.size() || (shape.key_of_its_own && answered * (columns + 1) == rows.size());
  if (!fits) throw wrong_answer(answered, std::to_string(rows.size()) + " values of rows");
  return prediction;
}

Prediction QueryChannel::predict(const std::string& stream, std::uint32_t dimension, const SparseQuestion& rows,
                                 const Subject& subject, std::optional<double> interval) {
  const wire::Bytes bin = bin_of(rows, dimension);
  check_level(interval);
  return ask_prediction({.stream = stream,
                         .dtype = wire::DataType::kFloat64,
                         .count = static_cast<std::uint32_t>(rows.ends.size()),
                         .rows = {.bin = bin},
                         .epoch = subject.epoch,
                         .model = subject.model,
                         .interval = interval});
}

Prediction QueryChannel::ask_prediction(const wire::Predict& question) {
  Prediction prediction =
      ask<wire::Prediction>(question, [](const wire::Prediction& answer) { return from_wire(answer); });
  const std::size_t answered = prediction.values.size();
  const bool values_fit = question.count == 0 || answered == question.count;
  if (!values_fit || prediction.margins.size() != (question.interval ? answered : 0)) {
    throw wrong_answer(answered, std::to_string(question.count) + " rows");
  }
  return prediction;
}

template <class Predict>
Prediction QueryChannel::knowing_shape(const std::string& stream, Predict predict) {
  if (const auto shape = remembered_shape(stream)) {
    try {
      return predict(*shape);
    } catch (const Error& error) {
      // The stream may have been made anew, with other features.
      if (error.kind() != Error::Kind::kInvalid && error.kind() != Error::Kind::kUnknownStream) throw;
    }
  }
  return predict(ask_shape(stream));
}

Prediction QueryChannel::predict(const std::string& stream, std::span<const double> rows, const Subject& subject,
                                 std::optional<double> interval) {
  return knowing_shape(stream, [&](const RowShape& shape) { return predict(stream, shape, rows, subject, interval); });
}

Prediction QueryChannel::predict(const std::string& stream, const SparseQuestion& rows, const Subject& subject,
                                 std::optional<double> interval) {
  return knowing_shape(
      stream, [&](const RowShape& shape) { return predict(stream, shape.dimension, rows, subject, interval); });
}

std::optional<RowShape> QueryChannel::remembered_shape(const std::string& stream) {
  const std::lock_guard lock(shapes_mutex_);
  const auto found = shapes_.find(stream);
  if (found == shapes_.end()) return std::nullopt;
  return found->second;
}

RowShape QueryChannel::ask_shape(const std::string& stream) {
  for (const StreamStatus& candidate : status().streams) {
    if (candidate.name != stream) continue;
    const std::lock_guard lock(shapes_mutex_);
    return shapes_.insert_or_assign(stream, RowShape(candidate.spec)).first->second;
  }
  throw Error(Error::Kind::kUnknownStream, "there is no stream '" + stream + "'");
}

Coefficients QueryChannel::coef(const std::string& stream, const Subject& subject) {
  return ask<wire::Coef>(wire::GetCoef{.stream = stream, .epoch = subject.epoch, .model = subject.model},
                         [](const wire::Coef& answer) { return from_wire(answer); });
}

Metrics QueryChannel::metrics(const std::string& stream, const std::string& model) {
  return ask<wire::Metrics>(wire::GetMetrics{.stream = stream, .model = model},
                            [](const wire::Metrics& answer) { return from_wire(answer); });
}

Models QueryChannel::models(const std::string& stream) {
  return ask<wire::Models>(wire::GetModels{.stream = stream},
                           [](const wire::Models& answer) { return from_wire(answer); });
}

KeptEpochs QueryChannel::epochs(const std::string& stream) {
  return ask<wire::Epochs>(wire::GetEpochs{.stream = stream},
                           [](const wire::Epochs& answer) { return from_wire(answer); });
}

Status QueryChannel::status() {
  return ask<wire::Status>(wire::GetStatus{}, [](const wire::Status& answer) { return from_wire(answer); });
}

}  // namespace accrue::client
