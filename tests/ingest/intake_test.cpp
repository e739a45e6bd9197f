// Intake: sessions, batches and epochs.
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(IntakeTest, StrangerIsToldToSayHello) {
  push("c", 1);
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kNoSession));
}

TEST_F(IntakeTest, GarbageIsAnsweredAndChangesNothing) {
  join("c", "p");
  raw("c", {std::byte{0xc1}, std::byte{0xff}});
  raw("c", {std::byte{0x93}, std::byte{9}, std::byte{1}, std::byte{0}});     // version 9
  raw("c", {std::byte{0x92}, std::byte{1}, std::byte{99}});                  // type 99
  raw("c", {std::byte{0x92}, std::byte{1}, std::byte{wire::Batch::kType}});  // no fields
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kMalformed, wire::ErrorCode::kMalformed,
                                       wire::ErrorCode::kUnknownType, wire::ErrorCode::kMalformed));
  pass(milliseconds(1'000));
  EXPECT_THAT(cuts(), IsEmpty());
}

TEST_F(IntakeTest, InternalMessagesAreNotTakenFromClients) {
  join("c", "p");
  client("c", Stop{});
  EXPECT_FALSE(intake_.stopping());
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kUnknownType));
}

TEST_F(IntakeTest, DurableOnlyAfterTheEpochAndAppliedBefore) {
  join("c", "p");
  push("c", 1);
  EXPECT_EQ(deliveries(), 1u);
  worker(holder(), Applied{1});
  EXPECT_EQ(last_ack("c").applied, 1u);
  EXPECT_EQ(last_ack("c").durable, 0u);
  pass(milliseconds(100));
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_EQ(cuts()[0].rows, 2u);
  EXPECT_EQ(cuts()[0].producers.at(0).sequence, 1u);
  EXPECT_EQ(all<Barrier>(out_.workers[holder()]).size(), 1u);
  EXPECT_EQ(last_ack("c").durable, 0u);
  pipeline(EpochDurable{1, 1});
  EXPECT_EQ(last_ack("c").durable, 1u);
  EXPECT_EQ(gauges_.outstanding_bytes, 0u);
}

TEST_F(IntakeTest, DuplicateIsAcknowledgedAndNotLearnedAgain) {
  join("c", "p");
  push("c", 1);
  push("c", 1);
  EXPECT_EQ(deliveries(), 1u);
  EXPECT_EQ(last_ack("c").applied, 0u);
}

TEST_F(IntakeTest, GapAndExcessAreRefusedByName) {
  join("c", "p");
  push("c", 2);
  push("c", 1, std::vector<double>(120, 1.0));
  push("c", 2, std::vector<double>(2, 1.0));
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kSequenceGap, wire::ErrorCode::kOverWindow));
  EXPECT_EQ(deliveries(), 1u);
}

