// The client when something goes wrong: connections and daemons come and go, the daemon refuses.
#include "tests/client/client_fixture.hpp"

namespace accrue::test {
namespace {

class Recovery : public ClientTest {
 protected:
  wire::Error error(wire::ErrorCode code, const std::string& about = "s") const {
    return {.request = 0, .code = code, .about = about, .text = "because"};
  }
};

TEST_F(Recovery, ADaemonThatForgotEverythingGetsAgainExactlyWhatIsNotAccepted) {
  Client client(options());
  Stream stream = open(client);
  for (int i = 1; i <= 5; ++i) stream.push({1.0 * i}, 0);
  for (unsigned i = 1; i <= 5; ++i) expect_batch(i, {1.0 * i, 0});
  daemon.ingest.send(error(wire::ErrorCode::kNoSession, ""));
  daemon.welcome();
  EXPECT_EQ(daemon.ingest.expect<wire::Open>().spec, std::nullopt) << "it is known to exist";
  daemon.ingest.send(opened(3, 2));
  expect_batch(4, {4, 0});
  expect_batch(5, {5, 0});
  daemon.ingest.expect_only_heartbeats();
  EXPECT_EQ(stream.progress().durable_rows, 2u);

  daemon.ingest.send(error(wire::ErrorCode::kNoSession, ""));  // and what was accepted may be lost after all
  reopen(opened(2, 2));
  expect_batch(3, {3, 0});
  expect_batch(4, {4, 0});
  expect_batch(5, {5, 0});
}

TEST_F(Recovery, RowsPushedWhileTheDaemonIsAwayArriveWhenItIsBack) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  expect_batch(1, {1, 0});
  daemon.ingest.close();
  stream.push({2}, 0);
  auto flushed = flush(stream);
  daemon.ingest.bind_again();
  reopen(opened(0, 0));
  expect_batch(1, {1, 0});
  expect_batch(2, {2, 0});
  daemon.ingest.expect<wire::Flush>();
  acknowledge(2);
  EXPECT_EQ(flushed.get().durable_rows, 2u);
}

TEST_F(Recovery, NothingMeantForAConnectionGivenUpIsSaidOnTheNext) {
  Client client(options());
  Stream stream = open(client);
  daemon.ingest.close();
  stream.push({1}, 0);  // there is no connection to take it
  constexpr std::chrono::milliseconds kGivenUp(4'000);
  EXPECT_THAT(error_of([&] { stream.flush(kGivenUp); }), is_error(Error::Kind::kTimeout, "is it running?"));
  daemon.ingest.bind_again();
  daemon.ingest.expect_first<wire::Hello>();
}

TEST_F(Recovery, AFlushIsAskedForAgainOnANewConnection) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  auto flushed = flush(stream);
  expect_batch(1, {1, 0});
  daemon.ingest.expect<wire::Flush>();
  daemon.ingest.send(error(wire::ErrorCode::kNoSession, ""));
  reopen(opened(1, 0));
  daemon.ingest.expect<wire::Flush>();
  acknowledge(1);
  EXPECT_EQ(flushed.get().durable_rows, 1u);
}

TEST_F(Recovery, ABatchThatIsMissingIsSentAgainWithAllAfterIt) {
  for (const auto code : {wire::ErrorCode::kSequenceGap, wire::ErrorCode::kOverWindow}) {
    Client client(options());
    Stream stream = open(client);
    for (int i = 1; i <= 3; ++i) stream.push({1.0 * i}, 0);
    for (unsigned i = 1; i <= 3; ++i) expect_batch(i, {1.0 * i, 0});
    daemon.ingest.send(error(code));
    daemon.ingest.send(error(code));  // one for each batch after the gap
    daemon.ingest.expect<wire::Open>();
    daemon.ingest.send(opened(1, 1));
    expect_batch(2, {2, 0});
    expect_batch(3, {3, 0});
    daemon.ingest.expect_only_heartbeats();
  }
}

TEST_F(Recovery, AStreamThatIsNotTheSameAnyMoreFailsInsteadOfLosingRows) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  expect_batch(1, {1, 0});
  daemon.ingest.send(error(wire::ErrorCode::kNoSession, ""));
  wire::Opened other = opened(0, 0);
  other.stream_id = kStreamId + 1;
  auto flushed = flush(stream);
  reopen(other);
  EXPECT_THAT(error_of([&] { flushed.get(); }), is_error(Error::Kind::kRefused, "dropped and made anew"));
  EXPECT_THAT(error_of([&] { stream.push({1}, 0); }), is_error(Error::Kind::kRefused, "dropped and made anew"));

