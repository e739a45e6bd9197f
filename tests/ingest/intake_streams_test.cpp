// Intake: streams are created, found after a restart, and dropped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(IntakeTest, StreamIsCreatedOnceForAllWhoAskMeanwhile) {
  for (const SessionId id : {"c1", "c2"}) {
    client(id, wire::Hello{"p-" + id, true});
    client(id, wire::Open{"s", kSpec});
  }
  ASSERT_EQ(all<CreateStream>(out_.committer).size(), 1u);
  EXPECT_THAT(all<wire::Opened>(out_.clients["c1"]), IsEmpty());
  pipeline(StreamCreated{"s", 7, {}});
  EXPECT_EQ(all<wire::Opened>(out_.clients["c1"]).at(0).stream_id, 7u);
  EXPECT_EQ(all<wire::Opened>(out_.clients["c2"]).at(0).stream_id, 7u);
}

TEST_F(IntakeTest, FailedCreationIsToldAndMayBeTriedAgain) {
  client("c", wire::Hello{"p", true});
  client("c", wire::Open{"s", kSpec});
  pipeline(StreamCreated{"s", 0, "disk full"});
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kStoreFailed));
  client("c", wire::Open{"s", kSpec});
  EXPECT_EQ(all<CreateStream>(out_.committer).size(), 2u);
}

TEST_F(IntakeTest, AnotherSpecificationIsRefusedWithTheDifference) {
  join("c", "p");
  wire::StreamSpec other = kSpec;
  other.features = {"b"};
  client("c", wire::Open{"s", other});
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kSpecMismatch));
  EXPECT_THAT(all<wire::Error>(out_.clients["c"]).at(0).text, HasSubstr("features a, not b"));
}

TEST_F(IntakeTest, LimitOnStreamsIsHeld) {
  join("c", "p", "s1");
  join("c", "p", "s2");
  join("c", "p", "s3");
  EXPECT_THAT(errors("c"), ElementsAre(wire::ErrorCode::kTooMany));
}

TEST_F(IntakeTest, OfTwoConnectionsThatWaitForAStreamTheNewerHasIt) {
  for (const char* connection : {"z", "a"}) {  // their order of arrival is not that of their names
    client(connection, wire::Hello{"p", true});
    client(connection, wire::Open{"s", kSpec});
  }
  pipeline(StreamCreated{"s", 1, {}});
  EXPECT_THAT(errors("z"), ElementsAre(wire::ErrorCode::kSuperseded));
  EXPECT_THAT(errors("a"), IsEmpty());
}

TEST_F(IntakeTest, DropTellsWorkersCommitterAndOtherProducers) {
  join("c1", "p1");
  join("c2", "p2");
  push("c2", 1);
  client("c1", wire::Drop{"s"});
  EXPECT_THAT(errors("c2"), ElementsAre(wire::ErrorCode::kUnknownStream));
  EXPECT_EQ(all<CloseStream>(out_.workers[holder()]).size(), 1u);
  EXPECT_EQ(all<DropStream>(out_.committer).size(), 1u);
  EXPECT_THAT(all<wire::Dropped>(out_.clients["c1"]), IsEmpty());
  pipeline(StreamDropped{"s", {}});
  EXPECT_EQ(all<wire::Dropped>(out_.clients["c1"]).size(), 1u);
  worker(holder(), Applied{1});
  pass(milliseconds(1'000));
  EXPECT_THAT(cuts(), IsEmpty());
  EXPECT_EQ(gauges_.outstanding_bytes, 0u);
}

TEST_F(IntakeTest, EpochOfADroppedStreamIsForgotten) {
  join("c", "p");
  push("c", 1);
  client("c", wire::Flush{1});
  client("c", wire::Drop{"s"});
  pipeline(EpochDurable{1, 1});
  EXPECT_TRUE(intake_.idle());
}

TEST_F(IntakeTest, RecoveredStreamGoesOnFromItsEpoch) {
  RecoveredStream stored{5, "old", kSpec, 12, 340, {{"p", 9}}, {{wire::RejectReason::kWeight, 3}}, {{std::byte{1}}}};
  intake_.recover(stored);
  EXPECT_EQ(all<OpenPartition>(out_.workers[holder()]).at(0).state, stored.states[0]);
  client("c", wire::Hello{"p", false});
  client("c", wire::Open{"old", std::nullopt});
  EXPECT_EQ(all<wire::Opened>(out_.clients["c"]).at(0).durable, 9u);
  push("c", 10, {1, 2}, 5);
  client("c", wire::Flush{5});
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_EQ(cuts()[0].epoch, 13u);
  EXPECT_EQ(cuts()[0].rows, 341u);
  EXPECT_EQ(cuts()[0].rejected.at(0).rows, 3u);
}

}  // namespace
}  // namespace accrue::ingest
