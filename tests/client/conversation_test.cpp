// tests/golden/conversation: what a Session says and does, step by step. The Python client follows the same files
// (tests/client/python/test_conversations.py), so the two batch, acknowledge, send again and give credit alike, to the
// byte. A step is an object; `at_ms` in any is the time from there on. It does something:
//
//   do: restart | ping_now
//   do: open          stream, spec (to create it with) or none; refused: the error that it must throw
//   do: push          stream, rows, type (float64 or float32)
//   do: push_sparse   stream, rows of columns, values, target, and weight or none
//   do: flush         stream
//   do: drop | rollback | add_model | drop_model | promote_model   stream, and epoch or model; name, for what follows
//   do: give_up       name
//   hears: FRAME
//
// or says what is to be seen:
//
//   says: FRAMES                  collect() at that time; all of them, in order
//   goodbye: FRAME or null
//   deadline_ms: MS, "never" or "at once"
//   lost: bool
//   open_streams: names           that have the phase kOpen
//   reports: {stream: FlushReport}
//   flushed: {stream: whether the last flush is done}
//   kept_bytes: BYTES
//   done: {name: new epoch}       the orders that are done, and no others
//   failures: {name: {kind, text}}   of streams, orders and "session"; and no others
//   trouble: TEXT
//
// A FRAME is the message's name and its bytes. To write a conversation down, leave says empty and copy what was said.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "client/src/convert.hpp"
#include "client/src/session.hpp"

namespace accrue::client {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr Clock::time_point kStart{std::chrono::hours(1)};

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder = std::filesystem::path(ACCRUE_SOURCE_DIR) / "tests/golden/conversation";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

wire::Bytes bytes_of(const std::string& frame) {
  std::istringstream words(frame);
  std::string word;
  words >> word;  // the message's name
  wire::Bytes bytes;
  while (words >> word) bytes.push_back(static_cast<std::byte>(std::stoi(word, nullptr, 16)));
  return bytes;
}

std::string name_of(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::kTimeout: return "Timeout";
    case Error::Kind::kInvalid: return "Invalid";
    case Error::Kind::kUnknownStream: return "UnknownStream";
    case Error::Kind::kSpecMismatch: return "SpecMismatch";
    case Error::Kind::kNoModelYet: return "NoModelYet";
    case Error::Kind::kUnknownEpoch: return "UnknownEpoch";
    case Error::Kind::kUnknownModel: return "UnknownModel";
    case Error::Kind::kRolledBack: return "RolledBack";
    case Error::Kind::kRefused: return "Refused";
  }
  return "";
}

Json described(const Error& error) { return {{"kind", name_of(error.kind())}, {"text", error.what()}}; }

wire::ModelSpec model_of(const Json& told) {
  wire::ModelSpec model{.name = told.at("name"), .learner = told.value("learner", "least_squares")};
  const Json settings = told.value("settings", Json::object());
  for (const auto& [key, value] : settings.items()) model.settings.push_back({.key = key, .value = value});
  return model;
}

wire::StreamSpec spec_of(const Json& told) {
  wire::StreamSpec spec;
  spec.features = told.value("features", spec.features);
  spec.target = told.at("target");
  spec.weighted = told.value("weighted", spec.weighted);
  spec.key = told.value("key", spec.key);
  spec.intercept = told.value("intercept", spec.intercept);
  spec.ridge = told.value("ridge", spec.ridge);
  spec.partitions = told.value("partitions", spec.partitions);
  spec.partition_by = *wire::partition_by_named(told.value("partition_by", "round_robin"));
  spec.time = told.value("time", spec.time);
  const Json models = told.value("models", Json::array());
  for (const Json& model : models) spec.models.push_back(model_of(model));
  spec.dimension = told.value("dimension", spec.dimension);
  return spec;
}

class Conversation {
 public:
  explicit Conversation(const Json& options)
      : session_({.endpoint = "tcp://here:1",
                  .producer = options.at("producer"),
                  .ephemeral = options.at("ephemeral"),
                  .batch_rows = options.at("batch_rows"),
                  .batch_linger = milliseconds(options.at("batch_linger_ms").get<int>())}) {}

  void follow(const Json& step) {
    if (step.contains("at_ms")) now_ = kStart + milliseconds(step["at_ms"].get<int>());
    if (step.contains("do")) return act(step);
    if (step.contains("hears")) return session_.receive(bytes_of(step["hears"]), now_);
    see(step);
  }

 private:
  // ---- what is done ----

  void act(const Json& step) {
    const std::string what = step["do"];
    if (what == "restart") return session_.restart(now_);
    if (what == "ping_now") return session_.ping_now();
    if (what == "give_up") return give_up(step.at("name"));
    const std::string stream = step.at("stream");
    if (what == "open") return open(stream, step);
    if (what == "push") return push(stream, step);
    if (what == "push_sparse") return push_sparse(stream, step.at("rows"));
    if (what == "flush") {
      flushes_[stream] = channels_.at(stream)->outbound->request_flush();
    } else if (what == "drop") {
      drops_[step.at("name")] = session_.drop(stream);
    } else {
      requests_[step.at("name")] = session_.ask(stream, request_of(what, stream, step));
    }
  }

  void open(const std::string& stream, const Json& step) {
    std::optional<wire::StreamSpec> spec;
    if (step.contains("spec")) spec = spec_of(step["spec"]);
    try {
      channels_[stream] = session_.open(stream, spec);
      EXPECT_FALSE(step.contains("refused"));
    } catch (const Error& error) {
      EXPECT_EQ(described(error), step.value("refused", Json()));
    }
  }

