// Intake: a stream is rolled back, and its producers are told what that means for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::ErrorCode;

// Stream 1 in epoch 5, with two batches of p and one of q; p and q are connected as "c" and "d", and "o" has not opened
// it. Batch 3 of p is accepted and not durable.
class IntakeRollbackTest : public IntakeFixture {
 protected:
  static RecoveredStream stored() { return {1, "s", kSpec, 5, 6, {{"p", 2}, {"q", 1}}, {}, {{std::byte{5}}}}; }
  // As of epoch 3, which had a batch of p and did not know q.
  static RecoveredStream copied(std::uint64_t epoch) {
    return {1, "s", kSpec, epoch, 2, {{"p", 1}}, {}, {{std::byte{3}}}, 3};
  }

  void open(const SessionId& id) { client(id, wire::Open{"s", std::nullopt}); }
  void begin() {
    intake_.recover(stored());
    hire("w0");
    hire("w1");
    connect();
    push("c", 3);
  }
  void connect() {
    client("c", wire::Hello{"p", false});
    client("d", wire::Hello{"q", false});
    client("o", wire::Hello{"operator", true});
    open("c");
    open("d");
  }
  void roll_back(std::uint64_t request, std::uint64_t epoch) { client("o", wire::Rollback{request, "s", epoch}); }
  void lose_worker() { pipeline(WorkerGone{"name of " + holder()}); }

  std::vector<RollBackStream> asked() { return all<RollBackStream>(out_.committer); }
  std::vector<wire::RolledBack> done() { return all<wire::RolledBack>(out_.clients["o"]); }
  wire::Error last_error(const SessionId& id) { return all<wire::Error>(out_.clients[id]).back(); }
  wire::Opened last_opened(const SessionId& id) { return all<wire::Opened>(out_.clients[id]).back(); }
};

TEST_F(IntakeRollbackTest, StreamGoesOnFromTheCopyOfTheEpoch) {
  begin();
  roll_back(7, 3);
  ASSERT_EQ(asked().size(), 1u);
  EXPECT_EQ(asked()[0].epoch, 3u);
  EXPECT_EQ(asked()[0].as, 6u);
  push("c", 4);  // is not taken, and not refused either
  EXPECT_THAT(errors("c"), IsEmpty());
  EXPECT_THAT(done(), IsEmpty());

  pipeline(copied(6));
  EXPECT_EQ(gauges_.outstanding_bytes, 0u);
  EXPECT_EQ(all<OpenPartition>(out_.workers[holder()]).back().state, copied(6).states[0]);
  EXPECT_EQ(last_error("c").code, ErrorCode::kRolledBack);
  EXPECT_EQ(
      last_error("c").text,
      "stream 's' was rolled back to epoch 3 by an operator: batches after 1 are not in it; open it again to go on "
      "from there");
  EXPECT_THAT(last_error("d").text, HasSubstr("batches after 0 are not in it"));
  EXPECT_THAT(done(), IsEmpty()) << "whoever asked would find its own stream still open";
  pipeline(StreamRolledBack{1, 6, {}, {}});
  ASSERT_EQ(done().size(), 1u);
  EXPECT_EQ(done()[0].request, 7u);
  EXPECT_EQ(done()[0].epoch, 6u);

  open("c");
  open("d");
  EXPECT_EQ(last_opened("c").accepted, 1u);
  EXPECT_EQ(last_opened("c").durable, 1u);
  EXPECT_EQ(last_opened("d").accepted, 0u);
  const std::size_t before = deliveries();
  push("c", 2);
  push("d", 1);
  EXPECT_EQ(deliveries(), before + 2);
  client("c", wire::Flush{1});
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_EQ(cuts()[0].epoch, 7u);
  EXPECT_EQ(cuts()[0].rows, 6u);
}

TEST_F(IntakeRollbackTest, ProducersAreToldUntilTheyOpenTheStreamAgain) {
  begin();
  roll_back(7, 3);
  pipeline(copied(6));
  pipeline(StreamRolledBack{1, 6, {}, {}});
  push("c", 4);
  client("c", wire::Ping{});
  lose_worker();
  RecoveredStream newest = copied(6);
  newest.rolled_back_to = 0;  // it is a rewind, and no other rollback
  pipeline(newest);
  EXPECT_EQ(errors("c").size(), 4u);
  EXPECT_THAT(errors("c"), Each(ErrorCode::kRolledBack));
  open("c");
  client("c", wire::Ping{});
  EXPECT_EQ(errors("c").size(), 4u);
  lose_worker();
  hire("w3");
  pipeline(newest);
  EXPECT_EQ(last_error("c").code, ErrorCode::kSequenceGap) << "that rollback is over for c";
  EXPECT_EQ(last_error("d").code, ErrorCode::kRolledBack);
}

