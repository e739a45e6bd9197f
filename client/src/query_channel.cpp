#include "client/src/query_channel.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/src/convert.hpp"

namespace accrue::client {
namespace {

constexpr int kSilentAttempts = 3;  // unanswered in a row: the connection is dead

template <class Message>
SharedFrame frame_of(const Message& message) {
  return std::make_shared<const wire::Bytes>(wire::encode(message));
}

// The answer to `request`, if `message` is it; throws when it is a refusal.
template <class Answer, class Convert>
auto answer_to(std::uint64_t request, const zmq::message_t& message, const Convert& convert)
    -> std::optional<std::invoke_result_t<Convert, const Answer&>> {
  wire::Frame frame;
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

void check_rows(const std::vector<std::string>& features, std::span<const double> rows) {
  const std::size_t columns = features.size();
  if (rows.empty()) throw Error(Error::Kind::kInvalid, "there are no rows to predict");
  if (rows.size() % columns != 0) {
    throw Error(Error::Kind::kInvalid,
                std::to_string(rows.size()) + " values are not whole rows of " + std::to_string(columns) + " features");
  }
  // A NaN is a missing value, which the daemon judges: it knows what the models take.
  const auto bad = std::find_if(rows.begin(), rows.end(), [](double value) { return std::isinf(value); });
  if (bad == rows.end()) return;
  const auto at = static_cast<std::size_t>(bad - rows.begin());
  throw Error(Error::Kind::kInvalid, "row " + std::to_string(at / columns + 1) + ", column '" + features[at % columns] +
                                         "': the value is not a finite number");
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
      wait_for(*socket_, !sent, nullptr, ask_again);
      while (const auto message = socket_->receive()) {
        if (auto answer = answer_to<Answer>(question.request, *message, convert)) return *std::move(answer);
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

Prediction QueryChannel::predict(const std::string& stream, const std::vector<std::string>& features,
                                 std::span<const double> rows, const Subject& subject, std::optional<double> interval) {
  check_rows(features, rows);
  if (interval && !(*interval > 0 && *interval < 1)) {
    throw Error(Error::Kind::kInvalid, "an interval's level is above 0 and below 1, such as 0.95");
  }
  const std::size_t count = rows.size() / features.size();
  const wire::Predict question{.stream = stream,
                               .dtype = wire::DataType::kFloat64,
                               .count = static_cast<std::uint32_t>(count),
                               .rows = {.bin = std::as_bytes(rows)},
                               .epoch = subject.epoch,
                               .model = subject.model,
                               .interval = interval};
  Prediction prediction =
      ask<wire::Prediction>(question, [](const wire::Prediction& answer) { return from_wire(answer); });
  const bool margins_fit = prediction.margins.size() == (interval ? count : 0);
  if (prediction.values.size() != count || !margins_fit) {
    throw Error(Error::Kind::kRefused, "the daemon answered " + std::to_string(prediction.values.size()) +
                                           " predictions for " + std::to_string(count) + " rows");
  }
  return prediction;
}

Prediction QueryChannel::predict(const std::string& stream, std::span<const double> rows, const Subject& subject,
                                 std::optional<double> interval) {
  if (const auto features = remembered_features(stream)) {
    try {
      return predict(stream, *features, rows, subject, interval);
    } catch (const Error& error) {
      // The stream may have been made anew, with other features.
      if (error.kind() != Error::Kind::kInvalid && error.kind() != Error::Kind::kUnknownStream) throw;
    }
  }
  return predict(stream, ask_features(stream), rows, subject, interval);
}

std::optional<std::vector<std::string>> QueryChannel::remembered_features(const std::string& stream) {
  const std::lock_guard lock(features_mutex_);
  const auto found = features_.find(stream);
  if (found == features_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> QueryChannel::ask_features(const std::string& stream) {
  for (const StreamStatus& candidate : status().streams) {
    if (candidate.name != stream) continue;
    const std::lock_guard lock(features_mutex_);
    return features_[stream] = candidate.spec.features;
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
