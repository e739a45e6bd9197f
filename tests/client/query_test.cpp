// Questions to the query socket.
#include <limits>

#include "client/src/convert.hpp"
#include "tests/client/client_fixture.hpp"

namespace accrue::test {
namespace {

class Queries : public ClientTest {
 protected:
  static wire::Prediction prediction(std::uint64_t request, const std::vector<double>& values) {
    return {.request = request, .epoch = 3, .rows = 10, .values = std::as_bytes(std::span(values))};
  }
};

TEST_F(Queries, APredictionNamesItsEpoch) {
  Client client(options());
  Stream stream = open(client);
  auto predicted = std::async(std::launch::async, [&] { return stream.predict({1, 2}); });
  const auto question = daemon.queries.expect<wire::Predict>();
  EXPECT_EQ(question.stream, "s");
  EXPECT_EQ(question.count, 2u);
  EXPECT_EQ(values_of(question.rows), (std::vector<double>{1, 2}));
  daemon.queries.send(prediction(question.request, {0.5, 0.25}));
  const Prediction answer = predicted.get();
  EXPECT_EQ(answer.epoch, 3u);
  EXPECT_EQ(answer.rows, 10u);
  EXPECT_EQ(answer.values, (std::vector<double>{0.5, 0.25}));
}

TEST_F(Queries, AQuestionNamesTheEpochItIsAskedOf) {
  Client client(options());
  Stream stream = open(client);
  auto predicted = std::async(std::launch::async, [&] { return stream.predict({1}, 3); });
  auto prediction_question = daemon.queries.expect<wire::Predict>();
  EXPECT_EQ(prediction_question.epoch, 3u);
  daemon.queries.send(prediction(prediction_question.request, {2}));
  predicted.get();

  auto coef = std::async(std::launch::async, [&] { return stream.coef(3); });
  const auto question = daemon.queries.expect<wire::GetCoef>();
  EXPECT_EQ(question.epoch, 3u);
  daemon.queries.send(wire::Error{
      .request = question.request, .code = wire::ErrorCode::kUnknownEpoch, .about = "s", .text = "those kept are"});
  EXPECT_THAT(error_of([&] { coef.get(); }), is_error(Error::Kind::kUnknownEpoch, "those kept are"));

  predicted = std::async(std::launch::async, [&] { return stream.predict({1}); });
  prediction_question = daemon.queries.expect<wire::Predict>();
  EXPECT_EQ(prediction_question.epoch, std::nullopt);
  daemon.queries.send(prediction(prediction_question.request, {2}));
  predicted.get();
}

TEST_F(Queries, EpochsComeAsTheyAre) {
  Client client(options());
  Stream stream = open(client);
  auto epochs = std::async(std::launch::async, [&] { return stream.epochs(); });
  const auto question = daemon.queries.expect<wire::GetEpochs>();
  EXPECT_EQ(question.stream, "s");
  wire::Epochs reply;
  reply.request = question.request;
  reply.kept = 7;
  reply.epochs = {{.epoch = 5, .rows = 9, .committed_unix_ms = 1'500, .mse = 0.5, .mse_clipped = std::nullopt},
                  {.epoch = 2,
                   .rows = 1,
                   .committed_unix_ms = std::numeric_limits<std::uint64_t>::max(),
                   .mse = std::nullopt,
                   .mse_clipped = 0.25}};
  daemon.queries.send(reply);
  const KeptEpochs answer = epochs.get();
  EXPECT_EQ(answer.kept, 7u);
  ASSERT_EQ(answer.epochs.size(), 2u);
  EXPECT_EQ(answer.epochs[0].epoch, 5u);
  EXPECT_EQ(answer.epochs[0].rows, 9u);
  EXPECT_EQ(answer.epochs[0].committed.time_since_epoch(), std::chrono::milliseconds(1'500));
  EXPECT_EQ(answer.epochs[0].mse, 0.5);
  EXPECT_EQ(answer.epochs[0].mse_clipped, std::nullopt);
  EXPECT_GT(answer.epochs[1].committed, answer.epochs[0].committed) << "a time beyond the clock's is its last";
  EXPECT_EQ(answer.epochs[1].mse_clipped, 0.25);
}

TEST_F(Queries, AnswersToEarlierQuestionsArePassedOver) {
  Client client(options());
  Stream stream = open(client);
  auto predicted = std::async(std::launch::async, [&] { return stream.predict({1}); });
  const auto question = daemon.queries.expect<wire::Predict>();
  daemon.queries.send(prediction(question.request + 1, {1}));
  daemon.queries.send(wire::Error{
      .request = question.request + 1, .code = wire::ErrorCode::kNoModelYet, .about = "s", .text = "another's"});
  daemon.queries.send(prediction(question.request, {2}));
  EXPECT_EQ(predicted.get().values, std::vector<double>{2});
}

TEST_F(Queries, AQuestionIsAskedAgainUntilItIsAnswered) {
  Client client(options());
  Stream stream = open(client);
  auto predicted = std::async(std::launch::async, [&] { return stream.predict({1}); });
  const auto first = daemon.queries.expect<wire::Predict>();
  const auto second = daemon.queries.expect<wire::Predict>();
  EXPECT_EQ(second.request, first.request);
  daemon.queries.send(prediction(first.request, {2}));
  EXPECT_EQ(predicted.get().values, std::vector<double>{2});
}

TEST_F(Queries, AfterANewGreetingQuestionsGoToTheNewPlace) {
  ClientOptions options = this->options();
  options.timeout = std::chrono::milliseconds(2'500);  // before the old place would be given up for its silence
  Client client(options);
  Stream stream = open(client);
  auto predicted = std::async(std::launch::async, [&] { return stream.predict({1}); });
  daemon.queries.send(prediction(daemon.queries.expect<wire::Predict>().request, {1}));
  predicted.get();

  ScriptedRouter elsewhere;
  daemon.ingest.send(wire::Error{.request = 0, .code = wire::ErrorCode::kNoSession, .about = "", .text = ""});
  daemon.ingest.expect_newcomer();
  daemon.ingest.send(
      wire::Welcome{.version = "test", .query_endpoint = elsewhere.endpoint(), .max_message_bytes = 1'048'576});
  daemon.ingest.expect<wire::Open>();  // so the greeting has been heard
  auto metrics = std::async(std::launch::async, [&] { return stream.metrics(); });
  const auto question = elsewhere.expect<wire::GetMetrics>();
  wire::Metrics reply;
  reply.request = question.request;
  reply.model = "m";
  reply.mse = 0.5;
  elsewhere.send(reply);
  const Metrics answer = metrics.get();
  EXPECT_EQ(answer.model, "m");
  EXPECT_EQ(answer.mse, 0.5);
  EXPECT_EQ(answer.mae, std::nullopt);
}

TEST_F(Queries, RefusalsHaveTheirKind) {
  Client client(options());
  Stream stream = open(client);
  const std::pair<wire::ErrorCode, Error::Kind> cases[] = {
      {wire::ErrorCode::kUnknownStream, Error::Kind::kUnknownStream},
      {wire::ErrorCode::kNoModelYet, Error::Kind::kNoModelYet},
      {wire::ErrorCode::kBadRows, Error::Kind::kInvalid},
      {wire::ErrorCode::kMalformed, Error::Kind::kRefused},
  };
  for (const auto& [code, kind] : cases) {
    auto answer = std::async(std::launch::async, [&] { return stream.coef(); });
    const auto question = daemon.queries.expect<wire::GetCoef>();
    daemon.queries.send(wire::Error{.request = question.request, .code = code, .about = "s", .text = "because"});
    EXPECT_THAT(error_of([&] { answer.get(); }), is_error(kind, "because"));
  }
}

TEST_F(Queries, RowsThatAreNotWholeAreRefused) {
  Client client(options());
  wire::Opened two = opened(0, 0);
  two.spec.features = {"x", "z"};
  Stream stream = [&] {
    auto opening = std::async(std::launch::async, [&] { return client.stream("s"); });
    reopen(two);
    return opening.get();
  }();
  EXPECT_THAT(error_of([&] { stream.predict({1, 2, 3}); }), is_error(Error::Kind::kInvalid, "not whole rows"));
  EXPECT_THAT(error_of([&] { stream.predict({}); }), is_error(Error::Kind::kInvalid, "no rows"));
}

TEST_F(Queries, MoreRowsThanTheDaemonTakesAreRefused) {
  daemon.max_message_bytes = 1'000;
  Client client(options());
  Stream stream = open(client);
  EXPECT_THAT(error_of([&] { stream.predict(std::vector<double>(125)); }),
              is_error(Error::Kind::kInvalid, "ask in parts"));
}

TEST_F(Queries, AStreamThatIsNotOpenIsPredictedByItsStatus) {
  Client client(options());
  daemon.welcome();
  auto predicted = std::async(std::launch::async, [&] { return client.predict("s", std::vector<double>{1, 2}); });
  wire::Status status;
  wire::StreamStatus& stream = status.streams.emplace_back();
  stream.name = "s";
  stream.spec = opened(0, 0).spec;
  status.request = daemon.queries.expect<wire::GetStatus>().request;
  daemon.queries.send(status);
  auto question = daemon.queries.expect<wire::Predict>();
  EXPECT_EQ(question.count, 2u);
  daemon.queries.send(prediction(question.request, {3, 4}));
  EXPECT_EQ(predicted.get().values, (std::vector<double>{3, 4}));

  predicted = std::async(std::launch::async, [&] { return client.predict("s", std::vector<double>{1, 2}); });
  question = daemon.queries.expect<wire::Predict>();
  daemon.queries.send(wire::Error{
      .request = question.request, .code = wire::ErrorCode::kBadRows, .about = "s", .text = "made anew with two"});
  stream.spec.features = {"x", "z"};
  status.request = daemon.queries.expect<wire::GetStatus>().request;
  daemon.queries.send(status);
  question = daemon.queries.expect<wire::Predict>();
  EXPECT_EQ(question.count, 1u);
  daemon.queries.send(prediction(question.request, {5}));
  EXPECT_EQ(predicted.get().values, std::vector<double>{5});
}

TEST_F(Queries, CoefficientsComeAsTheyAre) {
  Client client(options());
  Stream stream = open(client);
  auto coef = std::async(std::launch::async, [&] { return stream.coef(); });
  const auto question = daemon.queries.expect<wire::GetCoef>();
  daemon.queries.send(wire::Coef{.request = question.request,
                                 .model = "m",
                                 .epoch = 2,
                                 .rows = 9,
                                 .names = {"x"},
                                 .intercept = wire::Estimate{.estimate = 1, .std_error = 0.5, .t = 2},
                                 .coefficients = {{.estimate = 3, .std_error = std::nullopt, .t = std::nullopt}},
                                 .residual_std = 0.125,
                                 .r2 = std::nullopt,
                                 .rank = 2,
                                 .condition = 8});
  const Coefficients answer = coef.get();
  EXPECT_EQ(answer.names, std::vector<std::string>{"x"});
  EXPECT_EQ(answer.intercept->t, 2);
  EXPECT_EQ(answer.coefficients.at(0).estimate, 3);
  EXPECT_EQ(answer.coefficients.at(0).std_error, std::nullopt);
  EXPECT_EQ(answer.residual_std, 0.125);
  EXPECT_EQ(answer.rank, 2u);
  EXPECT_EQ(answer.condition, 8);
}

TEST(QueryEndpoint, TakesTheHostOfTheClientsOwnForTcp) {
  EXPECT_EQ(client::query_endpoint("tcp://far.example:7700", "tcp://0.0.0.0:7701"), "tcp://far.example:7701");
  EXPECT_EQ(client::query_endpoint("tcp://[::1]:7700", "tcp://[::]:7701"), "tcp://[::1]:7701");
  EXPECT_EQ(client::query_endpoint("ipc:///run/a", "ipc:///run/b"), "ipc:///run/b");
}

TEST(DefaultEndpoint, IsTheEnvironmentsIfSet) {
  unsetenv("ACCRUE_ENDPOINT");
  EXPECT_EQ(default_endpoint(), "tcp://127.0.0.1:7700");
  setenv("ACCRUE_ENDPOINT", "tcp://10.0.0.1:1", 1);
  EXPECT_EQ(default_endpoint(), "tcp://10.0.0.1:1");
  unsetenv("ACCRUE_ENDPOINT");
}

}  // namespace
}  // namespace accrue::test