  void push(const std::string& stream, const Json& step) {
    Channel& channel = *channels_.at(stream);
    if (step.at("type") == "float32") {
      session_.append(channel, values_of<float>(step.at("rows")), now_);
    } else {
      session_.append(channel, values_of<double>(step.at("rows")), now_);
    }
  }

  template <class Real>
  static std::vector<Real> values_of(const Json& rows) {
    std::vector<Real> values;
    for (const Json& row : rows) {
      for (const Json& value : row) values.push_back(value);
    }
    return values;
  }

  void push_sparse(const std::string& stream, const Json& rows) {
    for (const Json& row : rows) {
      const std::vector<std::uint32_t> columns = row.at("columns");
      const std::vector<double> values = row.at("values");
      const SparseRow sparse{columns, values, row.at("target"), row.value("weight", 1.0)};
      session_.append(*channels_.at(stream), sparse, now_);
    }
  }

  static Request::What request_of(const std::string& what, const std::string& stream, const Json& step) {
    if (what == "rollback") return wire::Rollback{.stream = stream, .epoch = step.at("epoch")};
    if (what == "add_model") return wire::AddModel{.stream = stream, .model = model_of(step.at("model"))};
    if (what == "drop_model") return wire::DropModel{.stream = stream, .model = step.at("model")};
    if (what == "promote_model") return wire::PromoteModel{.stream = stream, .model = step.at("model")};
    throw std::runtime_error("there is nothing like '" + what + "' to do");
  }

  void give_up(const std::string& name) {
    drops_.erase(name);
    requests_.erase(name);
  }

  // ---- what is to be seen ----

  void see(const Json& step) {
    auto what = step.begin();
    if (what.key() == "at_ms") ++what;
    const std::string& kind = what.key();
    const Json& wanted = what.value();
    if (kind == "says") return hear(wanted);
    if (kind == "goodbye") {
      const auto frame = session_.goodbye();
      EXPECT_EQ(frame ? **frame : wire::Bytes(), wanted.is_null() ? wire::Bytes() : bytes_of(wanted));
    } else {
      EXPECT_EQ(seen(kind, wanted), wanted);
    }
  }

  void hear(const Json& wanted) {
    std::deque<SharedFrame> frames;
    session_.collect(now_, frames);
    std::vector<wire::Bytes> said;
    std::vector<wire::Bytes> expected;
    for (const SharedFrame& frame : frames) said.push_back(*frame);
    for (const Json& frame : wanted) expected.push_back(bytes_of(frame));
    EXPECT_EQ(said, expected);
  }

  // What is told of in the same words as what is wanted.
  Json seen(const std::string& kind, const Json& wanted) const {
    if (kind == "deadline_ms") return deadline();
    if (kind == "lost") return session_.lost(now_);
    if (kind == "kept_bytes") return session_.kept_bytes();
    if (kind == "trouble") return session_.trouble();
    if (kind == "open_streams") return open_streams();
    if (kind == "done") return done();
    if (kind == "failures") return failures();
    Json each = Json::object();
    for (const auto& [stream, unused] : wanted.items()) {
      const Outbound& outbound = *channels_.at(stream)->outbound;
      if (kind == "flushed") each[stream] = outbound.is_durable(flushes_.at(stream));
      if (kind == "reports") {
        each[stream] = {{"durable_rows", outbound.report().durable_rows},
                        {"rejected_rows", outbound.report().rejected_rows},
                        {"first_rejection", outbound.report().first_rejection}};
      }
    }
    return each;
  }

  Json deadline() const {
    const Clock::time_point deadline = session_.deadline();
    if (deadline == Clock::time_point::max()) return "never";
    if (deadline == Clock::time_point::min()) return "at once";
    return std::chrono::duration_cast<milliseconds>(deadline - kStart).count();
  }

  Json open_streams() const {
    Json names = Json::array();
    for (const auto& [name, channel] : channels_) {
      if (channel->phase == Channel::Phase::kOpen) names.push_back(name);
    }
    return names;
  }

  Json done() const {
    Json epochs = Json::object();
    for (const auto& [name, drop] : drops_) {
      if (drop->done) epochs[name] = 0;
    }
    for (const auto& [name, request] : requests_) {
      if (request->done) epochs[name] = request->new_epoch;
    }
    return epochs;
  }

  Json failures() const {
    Json failures = Json::object();
    const auto look = [&](const std::string& name, const std::optional<Error>& failure) {
      if (failure) failures[name] = described(*failure);
    };
    for (const auto& [name, channel] : channels_) look(name, channel->failure);
    for (const auto& [name, drop] : drops_) look(name, drop->failure);
    for (const auto& [name, request] : requests_) look(name, request->failure);
    look("session", session_.failure());
    return failures;
  }

  Session session_;
  Clock::time_point now_ = kStart;
  std::map<std::string, std::shared_ptr<Channel>> channels_;
  std::map<std::string, std::shared_ptr<Drop>> drops_;
  std::map<std::string, std::shared_ptr<Request>> requests_;
  std::map<std::string, std::uint64_t> flushes_;
};

class ConversationTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ConversationTest, TheSessionFollows) {
  std::ifstream file(GetParam());
  const Json told = Json::parse(file);
  Conversation conversation(told.at("options"));
  int number = 0;
  for (const Json& step : told.at("steps")) {
    SCOPED_TRACE("step " + std::to_string(++number) + ": " + step.dump().substr(0, 200));
    conversation.follow(step);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, ConversationTest, testing::ValuesIn(golden_files()),
                         [](const auto& test) { return test.param.stem().string(); });

}  // namespace
}  // namespace accrue::client
