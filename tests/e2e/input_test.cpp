// Bad input from outside: each is answered or counted, none changes a model or takes down a neighbour.
#include <limits>
#include <random>
#include <string>
#include <thread>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <msgpack.hpp>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/queries.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/refusal.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const StreamSpec kSpec = {.features = {"x"}, .target = "y"};
TEST(Input, AnotherSchemaIsRefusedWithTheDifference) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  client.stream("s", kSpec);
  const StreamSpec other = {.features = {"x", "z"}, .target = "y"};
  EXPECT_EQ(refusal([&] { client.stream("s", other); }, "features x, not x, z"), Error::Kind::kSpecMismatch);
}

TEST(Input, ImpossibleSchemaIsRefusedWithTheReason) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  EXPECT_THAT(
      [&] {
        client.stream("s", {.features = {"x", "x"}, .target = "y"});
      },
      testing::ThrowsMessage<Error>(HasSubstr("'x' is named twice")));
  EXPECT_THAT([&] { client.stream("a/b", kSpec); }, testing::ThrowsMessage<Error>(HasSubstr("a/b")));
}

TEST(Input, NaNRowIsCountedByReasonAndItsNeighboursAreLearned) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  stream.push_rows(std::vector<double>{1, 3, 2, 5, kNaN, 7, 3, 7, 4, 1e200, 4, 9});
  const FlushReport report = stream.flush();
  EXPECT_EQ(report.rejected_rows, 2u);
  EXPECT_EQ(report.durable_rows, 4u);
  EXPECT_THAT(report.first_rejection, HasSubstr("row 3: a value is not a finite number"));
  EXPECT_EQ(stream.metrics().rows, 4u);
  EXPECT_NEAR(stream.predict({10}).values.at(0), 21, 1e-9) << "y = 1 + 2 x of the good rows";
  const Status status = client.status();
  ASSERT_EQ(status.streams.at(0).rejected.size(), 2u);
  EXPECT_EQ(status.streams[0].rejected[0].reason, "not_finite");
  EXPECT_EQ(status.streams[0].rejected[0].rows, 1u);
  EXPECT_EQ(status.streams[0].rejected[1].reason, "magnitude");
  daemon.kill();
  daemon.start();
  EXPECT_EQ(Client({.endpoint = daemon.endpoint()}).status().streams.at(0).rejected.size(), 2u)
      << "the counts are durable with the epoch";
}

