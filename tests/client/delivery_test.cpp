// The client on a good connection: what is pushed arrives once and in order, within the credit, and is reported.
#include <thread>

#include "tests/client/client_fixture.hpp"

namespace accrue::test {
namespace {

class Delivery : public ClientTest {};

TEST_F(Delivery, IntroducesItselfAndSendsTheSpecification) {
  Client client({.endpoint = daemon.ingest.endpoint(), .producer = "me"});
  auto stream = std::async(std::launch::async, [&] { return client.stream("s", spec()); });
  const wire::Hello hello = daemon.welcome();
  EXPECT_EQ(hello.producer, "me");
  EXPECT_FALSE(hello.ephemeral);
  const auto open = daemon.ingest.expect<wire::Open>();
  EXPECT_EQ(open.stream, "s");
  EXPECT_EQ(open.spec, opened(0, 0).spec);
  daemon.ingest.send(opened(0, 0));
  EXPECT_EQ(stream.get().spec(), spec());
}

TEST_F(Delivery, AClientWithoutANameIsEphemeralAndLikeNoOther) {
  Client one(options());
  const wire::Hello first = daemon.welcome();
  Client two(options());
  const wire::Hello second = daemon.welcome();
  EXPECT_TRUE(first.ephemeral && second.ephemeral);
  EXPECT_NE(first.producer, second.producer);
}

TEST_F(Delivery, BatchesArriveOnceAndInOrder) {
  Client client(options());
  Stream stream = open(client);
  for (int i = 1; i <= 100; ++i) stream.push({1.0 * i}, 2.0 * i);
  for (unsigned i = 1; i <= 100; ++i) expect_batch(i, {1.0 * i, 2.0 * i});
  daemon.ingest.expect_only_heartbeats();
}

TEST_F(Delivery, FullBatchesAreCutFromRowsPushedTogether) {
  ClientOptions options = this->options();
  options.batch_rows = 2;
  options.batch_linger_ms = 1'000'000;
  Client client(options);
  Stream stream = open(client);
  stream.push_rows(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  expect_batch(1, {1, 2, 3, 4});
  expect_batch(2, {5, 6, 7, 8});
  daemon.ingest.expect_only_heartbeats();
  auto flushed = flush(stream);
  expect_batch(3, {9, 10});
  daemon.ingest.expect<wire::Flush>();
  acknowledge(3);
  EXPECT_EQ(flushed.get().durable_rows, 5u);
}

// An idle client that has just pinged sleeps for seconds, unless it hears something or has something to say.
TEST_F(Delivery, ARowWakesAnIdleClient) {
  for (const std::size_t batch_rows : {std::size_t{1}, std::size_t{1'000}}) {  // by a full batch, by its linger
    ClientOptions options = this->options();
    options.batch_rows = batch_rows;
    Client client(options);
    Stream stream = open(client);
    daemon.ingest.expect_first<wire::Ping>();
    stream.push({1}, 2);
    EXPECT_EQ(daemon.ingest.expect_first<wire::Batch>().sequence, 1u);
  }
}

TEST_F(Delivery, ANamedProducerGoesOnAfterWhatItSentBefore) {
  Client client(options());
  Stream stream = open(client, opened(7, 7));
  stream.push({1}, 2);
  expect_batch(8, {1, 2});
}

TEST_F(Delivery, ANamedProducerWaitsForItsFormerBatchesToBecomeDurable) {
  Client client(options());
  auto opening = std::async(std::launch::async, [&] { return client.stream("s"); });
  daemon.welcome();
  daemon.ingest.expect<wire::Open>();
  daemon.ingest.send(opened(7, 5));
  daemon.ingest.expect_only_heartbeats();
  EXPECT_EQ(opening.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  acknowledge(7);
  Stream stream = opening.get();
  stream.push({1}, 2);
  expect_batch(8, {1, 2});
}

TEST_F(Delivery, TheWindowIsRespected) {
  Client client(options());
  Stream stream = open(client, opened(0, 0, 2 * frame_bytes(1)));
  for (int i = 1; i <= 4; ++i) stream.push({1.0 * i}, 0);
  expect_batch(1, {1, 0});
  expect_batch(2, {2, 0});
  daemon.ingest.expect_only_heartbeats();
  acknowledge(1, 2 * frame_bytes(1));
  expect_batch(3, {3, 0});
  daemon.ingest.expect_only_heartbeats();
  acknowledge(3, 2 * frame_bytes(1));
  expect_batch(4, {4, 0});
}

TEST_F(Delivery, BatchesAreNeverLargerThanTheDaemonTakes) {
  daemon.max_message_bytes = frame_bytes(3);
  ClientOptions options = this->options();
  options.batch_rows = 1'000;
  Client client(options);
  Stream stream = open(client);
  stream.push_rows(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
  expect_batch(1, {1, 2, 3, 4, 5, 6});
  expect_batch(2, {7, 8});
}

TEST_F(Delivery, FlushReturnsWhenAllIsDurableAndNotBefore) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  stream.push({2}, 0);
  auto flushed = flush(stream);
  expect_batch(1, {1, 0});
  expect_batch(2, {2, 0});
  EXPECT_EQ(daemon.ingest.expect<wire::Flush>().stream_id, kStreamId);
  daemon.ingest.send(wire::Ack{.stream_id = kStreamId, .applied = 2, .durable = 1, .window_bytes = kAmple});
  daemon.ingest.expect_only_heartbeats();
  EXPECT_EQ(flushed.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(stream.progress().durable_rows, 1u);
  acknowledge(2);
  EXPECT_EQ(flushed.get().durable_rows, 2u);
}

TEST_F(Delivery, FlushWithNothingPushedReturnsAtOnce) {
  Client client(options());
  EXPECT_EQ(open(client).flush(std::chrono::milliseconds(0)).durable_rows, 0u);
}

TEST_F(Delivery, AFlushThatTimesOutLeavesTheRowsQueued) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  EXPECT_THAT(error_of([&] { stream.flush(std::chrono::milliseconds(1)); }),
              is_error(Error::Kind::kTimeout, "1 rows pushed to stream 's' are not durable after 0.001 s"));
  expect_batch(1, {1, 0});
  auto flushed = flush(stream);
  daemon.ingest.expect<wire::Flush>();
  acknowledge(1);
  EXPECT_EQ(flushed.get().durable_rows, 1u);
}

TEST_F(Delivery, ALostAcknowledgementComesWithTheNextHeartbeat) {
  Client client(options());
  Stream stream = open(client);
  stream.push({1}, 0);
  auto flushed = flush(stream);
  expect_batch(1, {1, 0});
  daemon.ingest.expect<wire::Flush>();
  daemon.ingest.expect<wire::Ping>();  // the answer to a Ping is a Pong and the state of every stream
  daemon.ingest.send(wire::Pong{});
  acknowledge(1);
  EXPECT_EQ(flushed.get().durable_rows, 1u);
}

TEST_F(Delivery, PushingBeyondWhatMayBeKeptWouldBlock) {
  ClientOptions options = this->options();
  options.batch_rows = 1'024;
  options.max_unacknowledged_mb = 1;
  options.timeout = std::chrono::milliseconds(1);
  Client client(options);
  auto opening = std::async(std::launch::async, [&] {
    while (true) {
      try {
        return client.stream("s", spec());
      } catch (const Error&) {  // the timeout is for opening too; it goes on in the background
      }
    }
  });
  reopen(opened(0, 0));
  Stream stream = opening.get();
  const std::vector<double> half(65'536);
  EXPECT_TRUE(stream.try_push_rows(half));
  EXPECT_TRUE(stream.try_push_rows(half));
  EXPECT_FALSE(stream.try_push_rows(std::vector<double>{1, 2}));
  EXPECT_THAT(error_of([&] { stream.push({1}, 2); }), is_error(Error::Kind::kTimeout, "no credit"));
  EXPECT_THAT(error_of([&] { stream.push_rows(std::vector<double>(131'074)); }),
              is_error(Error::Kind::kInvalid, "push them in pieces"));
  for (int i = 0; i < 64; ++i) daemon.ingest.expect<wire::Batch>();
  acknowledge(1);
  while (!stream.try_push_rows(std::vector<double>{1, 2})) std::this_thread::yield();
}

TEST_F(Delivery, APushThatIsBlockedGoesOnWhenRowsBecomeDurable) {
  daemon.max_message_bytes = 2'097'152;
  ClientOptions options = this->options();
  options.batch_rows = 65'536;
  options.max_unacknowledged_mb = 1;
  Client client(options);
  Stream stream = open(client);
  stream.push_rows(std::vector<double>(131'072));
  auto pushed = std::async(std::launch::async, [stream]() mutable { stream.push({1}, 2); });
  daemon.ingest.expect<wire::Batch>();
  daemon.ingest.expect_only_heartbeats();
  EXPECT_EQ(pushed.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  acknowledge(1);
  pushed.get();
}

TEST_F(Delivery, RejectedRowsAreReportedAndNotCountedAsDurable) {
  Client client(options());
  Stream stream = open(client);
  for (int i = 1; i <= 3; ++i) stream.push({1.0 * i}, 0);
  auto flushed = flush(stream);
  for (unsigned i = 1; i <= 3; ++i) expect_batch(i, {1.0 * i, 0});
  daemon.ingest.send(wire::RowsRejected{
      .stream_id = kStreamId, .sequence = 2, .rows = 1, .first_row = 0, .reason = wire::RejectReason::kMagnitude});
  acknowledge(3);
  const FlushReport report = flushed.get();
  EXPECT_EQ(report.durable_rows, 2u);
  EXPECT_EQ(report.rejected_rows, 1u);
  EXPECT_THAT(report.first_rejection, testing::StartsWith("row 2: "));
}

TEST_F(Delivery, RowsOfTwoThreadsArriveAllAndEachThreadsInOrder) {
  ClientOptions options = this->options();
  options.batch_rows = 16;
  Client client(options);
  Stream stream = open(client);
  constexpr int kRows = 2'000;
  const auto push = [stream](double who) mutable {
    for (int i = 0; i < kRows; ++i) stream.push({who}, i);
  };
  std::thread first(push, 0);
  std::thread second(push, 1);
  double next[2] = {0, 0};
  std::uint64_t sequence = 0;
  while (next[0] + next[1] < 2 * kRows) {
    const auto batch = daemon.ingest.expect<wire::Batch>();
    EXPECT_EQ(batch.sequence, ++sequence);
    const std::vector<double> values = values_of(batch.rows);
    for (std::size_t i = 0; i < values.size(); i += 2) EXPECT_EQ(values[i + 1], next[static_cast<int>(values[i])]++);
  }
  first.join();
  second.join();
}

TEST_F(Delivery, RowsOfTheWrongSizeAreRefusedBeforeTheyAreTaken) {
  Client client(options());
  Stream stream = open(client);
  EXPECT_THAT(error_of([&] { stream.push({1, 2}, 3); }), is_error(Error::Kind::kInvalid, "1 features, not 2"));
  EXPECT_THAT(error_of([&] { stream.push({1}, 3, 0.5); }), is_error(Error::Kind::kInvalid, "no weights"));
  EXPECT_THAT(error_of([&] { stream.push_rows(std::vector<double>(3)); }),
              is_error(Error::Kind::kInvalid, "not whole rows of 2"));
  stream.push({4}, 5);
  expect_batch(1, {4, 5});
}

TEST_F(Delivery, WeightsAndKeysHaveTheirPlaceInTheRow) {
  Client client(options());
  wire::Opened answer = opened(0, 0);
  answer.spec.weighted = true;
  Stream stream = open(client, answer);
  stream.push({1}, 2, 0.5);
  EXPECT_EQ(values_of(daemon.ingest.expect<wire::Batch>().rows), (std::vector<double>{1, 2, 0.5}));

  auto keyed = std::async(std::launch::async, [&] { return client.stream("keyed"); });
  EXPECT_EQ(daemon.ingest.expect<wire::Open>().spec, std::nullopt);
  answer.stream = "keyed";
  answer.stream_id = kStreamId + 1;
  answer.spec.key = "store";
  daemon.ingest.send(answer);
  Stream by_store = keyed.get();
  EXPECT_EQ(by_store.columns(), 4u);
  EXPECT_THAT(error_of([&] { by_store.push({1}, 2, 0.5); }), is_error(Error::Kind::kInvalid, "use push_rows"));
}

TEST_F(Delivery, SaysByeWhenEverythingIsDurable) {
  {
    Client client(options());
    Stream stream = open(client);
    stream.push({1}, 2);
    auto flushed = flush(stream);
    expect_batch(1, {1, 2});
    daemon.ingest.expect<wire::Flush>();
    acknowledge(1);
    flushed.get();
  }
  daemon.ingest.expect<wire::Bye>();
}

TEST_F(Delivery, AStreamOutlivesItsClient) {
  auto client = std::make_unique<Client>(options());
  Stream stream = open(*client);
  stream.push({1}, 2);
  auto flushed = flush(stream);
  expect_batch(1, {1, 2});
  daemon.ingest.expect<wire::Flush>();
  client.reset();
  EXPECT_EQ(flushed.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  acknowledge(1);
  EXPECT_EQ(flushed.get().durable_rows, 1u);
}

}  // namespace
}  // namespace accrue::test