  auto again = std::async(std::launch::async, [&] { return client.stream("s"); });
  daemon.ingest.expect<wire::Open>();
  daemon.ingest.send(other);
  again.get().push({2}, 0);
  EXPECT_EQ(daemon.ingest.expect<wire::Batch>().sequence, 1u);
}

TEST_F(Recovery, AStreamThatHasLessThanWasDurableFailsAndIsOpenedAgainFromThere) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  auto flushed = flush(stream);
  expect_batch(1, {1, 0});
  daemon.ingest.expect<wire::Flush>();
  acknowledge(1);
  flushed.get();
  daemon.ingest.send(error(wire::ErrorCode::kNoSession, ""));
  stream.push({2}, 0);
  auto failing = flush(stream);
  reopen(opened(0, 0));
  EXPECT_THAT(error_of([&] { failing.get(); }),
              is_error(Error::Kind::kRefused, "(it has 0, had 1): was the stream rolled back, or an older copy"));

  auto again = std::async(std::launch::async, [&] { return client.stream("s"); });
  daemon.ingest.expect<wire::Open>();
  daemon.ingest.send(opened(0, 0));
  again.get().push({1}, 0);
  expect_batch(1, {1, 0});
}

TEST_F(Recovery, ASupersededClientFailsForGood) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  expect_batch(1, {1, 0});
  auto flushed = flush(stream);
  daemon.ingest.send(error(wire::ErrorCode::kSuperseded, ""));
  EXPECT_THAT(error_of([&] { flushed.get(); }), is_error(Error::Kind::kRefused, "taken over the producer name"));
  EXPECT_THAT(error_of([&] { stream.push({1}, 0); }), is_error(Error::Kind::kRefused, "taken over"));
  EXPECT_THAT(error_of([&] { client.stream("other"); }), is_error(Error::Kind::kRefused, "taken over"));
  EXPECT_THAT(error_of([&] { client.status(); }), is_error(Error::Kind::kRefused, "taken over"));
}

TEST_F(Recovery, APeerThatSpeaksSomethingElseIsNamed) {
  Client client(options());
  auto opening = std::async(std::launch::async, [&] { return client.stream("s"); });
  daemon.welcome();
  daemon.ingest.send_bytes(std::vector<std::byte>(3));
  EXPECT_THAT(error_of([&] { opening.get(); }), is_error(Error::Kind::kRefused, "does not speak this version"));
}

TEST_F(Recovery, RefusalsToOpenHaveTheirKind) {
  Client client(options());
  daemon.welcome();
  const std::pair<wire::ErrorCode, Error::Kind> cases[] = {
      {wire::ErrorCode::kUnknownStream, Error::Kind::kUnknownStream},
      {wire::ErrorCode::kSpecMismatch, Error::Kind::kSpecMismatch},
      {wire::ErrorCode::kBadSpec, Error::Kind::kInvalid},
      {wire::ErrorCode::kTooMany, Error::Kind::kRefused},
  };
  for (const auto& [code, kind] : cases) {
    auto opening = std::async(std::launch::async, [&] { return client.stream("s"); });
    daemon.ingest.expect<wire::Open>();
    daemon.ingest.send(error(code));
    EXPECT_THAT(error_of([&] { opening.get(); }), is_error(kind, "stream 's': because"));
  }
}