TEST(Input, TruncatedAndGarbageFramesChangeNothing) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  stream.push({1}, 2);
  stream.push({2}, 3);
  stream.push({3}, 4);
  stream.flush();

  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("vandal");
  wire::BatchFrame batch(2, 2);
  batch.append(std::vector<double>{1, 2, 3, 4});
  const wire::Bytes whole = std::move(batch).seal(id, 1);
  for (std::size_t size = 0; size < whole.size(); ++size) peer.send(wire::BytesView(whole).first(size));
  std::mt19937 random(1);
  for (int i = 0; i < 2'000; ++i) {
    wire::Bytes noise(random() % 200);
    for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
    peer.send(noise);
  }
  peer.send_frames(3);
  peer.say(wire::Ping{});
  peer.expect<wire::Pong>();  // all of the above has been read

  EXPECT_EQ(stream.metrics().rows, 3u);
  stream.push({4}, 5);
  stream.flush();
  EXPECT_EQ(stream.metrics().rows, 4u);
  EXPECT_NEAR(stream.predict({9}).values.at(0), 10, 1e-9);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Input, QueriesAreHardenedToo) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  EXPECT_THAT([&] { (void)stream.predict({1}); }, testing::ThrowsMessage<Error>(HasSubstr("no rows yet")));
  EXPECT_THAT([&] { (void)client.coef("nosuch"); }, testing::ThrowsMessage<Error>(HasSubstr("nosuch")));
  EXPECT_THAT([&] { (void)stream.predict({kNaN}); }, testing::Throws<Error>());
  Peer greeter(daemon.endpoint());
  greeter.say(wire::Hello{"p", true});
  Peer peer(greeter.expect<wire::Welcome>().query_endpoint);
  peer.send(wire::Bytes(100, std::byte{0xc1}));
  EXPECT_EQ(peer.expect<wire::Error>().code, wire::ErrorCode::kMalformed);
  stream.push_rows(std::vector<double>{1, 2, 2, 3});
  stream.flush();
  wire::Predict predict{7, "s", wire::DataType::kFloat64, 1'000, {}};
  peer.say(predict);
  const auto error = peer.expect<wire::Error>();
  EXPECT_EQ(error.code, wire::ErrorCode::kBadRows);
  EXPECT_EQ(error.request, 7u);
  const auto expect_refused = [&](const std::vector<double>& rows, const std::string& where) {
    EXPECT_EQ(refusal([&] { (void)stream.predict(rows); }, where + ", column 'x': the value is"),
              Error::Kind::kInvalid);
  };
  expect_refused({1, std::numeric_limits<double>::infinity()}, "row 2");
  expect_refused({-2e150, 1, 2}, "row 1");
  expect_refused({1, kNaN}, "row 2");
  std::vector<double> many(4'096, 1);  // in a frame that is read where it lies
  many.back() = kNaN;
  expect_refused(many, "row 4096");
}

TEST(Input, FriendlyAndNarrowRowsAreLearnedLikeAnyOther) {
  Daemon daemon;
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("p");
  const float narrow[] = {1, 3, 2, 5};
  const auto bytes = std::as_bytes(std::span(narrow));
  peer.say(wire::Batch{id, 1, wire::DataType::kFloat32, 2, {bytes}});
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_array(7).pack(1).pack(3).pack(id).pack(2).pack(0).pack(2);
  packer.pack_array(2);
  packer.pack_map(2).pack(std::string("y")).pack(7).pack(std::string("x")).pack(3);
  packer.pack_array(2).pack(4).pack(9.0);
  peer.send({reinterpret_cast<const std::byte*>(buffer.data()), buffer.size()});
  peer.say(wire::Flush{id});
  while (peer.expect<wire::Ack>().durable < 2) {
  }
  const Client client({.endpoint = daemon.endpoint()});
  EXPECT_EQ(client.metrics("s").rows, 4u);
  EXPECT_NEAR(client.predict("s", std::vector<double>{10}).values.at(0), 21, 1e-6);
}

TEST(Input, FloatsAreLearnedAsTheDoublesThatTheyAre) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint(), .batch_rows = 1'000});
  std::vector<float> narrow;
  for (int i = 0; i < 2'500; ++i) {
    const auto x = static_cast<float>(i * 37 % 1'009) / 7;
    narrow.insert(narrow.end(), {x, 3 * x - static_cast<float>(i % 11) / 3});
  }
  const std::vector<double> wide(narrow.begin(), narrow.end());
  Stream of_floats = client.stream("floats", kSpec);
  of_floats.push_rows(narrow);
  EXPECT_TRUE(of_floats.try_push_rows(narrow));
  of_floats.push_rows(wide);
  Stream of_doubles = client.stream("doubles", kSpec);
  for (int i = 0; i < 3; ++i) of_doubles.push_rows(wide);
  EXPECT_EQ(of_floats.flush().durable_rows, 7'500u);
  of_doubles.flush();
  const Coefficients learned = of_floats.coef();
  const Coefficients expected = of_doubles.coef();
  EXPECT_EQ(learned.intercept->estimate, expected.intercept->estimate);
  EXPECT_EQ(learned.coefficients.at(0).estimate, expected.coefficients.at(0).estimate);
  EXPECT_EQ(of_floats.metrics().mse, of_doubles.metrics().mse);
  EXPECT_EQ(refusal([&] { of_floats.push_rows(std::span(narrow).first(3)); }, "3 values are not whole rows of 2"),
            Error::Kind::kInvalid);
}

TEST(Input, PredictionsDoNotWaitBehindIngestAndNameTheirEpoch) {
  Daemon daemon({"--epoch-interval-ms", "1"});
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  stream.push_rows(std::vector<double>{1, 2, 2, 3});
  stream.flush();
  std::jthread pusher([&](const std::stop_token& stop) {
    const std::vector<double> rows = {1, 2, 2, 3, 5, 6, 7, 8};
    while (!stop.stop_requested()) stream.push_rows(rows);
  });
  std::uint64_t epoch = 0;
  for (int i = 0; i < 500; ++i) {
    const Prediction prediction = client.predict("s", std::vector<double>{10});
    EXPECT_NEAR(prediction.values.at(0), 11, 1e-9);
    EXPECT_GE(prediction.epoch, epoch) << "epochs never go back";
    epoch = prediction.epoch;
  }
}

}  // namespace
}  // namespace accrue::tests
