#include "daemon/http/api.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "daemon/answers.hpp"
#include "daemon/http/answers_json.hpp"
#include "daemon/http/event_stream.hpp"
#include "daemon/http/learning.hpp"
#include "daemon/http/questions.hpp"
#include "daemon/http/row_body.hpp"
#include "daemon/spec_json.hpp"
#include "ingest/wire/fresh_producer.hpp"

namespace accrue::daemon::http {
namespace {

// Asks the receiver for what it answers with `Done`, as one who has nothing else to say.
template <class Done, class Order>
Done ordered(const Inside& inside, Order order) {
  Conversation conversation(inside.rows, kRowsLink, inside.stop, inside.patience);
  conversation.say(wire::Hello{.producer = wire::fresh_producer(kProducerPrefix), .ephemeral = true});
  Done done = ask<Done>(conversation, std::move(order), [](const Done& answer) { return answer; });
  conversation.say(wire::Bye{});
  return done;
}

// A change that an epoch holds.
template <class Change, class Order>
Answer changed(const Inside& inside, Order order, int status = 200) {
  return {.status = status, .json = {{"epoch", ordered<Change>(inside, std::move(order)).epoch}}};
}

std::string key_of(const Call& call) {
  std::string key = call.header("Idempotency-Key");
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (key.size() <= kMaxKeyBytes && std::ranges::all_of(key, printable)) return key;
  throw bad_field("Idempotency-Key", "has 1 to " + std::to_string(kMaxKeyBytes) + " printable characters of ASCII");
}

// Reads a specification, or a part of one, out of a body.
template <class Read>
auto reading(Read read) {
  try {
    return read();
  } catch (const BadSpecField& error) {
    throw bad_field(error.field(), error.why());
  }
}

}  // namespace

Api::Api(const Inside& inside, const SnapshotBoard& board, Events& events, const Exposition& exposition)
    : inside_(inside), board_(board), events_(events), exposition_(exposition) {}

std::vector<Route> Api::routes() {
  const auto bound = [this](Answer (Api::*handle)(const Call&)) {
    return [this, handle](const Call& call) { return (this->*handle)(call); };
  };
  const std::string stream = "/v1/streams/{stream}";
  return {
      {"GET", "/v1/status", bound(&Api::status)},
      {"GET", "/v1/streams", bound(&Api::list_streams)},
      {"POST", "/v1/streams", bound(&Api::create_stream)},
      {"GET", stream, bound(&Api::show_stream)},
      {"DELETE", stream, bound(&Api::drop_stream)},
      {"POST", stream + "/rows", bound(&Api::learn)},
      {"POST", stream + "/predict", bound(&Api::predict)},
      {"GET", stream + "/models", bound(&Api::list_models)},
      {"POST", stream + "/models", bound(&Api::add_model)},
      {"DELETE", stream + "/models/{model}", bound(&Api::drop_model)},
      {"POST", stream + "/models/{model}/promote", bound(&Api::promote_model)},
      {"GET", stream + "/coef", bound(&Api::coef)},
      {"GET", stream + "/metrics", bound(&Api::metrics)},
      {"GET", stream + "/metrics/history", bound(&Api::history)},
      {"GET", stream + "/epochs", bound(&Api::epochs)},
      {"POST", stream + "/rollback", bound(&Api::roll_back)},
      {"GET", "/v1/events", bound(&Api::listen)},
      {"GET", "/healthz",
       [](const Call&) {
         return Answer{.json = {{"status", "ok"}}};
       }},
      {"GET", "/readyz", bound(&Api::is_ready)},
      {"GET", "/metrics",
       [this](const Call&) { return Answer{.text = exposition_.text(), .type = Exposition::kContentType}; }},
      {"GET", "/openapi.json", [](const Call&) { return Answer{.text = openapi_json()}; }},
  };
}

Answer Api::status(const Call& call) {
  call.allow_parameters({});
  return {.json = ask<wire::Status>(inside_, wire::GetStatus{}, [](const auto& answer) { return json_of(answer); })};
}

Answer Api::is_ready(const Call&) {
  const auto unready = ask<wire::Status>(inside_, wire::GetStatus{}, [](const wire::Status& status) {
    if (!status.degraded.empty()) return "nothing becomes durable: " + status.degraded;
    return std::string(status.workers == 0 ? "there is no worker yet" : "");
  });
  if (!unready.empty()) throw Problem(503, "not_ready", unready);
  return {.json = {{"status", "ready"}}};
}

// ---- streams ----

std::shared_ptr<const Snapshot> Api::snapshot_of(const std::string& stream) const {
  auto snapshot = board_.find(stream);
  if (snapshot) return snapshot;
  throw problem_of({0, wire::ErrorCode::kUnknownStream, stream, "there is no stream '" + stream.substr(0, 128) + "'"});
}

Answer Api::list_streams(const Call& call) {
  call.allow_parameters({});
  Json streams = Json::array();
  for (const auto& snapshot : board_.all()) streams.push_back(json_of(status_of(*snapshot)));
  return {.json = {{"streams", std::move(streams)}}};
}

Answer Api::create_stream(const Call& call) {
  call.allow_parameters({});
  auto whole = bodies_.read(call);
  Json& body = whole.json;
  if (!body.contains("name") || !body["name"].is_string()) throw bad_field("name", "must be there, and text");
  const auto name = body["name"].get<std::string>();
  if (const std::string problem = wire::problem_with_stream_name(name); !problem.empty()) {
    throw bad_field("name", problem);
  }
  body.erase("name");
  const wire::StreamSpec spec = reading([&] { return spec_of(body); });
  const bool is_new = !board_.find(name);
  Learning(inside_, {}).open(name, spec);
  return {
      .status = is_new ? 201 : 200, .json = json_of(status_of(*snapshot_of(name))), .location = "/v1/streams/" + name};
}

Answer Api::show_stream(const Call& call) {
  call.allow_parameters({});
  return {.json = json_of(status_of(*snapshot_of(call.stream())))};
}

Answer Api::drop_stream(const Call& call) {
  call.allow_parameters({});
  ordered<wire::Dropped>(inside_, wire::Drop{.stream = call.stream()});
  return {.status = 204};
}

Answer Api::roll_back(const Call& call) {
  call.allow_parameters({});
  const auto whole = bodies_.read(call);
  const Json& body = whole.json;
  if (!body.contains("epoch") || !body["epoch"].is_number_unsigned()) {
    throw bad_field("epoch", "must be there, and the number of an epoch that is kept");
  }
  return changed<wire::RolledBack>(inside_, wire::Rollback{.stream = call.stream(), .epoch = body["epoch"]});
}

// ---- rows and predictions ----

Answer Api::learn(const Call& call) {
  call.allow_parameters({});
  Learning learning(inside_, key_of(call));
  const wire::StreamSpec& spec = learning.open(call.stream());
  if (spec.sparse()) {
    throw Problem(409, "sparse_stream",
                  "stream '" + call.stream() + "' has sparse rows, which come by accrue push or a client", "stream");
  }
  RowBatches rows([&](const RowBatch& batch) { learning.learn(batch); });
  const auto body = row_body(call.header("Content-Type"), spec, rows);
  call.read_body([&](std::string_view piece) { body->take(piece); });
  body->finish();
  rows.finish();
  const Learned& learned = learning.learned();
  if (learned.rows == 0 || learned.rejected < learned.rows) return {.json = json_of(learned)};
  const Rejection first = learned.rejections.empty() ? Rejection{} : learned.rejections.front();
  Problem problem(422, "bad_rows",
                  "no row was learned; the first, row " + std::to_string(first.row) + ", for " +
                      to_string(first.reason) + (first.field.empty() ? "" : ", field '" + first.field + "'"),
                  first.field);
  problem.more = json_of(learned);
  throw problem;
}

Answer Api::predict(const Call& call) {
  call.allow_parameters({});
  const auto whole = bodies_.read(call);
  const Json& body = whole.json;
  const PredictQuestion question = predict_question(call.stream(), body, *snapshot_of(call.stream()));
  return {.json =
              ask<wire::Prediction>(inside_, question.message(), [](const auto& answer) { return json_of(answer); })};
}

// ---- models ----

Answer Api::list_models(const Call& call) {
  call.allow_parameters({});
  return {.json = ask<wire::Models>(inside_, wire::GetModels{.stream = call.stream()},
                                    [](const auto& answer) { return json_of(answer); })};
}

Answer Api::add_model(const Call& call) {
  call.allow_parameters({});
  const auto whole = bodies_.read(call);
  const Json& body = whole.json;
  const wire::ModelSpec model = reading([&] { return model_of(body); });
  if (const std::string problem = wire::problem_with(model); !problem.empty()) {
    throw Problem(422, to_string(wire::ErrorCode::kBadSpec), problem);
  }
  Answer answer = changed<wire::ModelsChanged>(inside_, wire::AddModel{.stream = call.stream(), .model = model}, 201);
  answer.location = "/v1/streams/" + call.stream() + "/models/" + model.name;
  return answer;
}

Answer Api::drop_model(const Call& call) {
  call.allow_parameters({});
  return changed<wire::ModelsChanged>(inside_,
                                      wire::DropModel{.stream = call.stream(), .model = call.path.at("model")});
}

Answer Api::promote_model(const Call& call) {
  call.allow_parameters({});
  return changed<wire::ModelsChanged>(inside_,
                                      wire::PromoteModel{.stream = call.stream(), .model = call.path.at("model")});
}

// ---- figures ----

Answer Api::coef(const Call& call) {
  call.allow_parameters({"model", "epoch"});
  const wire::GetCoef question{.stream = call.stream(), .epoch = call.number("epoch"), .model = call.text("model")};
  return {.json = ask<wire::Coef>(inside_, question, [](const auto& answer) { return json_of(answer); })};
}

Answer Api::metrics(const Call& call) {
  call.allow_parameters({"model"});
  const wire::GetMetrics question{.stream = call.stream(), .model = call.text("model")};
  return {.json = ask<wire::Metrics>(inside_, question, [](const auto& answer) { return json_of(answer); })};
}

Answer Api::history(const Call& call) {
  call.allow_parameters({"model", "span", "from_epoch"});
  wire::GetHistory question{.stream = call.stream(), .model = call.text("model")};
  if (const std::string name = call.text("span"); !name.empty()) {
    const auto span = wire::span_named(name);
    if (!span) throw bad_field("span", "is one of lifetime, epoch, last_1000, last_10000, last_100000");
    question.span = *span;
  }
  question.from_epoch = call.number("from_epoch").value_or(0);
  Json json = ask<wire::History>(inside_, question, [](const auto& answer) { return json_of(answer); });
  json["span"] = to_string(question.span);
  return {.json = std::move(json)};
}

Answer Api::epochs(const Call& call) {
  call.allow_parameters({});
  return {.json = ask<wire::Epochs>(inside_, wire::GetEpochs{.stream = call.stream()},
                                    [](const auto& answer) { return json_of(answer); })};
}

// ---- events ----

Answer Api::listen(const Call& call) {
  call.allow_parameters({"stream"});
  const std::string stream = call.text("stream");
  if (!stream.empty()) snapshot_of(stream);
  auto place = std::make_shared<ListenersPlace>(listeners_);
  if (!place->taken()) {
    throw Problem(503, "too_many",
                  "there are " + std::to_string(kMaxListeners) + " listeners to events already: come again later");
  }
  auto events = std::make_shared<EventStream>(events_, board_, stream, call.header("Last-Event-ID"));
  return {.type = "text/event-stream", .next_piece = [place, events] { return events->next_piece(); }};
}

}  // namespace accrue::daemon::http