TEST_F(IntakeTest, OneEpochInFlightAndTheNextHoldsAllThatCameMeanwhile) {
  join("c", "p");
  push("c", 1);
  pass(milliseconds(100));
  push("c", 2);
  pass(milliseconds(1'000));
  push("c", 3);
  pass(milliseconds(1'000));
  ASSERT_EQ(cuts().size(), 1u) << "the first is not durable yet";
  pipeline(EpochDurable{1, 1});
  ASSERT_EQ(cuts().size(), 2u);
  EXPECT_EQ(cuts()[1].producers.at(0).sequence, 3u);
  EXPECT_EQ(last_ack("c").durable, 1u);
}

TEST_F(IntakeTest, EnoughRowsOrAFlushCutAtOnce) {
  join("c", "p");
  client("c", wire::Flush{1});
  EXPECT_THAT(cuts(), IsEmpty()) << "nothing to make durable";
  push("c", 1);
  client("c", wire::Flush{1});
  EXPECT_EQ(cuts().size(), 1u);
}

TEST_F(IntakeTest, IdleStreamHasNoEpochs) {
  join("c", "p");
  pass(milliseconds(10'000));
  EXPECT_THAT(cuts(), IsEmpty());
}

TEST_F(IntakeTest, BadRowIsCountedByReasonAndItsNeighboursAreLearned) {
  join("c", "p");
  push("c", 1, {1, 2, std::numeric_limits<double>::quiet_NaN(), 4, 5, 6});
  const auto rejected = all<wire::RowsRejected>(out_.clients["c"]);
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].rows, 1u);
  EXPECT_EQ(rejected[0].first_row, 1u);
  EXPECT_EQ(all<Deliver>(out_.workers[holder()]).at(0).rows, 2u);
  pass(milliseconds(100));
  EXPECT_EQ(cuts().at(0).rows, 2u);
  EXPECT_EQ(cuts().at(0).rejected.at(0).reason, wire::RejectReason::kNotFinite);
}

TEST_F(IntakeTest, BatchOfBadRowsAloneStillAdvancesTheSequence) {
  join("c", "p");
  push("c", 1, {std::numeric_limits<double>::infinity(), 0});
  EXPECT_EQ(deliveries(), 0u);
  EXPECT_EQ(last_ack("c").applied, 1u);
  push("c", 2);
  EXPECT_EQ(deliveries(), 1u);
}

TEST_F(IntakeTest, NewConnectionOfAProducerSupersedesTheOldOne) {
  join("c1", "p");
  push("c1", 1);
  join("c2", "p");
  EXPECT_EQ(all<wire::Opened>(out_.clients["c2"]).at(0).accepted, 1u);
  EXPECT_THAT(errors("c1"), ElementsAre(wire::ErrorCode::kSuperseded));
  push("c1", 2);
  EXPECT_EQ(deliveries(), 1u) << "the old connection no longer speaks for the producer";
  push("c2", 2);
  EXPECT_EQ(deliveries(), 2u);
}

TEST_F(IntakeTest, GreetingThatCameTwiceClosesNothing) {
  join("c", "p");
  client("c", wire::Hello{"p", true});
  push("c", 1);
  EXPECT_THAT(errors("c"), IsEmpty());
  EXPECT_EQ(deliveries(), 1u);
}

TEST_F(IntakeTest, PingBringsAFreshAcknowledgement) {
  join("c", "p");
  push("c", 1);
  out_.clients.clear();
  client("c", wire::Ping{});
  EXPECT_EQ(all<wire::Pong>(out_.clients["c"]).size(), 1u);
  EXPECT_EQ(all<wire::Ack>(out_.clients["c"]).size(), 1u);
}

TEST_F(IntakeTest, EphemeralProducerIsForgottenAfterItsBye) {
  join("c", "p");
  push("c", 1);
  client("c", wire::Flush{1});
  pipeline(EpochDurable{1, 1});
  client("c", wire::Bye{});
  join("d", "q");
  push("d", 1);
  client("d", wire::Flush{1});
  ASSERT_EQ(cuts().size(), 2u);
  EXPECT_THAT(cuts()[1].departed, ElementsAre("p"));
}

TEST_F(IntakeTest, ProducerWithOutstandingBatchesIsNotForgotten) {
  join("c", "p");
  push("c", 1);
  client("c", wire::Bye{});
  join("c2", "p");
  EXPECT_EQ(all<wire::Opened>(out_.clients["c2"]).at(0).accepted, 1u);
}

TEST_F(IntakeTest, RoomForANewProducerIsMadeOnlyByOneThatIsGone) {
  join("c1", "p1");
  join("c2", "p2");
  join("c3", "p3");
  EXPECT_THAT(errors("c3"), ElementsAre(wire::ErrorCode::kTooMany));
  pass(std::chrono::seconds(20));
  client("c2", wire::Ping{});
  client("c3", wire::Ping{});
  pass(std::chrono::seconds(20));  // c1 has not been heard of for 40 s
  client("c3", wire::Open{"s", kSpec});
  EXPECT_EQ(all<wire::Opened>(out_.clients["c3"]).size(), 1u);
}

TEST_F(IntakeTest, TheProducerThatCameLongestAgoIsForgottenFirst) {
  const auto come = [this](const SessionId& id, const std::string& producer) {
    client(id, wire::Hello{producer, false});
    client(id, wire::Open{"s", kSpec});
    const auto opened = all<wire::Opened>(out_.clients[id]);
    return opened.empty() ? 0 : opened.back().accepted;
  };
  const auto learn_and_go = [this](const SessionId& id) {
    push(id, 1);
    client(id, wire::Flush{1});
    pipeline(EpochDurable{1, cuts().back().epoch});
    client(id, wire::Bye{});
  };
  join("c0", "p0");
  client("c0", wire::Bye{});
  EXPECT_EQ(come("c1", "p1"), 0u);
  learn_and_go("c1");
  EXPECT_EQ(come("c2", "p2"), 0u);
  learn_and_go("c2");
  EXPECT_EQ(come("c3", "p1"), 1u);
  client("c3", wire::Bye{});
  EXPECT_EQ(come("c4", "p3"), 0u) << "p2 makes room";
  client("c4", wire::Bye{});
  EXPECT_EQ(come("c5", "p1"), 1u);
  client("c5", wire::Bye{});
  EXPECT_EQ(come("c6", "p2"), 0u);
}

TEST_F(IntakeTest, StopTakesNothingMoreAndMakesTheRestDurable) {
  join("c", "p");
  push("c", 1);
  EXPECT_FALSE(intake_.idle());
  pipeline(Stop{});
  push("c", 2);
  EXPECT_EQ(deliveries(), 1u);
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_FALSE(intake_.idle());
  pipeline(EpochDurable{1, 1});
  EXPECT_TRUE(intake_.idle());
  EXPECT_EQ(last_ack("c").durable, 1u);
}

TEST_F(IntakeTest, HashedRowsReachEachPartitionAndTheBatchIsAppliedWhenAllAre) {
  wire::StreamSpec spec = kSpec;
  spec.key = "a";
  spec.partitions = 2;
  spec.partition_by = wire::PartitionBy::kHash;
  client("c", wire::Hello{"p", true});
  client("c", wire::Open{"s", spec});
  pipeline(StreamCreated{"s", 1, {}});
  std::vector<double> rows;
  for (int i = 0; i < 20; ++i) rows.insert(rows.end(), {static_cast<double>(i), 1.0});
  push("c", 1, rows);
  const auto first = all<Deliver>(out_.workers["w0"]);
  const auto second = all<Deliver>(out_.workers["w1"]);
  ASSERT_EQ(first.size() + second.size(), 20u) << "so young a stream has an exchange after every row";
  worker("w0", Applied{first.size()});
  worker("w1", Applied{second.size() - 1});
  EXPECT_THAT(all<wire::Ack>(out_.clients["c"]).back().applied, 0u);
  worker("w1", Applied{second.size()});
  EXPECT_EQ(last_ack("c").applied, 1u);
}

}  // namespace
}  // namespace accrue::ingest