TEST_F(Recovery, BadNamesAndSpecificationsAreRefusedWithoutAsking) {
  Client client(options());
  EXPECT_THAT(error_of([&] { client.stream("a b"); }), is_error(Error::Kind::kInvalid, "stream name"));
  EXPECT_THAT(error_of([&] { client.stream("s", {}); }), is_error(Error::Kind::kInvalid, "at least one feature"));
  EXPECT_THAT(error_of([&] { Client({.endpoint = "nonsense"}); }), is_error(Error::Kind::kInvalid, "nonsense"));
  EXPECT_THAT(error_of([&] { Client({.batch_rows = 0}); }), is_error(Error::Kind::kInvalid, "batch_rows"));
}

TEST_F(Recovery, OneClientHasOneSpecificationOfAStream) {
  Client client(options());
  Stream stream = open(client);
  EXPECT_EQ(client.stream("s", spec()).name(), "s");
  StreamSpec other = spec();
  other.ridge = 1;
  EXPECT_THAT(error_of([&] { client.stream("s", other); }), is_error(Error::Kind::kSpecMismatch, "ridge"));
}

TEST_F(Recovery, ATimeoutSaysThatNobodyAnswers) {
  ClientOptions options = this->options();
  options.timeout = std::chrono::milliseconds(20);
  Client client(options);
  EXPECT_THAT(error_of([&] { client.stream("s"); }), is_error(Error::Kind::kTimeout, "is it running?"));
}

TEST_F(Recovery, AStreamThatCouldNotBeMadeIsAskedForAgain) {
  Client client(options());
  auto stream = std::async(std::launch::async, [&] { return client.stream("s", spec()); });
  daemon.welcome();
  daemon.ingest.expect<wire::Open>();
  daemon.ingest.send(error(wire::ErrorCode::kStoreFailed));
  EXPECT_TRUE(daemon.ingest.expect<wire::Open>().spec.has_value());
  daemon.ingest.send(opened(0, 0));
  EXPECT_NO_THROW(stream.get());
}

TEST_F(Recovery, ATimeoutGivesTheReasonTheDaemonGaveLast) {
  Client client(options());
  Stream stream = open(client);
  daemon.ingest.send(error(wire::ErrorCode::kStoreFailed));
  stream.push({1}, 0);
  daemon.ingest.expect<wire::Batch>();
  daemon.ingest.expect_only_heartbeats();
  EXPECT_THAT(error_of([&] { stream.flush(std::chrono::milliseconds(1)); }),
              is_error(Error::Kind::kTimeout, "accrued says: because"));
}

TEST_F(Recovery, DroppingEndsTheStreamHereToo) {
  Client client(options());
  Stream stream = open(client);
  auto dropped = std::async(std::launch::async, [&] { client.drop("s"); });
  EXPECT_EQ(daemon.ingest.expect<wire::Drop>().stream, "s");
  daemon.ingest.send(wire::Dropped{.stream = "s"});
  dropped.get();
  EXPECT_THAT(error_of([&] { stream.push({1}, 0); }), is_error(Error::Kind::kUnknownStream, "was dropped"));
}

TEST_F(Recovery, ADropWhoseAnswerWasLostIsDone) {
  Client client(options());
  daemon.welcome();
  auto dropped = std::async(std::launch::async, [&] { client.drop("s"); });
  daemon.ingest.expect<wire::Drop>();
  daemon.ingest.send(error(wire::ErrorCode::kNoSession, ""));
  daemon.welcome();
  daemon.ingest.expect<wire::Drop>();
  daemon.ingest.send(error(wire::ErrorCode::kUnknownStream));
  dropped.get();

  dropped = std::async(std::launch::async, [&] { client.drop("s"); });
  daemon.ingest.expect<wire::Drop>();
  daemon.ingest.send(error(wire::ErrorCode::kUnknownStream));
  EXPECT_THAT(error_of([&] { dropped.get(); }), is_error(Error::Kind::kUnknownStream, "because"));
}

TEST_F(Recovery, AClientEndsAtOnceWhetherOrNotAnybodyListens) {
  daemon.ingest.close();
  Client client(options());
}

TEST_F(Recovery, AClientEndsWithRowsThatNobodyTook) {
  Client client(options());
  Stream stream = open(client, opened(0, 0, 1'000));
  for (int i = 0; i < 100; ++i) stream.push({1}, 0);
  daemon.ingest.close();
}

}  // namespace
}  // namespace accrue::test
