// Clients that lie to the real daemon about who they are, what they have sent and what they may send: each lie is
// refused by name, and changes nothing.
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/wire/batch_frame.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/peer.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;
using wire::ErrorCode;

// `rows` rows on the line y = 1 + 2 x.
wire::Bytes batch(std::uint64_t stream_id, std::uint64_t sequence, std::size_t rows = 3) {
  wire::BatchFrame frame(2, rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto x = static_cast<double>(sequence * 10 + i);
    frame.append(std::vector<double>{x, 1 + 2 * x});
  }
  return std::move(frame).seal(stream_id, sequence);
}

class Liars : public testing::Test {
 protected:
  static void expect_durable(Peer& peer, std::uint64_t stream_id, std::uint64_t sequence) {
    peer.say(wire::Flush{stream_id});
    while (peer.expect<wire::Ack>().durable < sequence) {
    }
  }
  // The daemon goes on as if nothing had been said: exactly so many rows are learned, all of them on the line.
  void expect_rows(std::uint64_t rows) {
    Client client({.endpoint = daemon.endpoint()});
    EXPECT_EQ(client.metrics("s").rows, rows);
    EXPECT_NEAR(client.predict("s", std::vector<double>{1'000}).values.at(0), 2'001, 1e-6);
  }

  Daemon daemon{{"--epoch-interval-ms", "5"}};
};

TEST_F(Liars, GapInTheSequenceIsRefusedAndTheRightOneStillTaken) {
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("p");
  peer.send(batch(id, 1));
  peer.send(batch(id, 3));
  const auto error = peer.expect<wire::Error>();
  EXPECT_EQ(error.code, ErrorCode::kSequenceGap);
  EXPECT_EQ(error.about, "s");
  EXPECT_THAT(error.text, HasSubstr("batch 3 came where 2 was due"));
  peer.send(batch(id, 2));
  expect_durable(peer, id, 2);
  expect_rows(6);
}

TEST_F(Liars, SequencesThatCannotBeAreRefused) {
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("p");
  peer.send(batch(id, ~std::uint64_t{0}));
  EXPECT_EQ(peer.expect<wire::Error>().code, ErrorCode::kSequenceGap);
  peer.send(batch(id, 0));  // none is before the first: it is in, as far as the daemon can tell
  peer.send(batch(id, 1));
  expect_durable(peer, id, 1);
  expect_rows(3);
}

TEST_F(Liars, BatchSentAgainWithOtherRowsIsNotLearned) {
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("p");
  peer.send(batch(id, 1));
  expect_durable(peer, id, 1);
  peer.send(batch(id, 1, 50));
  peer.send(batch(id, 2));
  expect_durable(peer, id, 2);
  expect_rows(6);
}

TEST_F(Liars, ReplayOfAnothersBatchesFromAConnectionThatIsNotItsIsRefused) {
  Peer honest(daemon.endpoint());
  const std::uint64_t id = honest.join("honest");
  honest.send(batch(id, 1));
  expect_durable(honest, id, 1);

  Peer stranger(daemon.endpoint());
  stranger.send(batch(id, 2));
  EXPECT_EQ(stranger.expect<wire::Error>().code, ErrorCode::kNoSession) << "has not said who it is";
  stranger.say(wire::Hello{"thief", true});
  stranger.expect<wire::Welcome>();
  stranger.send(batch(id, 2));
  const auto error = stranger.expect<wire::Error>();
  EXPECT_EQ(error.code, ErrorCode::kNoSession) << "has not opened the stream";
  EXPECT_EQ(error.about, "s");
  expect_rows(3);
}

TEST_F(Liars, ReplayUnderAnothersNameTakesOverOpenlyAndAddsNothing) {
  Peer honest(daemon.endpoint());
  const std::uint64_t id = honest.join("honest");
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) honest.send(batch(id, sequence));
  expect_durable(honest, id, 3);

  Peer thief(daemon.endpoint());
  thief.join("honest");
  const auto told = honest.expect<wire::Error>();
  EXPECT_EQ(told.code, ErrorCode::kSuperseded);
  EXPECT_THAT(told.text, HasSubstr("'honest'"));
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) thief.send(batch(id, sequence));
  thief.say(wire::Ping{});
  thief.expect<wire::Pong>();  // all of the above has been read
  honest.send(batch(id, 4));
  EXPECT_EQ(honest.expect<wire::Error>().code, ErrorCode::kNoSession) << "it no longer speaks for its name";
  expect_rows(9);
}

TEST_F(Liars, SequencesOfEachProducerAreItsOwn) {
  Peer honest(daemon.endpoint());
  const std::uint64_t id = honest.join("honest");
  honest.send(batch(id, 1));
  expect_durable(honest, id, 1);
  Peer other(daemon.endpoint());
  other.join("other");
  other.send(batch(id, 2));
  EXPECT_EQ(other.expect<wire::Error>().code, ErrorCode::kSequenceGap) << "another's first batch is not its";
  expect_rows(3);
}

TEST_F(Liars, StreamThatIsNotThereIsNamed) {
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("p");
  peer.send(batch(id + 7, 1));
  const auto error = peer.expect<wire::Error>();
  EXPECT_EQ(error.code, ErrorCode::kUnknownStream);
  EXPECT_THAT(error.text, HasSubstr(std::to_string(id + 7)));
}

TEST_F(Liars, MoreThanTheCreditIsRefused) {
  // Nothing becomes durable by itself.
  Daemon slow(
      {"--epoch-interval-ms", "3600000", "--epoch-rows", "1000000000", "--window-mb", "1", "--max-message-mb", "1"});
  Peer peer(slow.endpoint());
  const std::uint64_t id = peer.join("p");
  constexpr std::size_t kRows = 40'000;  // of 16 bytes
  peer.send(batch(id, 1, kRows));
  peer.send(batch(id, 2, kRows));
  const auto error = peer.expect<wire::Error>();
  EXPECT_EQ(error.code, ErrorCode::kOverWindow);
  EXPECT_THAT(error.text, HasSubstr("batch 2 exceeds the window of 1048576 bytes"));
  expect_durable(peer, id, 1);
  peer.send(batch(id, 2, kRows));
  expect_durable(peer, id, 2);
}

TEST_F(Liars, CountThatTheRowsDoNotBearOutIsRejectedRowByRow) {
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("p");
  const std::vector<double> rows = {1, 3, 2, 5};
  peer.say(wire::Batch{id, 1, wire::DataType::kFloat64, 1'000'000, {std::as_bytes(std::span(rows))}});
  const auto rejected = peer.expect<wire::RowsRejected>();
  EXPECT_EQ(rejected.rows, 1'000'000u);
  EXPECT_EQ(rejected.reason, wire::RejectReason::kRowLength);
  peer.send(batch(id, 2));
  expect_durable(peer, id, 2);
  expect_rows(3);
}

}  // namespace
}  // namespace accrue::tests