TEST_F(IntakeRollbackTest, RefusedRollbackIsARewind) {
  begin();
  roll_back(7, 99);
  pipeline(stored());
  pipeline(StreamRolledBack{1, 0, ErrorCode::kUnknownEpoch, "epoch 99 is not kept"});
  EXPECT_THAT(done(), IsEmpty());
  EXPECT_EQ(last_error("o").request, 7u);
  EXPECT_EQ(last_error("o").code, ErrorCode::kUnknownEpoch);
  EXPECT_EQ(last_error("o").text, "epoch 99 is not kept");
  EXPECT_THAT(errors("c"), ElementsAre(ErrorCode::kSequenceGap));
  open("c");
  EXPECT_EQ(last_opened("c").accepted, 2u);
}

TEST_F(IntakeRollbackTest, EpochInFlightMayBecomeDurableAndNoNumberIsGivenTwice) {
  begin();
  client("c", wire::Flush{1});
  ASSERT_EQ(cuts().size(), 1u);
  ASSERT_EQ(cuts()[0].epoch, 6u);
  roll_back(7, 3);
  EXPECT_EQ(asked().at(0).as, 7u);
  pipeline(EpochDurable{1, 6});
  EXPECT_EQ(last_ack("c").durable, 3u);
  pipeline(copied(7));
  pipeline(StreamRolledBack{1, 7, {}, {}});
  EXPECT_TRUE(intake_.idle());
  open("c");
  push("c", 2);
  client("c", wire::Flush{1});
  EXPECT_EQ(cuts().back().epoch, 8u);
}

TEST_F(IntakeRollbackTest, NumberOfARefusedRollbackIsNotGivenAgain) {
  begin();
  roll_back(7, 99);
  pipeline(stored());
  pipeline(StreamRolledBack{1, 0, ErrorCode::kUnknownEpoch, "not kept"});
  roll_back(8, 3);
  EXPECT_EQ(asked().back().as, 7u);
}

TEST_F(IntakeRollbackTest, RollbacksComeOneAfterTheOther) {
  begin();
  lose_worker();  // the stream is being rewound
  roll_back(7, 3);
  roll_back(8, 5);
  EXPECT_THAT(asked(), IsEmpty());
  pipeline(stored());
  ASSERT_EQ(asked().size(), 1u);
  pipeline(StreamRolledBack{1, 0, ErrorCode::kStoreFailed, "disk full"});  // and no stream until it works
  EXPECT_EQ(last_error("o").request, 7u);
  EXPECT_EQ(asked().size(), 1u);
  pipeline(stored());
  ASSERT_EQ(asked().size(), 2u);
  EXPECT_EQ(asked()[1].epoch, 5u);
  pipeline(copied(7));
  pipeline(StreamRolledBack{1, 7, {}, {}});
  EXPECT_EQ(done().at(0).request, 8u);
  roll_back(9, 3);
  EXPECT_EQ(asked().size(), 3u);
}

TEST_F(IntakeRollbackTest, OnlySoManyWait) {
  begin();
  for (std::uint64_t request = 1; request <= 16; ++request) roll_back(request, 3);
  EXPECT_THAT(errors("o"), IsEmpty());
  roll_back(17, 3);
  EXPECT_EQ(last_error("o").request, 17u);
  EXPECT_EQ(last_error("o").code, ErrorCode::kTooMany);
}

TEST_F(IntakeRollbackTest, StreamThatWaitsForWorkersBeginsWithTheCopy) {
  intake_.recover(stored());
  connect();
  roll_back(7, 3);
  pipeline(copied(6));
  pipeline(StreamRolledBack{1, 6, {}, {}});
  EXPECT_EQ(done().size(), 1u);
  hire("w0");
  hire("w1");
  EXPECT_EQ(all<OpenPartition>(out_.workers[holder()]).at(0).state, copied(6).states[0]);
  EXPECT_EQ(last_opened("c").durable, 1u);
  EXPECT_THAT(errors("c"), IsEmpty()) << "it had been told nothing else";
}

TEST_F(IntakeRollbackTest, StreamThatIsNotThereOrDroppedMeanwhileIsNotRolledBack) {
  begin();
  client("o", wire::Rollback{6, "t", 3});
  EXPECT_EQ(last_error("o").request, 6u);
  EXPECT_EQ(last_error("o").code, ErrorCode::kUnknownStream);
  roll_back(7, 3);
  roll_back(8, 3);
  client("d", wire::Drop{"s"});
  EXPECT_THAT(errors("o"),
              ElementsAre(ErrorCode::kUnknownStream, ErrorCode::kUnknownStream, ErrorCode::kUnknownStream));
  EXPECT_EQ(last_error("o").request, 8u);
  pipeline(copied(6));
  pipeline(StreamRolledBack{1, 6, {}, {}});
  pipeline(StreamDropped{"s", {}});
  EXPECT_THAT(done(), IsEmpty());
  EXPECT_EQ(asked().size(), 1u);
}

}  // namespace
}  // namespace accrue::ingest
