// Intake: workers come, go, hang and talk nonsense, and streams go back to their last epoch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using wire::ErrorCode;

const wire::Bytes kState = {std::byte{7}};

class IntakeWorkersTest : public IntakeFixture {
 protected:
  // Stream 1 as the store has it after two batches of p, in epoch 5.
  static RecoveredStream stored(std::uint32_t partitions = 1) {
    wire::StreamSpec spec = kSpec;
    spec.partitions = partitions;
    return {1, "s", spec, 5, 4, {{"p", 2}}, {}, std::vector<wire::Bytes>(partitions, kState)};
  }
  void open(const SessionId& id, const std::string& producer) {
    client(id, wire::Hello{producer, true});
    client(id, wire::Open{"s", std::nullopt});
  }
  std::vector<wire::Opened> opened(const SessionId& id) { return all<wire::Opened>(out_.clients[id]); }
  std::vector<Rewind> rewinds() { return all<Rewind>(out_.committer); }
  std::vector<OpenPartition> given(const WorkerId& id) { return all<OpenPartition>(out_.workers[id]); }

  // Both workers here, "p" connected as "c" with batch 3 accepted, which is not durable.
  void begin(std::uint32_t partitions = 1) {
    intake_.recover(stored(partitions));
    hire("w0");
    hire("w1");
    open("c", "p");
    push("c", 3);
  }
  WorkerId other_than(const WorkerId& id) { return id == "w0" ? "w1" : "w0"; }
};

TEST_F(IntakeWorkersTest, StreamsWaitForTheWorkersThatAreExpected) {
  intake_.recover(stored());
  open("c", "p");
  EXPECT_THAT(opened("c"), IsEmpty());
  hire("w0");
  EXPECT_THAT(given("w0"), IsEmpty());
  hire("w1");
  EXPECT_EQ(given(holder()).at(0).state, kState);
  EXPECT_EQ(opened("c").at(0).durable, 2u);
  EXPECT_EQ(gauges_.workers, 2u);
  EXPECT_THAT(rewinds(), IsEmpty());
}

TEST_F(IntakeWorkersTest, AfterAWhileThoseWhoHaveComeAreEnough) {
  intake_.recover(stored());
  hire("w0");
  pass(milliseconds(1'500));
  EXPECT_THAT(given("w0"), IsEmpty());
  pass(milliseconds(1'500));
  EXPECT_EQ(given("w0").size(), 1u);
  hire("w1");  // too late to be waited for, and not too late to work
  EXPECT_EQ(gauges_.workers, 2u);
}

TEST_F(IntakeWorkersTest, StreamOfALostWorkerGoesOnFromItsLastEpochElsewhere) {
  begin();
  const WorkerId first = holder();
  const WorkerId second = other_than(first);
  pipeline(WorkerGone{"name of " + first});
  EXPECT_THAT(out_.lost, ElementsAre("name of " + first));
  ASSERT_EQ(rewinds().size(), 1u);
  push("c", 4);  // is not taken, and not refused either
  client("c", wire::Open{"s", std::nullopt});
  EXPECT_EQ(opened("c").size(), 1u) << "what it should send is not known yet";
  EXPECT_THAT(errors("c"), IsEmpty());
  EXPECT_THAT(given(second), IsEmpty());

  pipeline(stored());
  EXPECT_THAT(errors("c"), ElementsAre(ErrorCode::kSequenceGap));
  ASSERT_EQ(given(second).size(), 1u);
  EXPECT_EQ(given(second)[0].generation, 1u);
  EXPECT_EQ(given(second)[0].state, kState);
  ASSERT_EQ(opened("c").size(), 2u);
  EXPECT_EQ(opened("c")[1].accepted, 2u);
  EXPECT_EQ(gauges_.outstanding_bytes, 0u);

  push("c", 3);
  const auto again = all<Deliver>(out_.workers[second]);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].first_index, 4u) << "as it was before";
  EXPECT_EQ(all<Deliver>(out_.workers[first]).at(0).first_index, 4u);
  pass(milliseconds(200));
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_EQ(cuts()[0].rows, 6u);
}

TEST_F(IntakeWorkersTest, ProducerIsAskedToOpenAgainUntilItDoes) {
  begin();
  pipeline(WorkerGone{"name of " + holder()});
  pipeline(stored());
  push("c", 4);
  client("c", wire::Ping{});
  EXPECT_THAT(errors("c"), ElementsAre(ErrorCode::kSequenceGap, ErrorCode::kSequenceGap, ErrorCode::kSequenceGap));
  const std::size_t acks = all<wire::Ack>(out_.clients["c"]).size();
  client("c", wire::Open{"s", std::nullopt});
  client("c", wire::Ping{});
  EXPECT_EQ(errors("c").size(), 3u);
  EXPECT_EQ(all<wire::Ack>(out_.clients["c"]).size(), acks + 1);
}

TEST_F(IntakeWorkersTest, WhatWasAppliedBeforeIsNotWhatIsSentAgain) {
  begin(2);  // batch 3 of two rows of one partition, 4 of the other: both workers have one
  push("c", 4);
  ASSERT_EQ(all<Deliver>(out_.workers["w0"]).size(), 1u);
  pipeline(WorkerGone{"name of w1"});
  pipeline(stored(2));
  client("c", wire::Open{"s", std::nullopt});
  push("c", 3);
  const std::size_t acks = all<wire::Ack>(out_.clients["c"]).size();
  worker("w0", Applied{1});  // of the delivery before the rewind
  EXPECT_EQ(all<wire::Ack>(out_.clients["c"]).size(), acks);
  worker("w0", Applied{2});
  EXPECT_EQ(last_ack("c").applied, 3u);
}

TEST_F(IntakeWorkersTest, StatesOfAnEarlierGenerationAndOfStrangersAreVoid) {
  begin(2);
  pass(milliseconds(200));
  ASSERT_EQ(cuts().size(), 1u);
  worker("w0", PartitionState{1, 0, 6, 0, kState});
  EXPECT_EQ(all<PartitionState>(out_.committer).size(), 1u);
  pipeline(WorkerGone{"name of w1"});
  worker("w0", PartitionState{1, 0, 6, 0, kState});
  worker("w1", PartitionState{1, 1, 6, 1, kState});
  pipeline(stored(2));
  worker("w0", PartitionState{1, 0, 6, 0, kState});
  EXPECT_EQ(all<PartitionState>(out_.committer).size(), 1u);
  worker("w0", PartitionState{1, 1, 7, 0, kState});
  EXPECT_EQ(all<PartitionState>(out_.committer).size(), 2u);
  EXPECT_EQ(all<Stranger>(out_.workers["w1"]).size(), 1u);
}

TEST_F(IntakeWorkersTest, EpochInFlightIsVoidAndItsNumberIsNotGivenAgain) {
  begin();
  client("c", wire::Flush{1});
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_EQ(cuts()[0].epoch, 6u);
  EXPECT_FALSE(intake_.idle());
  pipeline(WorkerGone{"name of " + holder()});
  pipeline(stored());
  EXPECT_TRUE(intake_.idle());
  client("c", wire::Open{"s", std::nullopt});
  push("c", 3);
  client("c", wire::Flush{1});
  ASSERT_EQ(cuts().size(), 2u);
  EXPECT_EQ(cuts()[1].epoch, 7u);
  EXPECT_THAT(cuts()[1].producers, testing::SizeIs(1));
}

TEST_F(IntakeWorkersTest, EpochThatBecomesDurableAllTheSameCounts) {
  begin();
  client("c", wire::Flush{1});
  pipeline(WorkerGone{"name of " + holder()});
  pipeline(EpochDurable{1, 6});
  EXPECT_EQ(last_ack("c").durable, 3u);
  RecoveredStream newest = stored();
  newest.epoch = 6;
  newest.producers = {{"p", 3}};
  pipeline(newest);
  EXPECT_TRUE(intake_.idle());
  client("c", wire::Open{"s", std::nullopt});
  EXPECT_EQ(opened("c").back().accepted, 3u);
}

TEST_F(IntakeWorkersTest, ProducerThatDepartedInAVoidEpochDepartsAgain) {
  begin();
  open("d", "q");
  push("d", 1);
  client("c", wire::Flush{1});
  pipeline(EpochDurable{1, 6});
  client("d", wire::Bye{});
  push("c", 4);
  client("c", wire::Flush{1});
  ASSERT_THAT(cuts().back().departed, ElementsAre("q"));
  pipeline(WorkerGone{"name of " + holder()});
  RecoveredStream newest = stored();
  newest.producers = {{"p", 3}, {"q", 1}};
  pipeline(newest);
  open("e", "q");
  EXPECT_EQ(opened("e").at(0).accepted, 0u) << "it is another producer of that name";
  client("c", wire::Open{"s", std::nullopt});
  push("c", 4);
  client("c", wire::Flush{1});
  EXPECT_THAT(cuts().back().departed, ElementsAre("q"));
}

TEST_F(IntakeWorkersTest, SilentWorkerIsLostAndAStrangerAfterwards) {
  begin();
  const WorkerId silent = holder();
  for (int second = 0; second < 7; ++second) {
    worker(other_than(silent), Alive{});
    pass(milliseconds(1'000));
  }
  EXPECT_THAT(out_.lost, ElementsAre("name of " + silent));
  EXPECT_EQ(rewinds().size(), 1u);
  worker(silent, Alive{});
  EXPECT_EQ(all<Stranger>(out_.workers[silent]).size(), 1u);
  EXPECT_EQ(gauges_.workers, 1u);
}

TEST_F(IntakeWorkersTest, WorkerThatCannotBeUsedIsDismissed) {
  begin();
  worker("w2", Join{"another version", "n"});
  EXPECT_EQ(all<Dismiss>(out_.workers["w2"]).size(), 1u);
  worker("w0", Applied{99});
  worker("w1", EpochDurable{1, 1});
  intake_.on_worker("w3", wire::Bytes{std::byte{0xc1}}, now_);
  for (const WorkerId id : {"w0", "w1", "w3"}) EXPECT_EQ(all<Dismiss>(out_.workers[id]).size(), 1u) << id;
  EXPECT_EQ(gauges_.workers, 0u);
}

TEST_F(IntakeWorkersTest, WithoutAnyWorkerStreamsWaitForTheNext) {
  begin();
  worker("w0", Leave{});
  worker("w1", Leave{});
  pipeline(stored());
  client("c", wire::Open{"s", std::nullopt});
  EXPECT_EQ(opened("c").size(), 1u);
  hire("w2");
  EXPECT_EQ(given("w2").at(0).state, kState);
  EXPECT_EQ(opened("c").size(), 2u);
}

TEST_F(IntakeWorkersTest, WorkerThatJoinsIsGivenItsShare) {
  begin(4);
  hire("w2");
  EXPECT_EQ(rewinds().size(), 1u);
  EXPECT_EQ(all<CloseStream>(out_.workers["w0"]).size(), 1u);
  pipeline(stored(4));
  EXPECT_THAT(given("w2"), testing::SizeIs(testing::AllOf(testing::Ge(1u), testing::Le(2u))));
  hire("w2");  // it has only said it twice
  EXPECT_EQ(rewinds().size(), 1u);
}

TEST_F(IntakeWorkersTest, StreamDroppedWhileItIsRewoundIsGone) {
  begin();
  client("c", wire::Flush{1});
  pipeline(WorkerGone{"name of " + holder()});
  open("d", "q");
  client("c", wire::Drop{"s"});
  EXPECT_THAT(errors("d"), ElementsAre(ErrorCode::kUnknownStream));
  pipeline(stored());
  EXPECT_TRUE(intake_.idle());
  client("c", wire::Open{"s", std::nullopt});
  EXPECT_THAT(errors("c"), ElementsAre(ErrorCode::kUnknownStream));
}

}  // namespace
}  // namespace accrue::ingest
