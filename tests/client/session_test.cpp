// The conversation with the clock in hand: when the client speaks, and when it gives a connection up.
#include "client/src/session.hpp"

#include <vector>

#include <gmock/gmock.h>

namespace accrue::client {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class SessionTest : public testing::Test {
 protected:
  SessionTest() { session.restart(now); }

  // The types of what is said by now.
  std::vector<int> said() {
    std::deque<SharedFrame> frames;
    session.collect(now, frames);
    std::vector<int> types;
    for (const SharedFrame& frame : frames) {
      wire::Frame parsed;
      EXPECT_EQ(parsed.parse(*frame), wire::DecodeError::kNone);
      types.push_back(parsed.type());
    }
    return types;
  }

  template <class Message>
  void hear(const Message& message) {
    session.receive(wire::encode(message), now);
  }

  void hear_welcome() { hear(wire::Welcome{.version = "1", .query_endpoint = "", .max_message_bytes = 1'000}); }

  wire::Opened opened() const {
    wire::StreamSpec spec;
    spec.features = {"x"};
    spec.target = "y";
    return {.stream = "s", .stream_id = 1, .spec = spec, .accepted = 0, .durable = 0, .window_bytes = 1'000};
  }

  std::shared_ptr<Channel> open() {
    auto channel = session.open("s", std::nullopt);
    said();
    hear(opened());
    return channel;
  }

  static constexpr int kHello = wire::Hello::kType;
  static constexpr int kOpen = wire::Open::kType;
  static constexpr int kBatch = wire::Batch::kType;
  static constexpr int kPing = wire::Ping::kType;
  static constexpr int kRollback = wire::Rollback::kType;

  Clock::time_point now{std::chrono::hours(1)};
  Session session{{.endpoint = "tcp://here:1",
                   .producer = "me",
                   .ephemeral = true,
                   .batch_rows = 10,
                   .batch_linger = milliseconds(2)}};
};

TEST_F(SessionTest, GreetsAgainUntilItIsAnswered) {
  EXPECT_THAT(said(), ElementsAre(kHello));
  EXPECT_THAT(said(), IsEmpty());
  now += kPingBusy;
  EXPECT_EQ(session.deadline(), now);
  EXPECT_THAT(said(), ElementsAre(kHello));
  hear_welcome();
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(SessionTest, PingsOftenWhileSomethingIsAwaitedAndSeldomOtherwise) {
  said();
  hear_welcome();
  const auto channel = open();
  now += kPingBusy;
  EXPECT_THAT(said(), ElementsAre(kPing));
  now += kPingIdle - milliseconds(1);
  EXPECT_THAT(said(), IsEmpty());
  session.append(*channel, std::vector<double>{1, 2}, now);
  now += milliseconds(2);
  EXPECT_THAT(said(), ElementsAre(kPing, kBatch));
  now += kPingBusy;
  EXPECT_THAT(said(), ElementsAre(kPing));
  now += kPingBusy;
  EXPECT_THAT(said(), ElementsAre(kPing));
}

TEST_F(SessionTest, GivesTheConnectionUpAfterThreeSecondsOfSilence) {
  said();
  hear_welcome();
  now += kPingBusy;
  EXPECT_THAT(said(), ElementsAre(kPing));
  const auto asked = now;
  now = asked + kSilenceLimit - milliseconds(1);
  said();
  EXPECT_FALSE(session.lost(now));
  now = asked + kSilenceLimit;
  EXPECT_EQ(session.deadline(), now);
  EXPECT_TRUE(session.lost(now));
  session.restart(now);
  EXPECT_FALSE(session.lost(now));
  EXPECT_THAT(said(), ElementsAre(kHello));
}

TEST_F(SessionTest, AnyAnswerEndsTheSilence) {
  said();
  now += kSilenceLimit - milliseconds(1);
  hear(wire::Pong{});
  now += milliseconds(1);
  EXPECT_FALSE(session.lost(now));
}

TEST_F(SessionTest, ADaemonThatKnowsNobodyIsNotGreetedInATightLoop) {
  EXPECT_THAT(said(), ElementsAre(kHello));
  hear(wire::Error{.request = 0, .code = wire::ErrorCode::kNoSession, .about = "", .text = ""});
  EXPECT_TRUE(session.lost(now));
  session.restart(now);
  EXPECT_THAT(said(), IsEmpty());
  now += kHelloPause;
  EXPECT_EQ(session.deadline(), now);
  EXPECT_THAT(said(), ElementsAre(kHello));
}

TEST_F(SessionTest, APartialBatchIsSentWhenItsLingerIsOver) {
  said();
  hear_welcome();
  const auto channel = open();
  session.append(*channel, std::vector<double>{1, 2}, now);
  EXPECT_EQ(session.deadline(), now + milliseconds(2));
  now += milliseconds(1);
  EXPECT_THAT(said(), IsEmpty());
  now += milliseconds(1);
  EXPECT_THAT(said(), ElementsAre(kBatch));
}

TEST_F(SessionTest, ACallersProbeIsAPingAtOnce) {
  said();
  hear_welcome();
  EXPECT_THAT(said(), IsEmpty());
  session.ping_now();
  EXPECT_THAT(said(), ElementsAre(kPing));
}

TEST_F(SessionTest, ACallerWithASpecificationCreatesTheStreamThatOneWithoutCouldNotOpen) {
  said();
  hear_welcome();
  const auto without = session.open("s", std::nullopt);
  EXPECT_THAT(said(), ElementsAre(kOpen));
  const auto with = session.open("s", opened().spec);
  hear(wire::Error{.request = 0, .code = wire::ErrorCode::kUnknownStream, .about = "s", .text = "no such stream"});
  EXPECT_THAT(said(), ElementsAre(kOpen));
  hear(opened());
  EXPECT_EQ(without, with);
  EXPECT_EQ(with->phase, Channel::Phase::kOpen);
}

TEST_F(SessionTest, AStreamIsAskedForAgainUntilItIsOpen) {
  hear_welcome();
  const auto channel = session.open("s", std::nullopt);
  EXPECT_THAT(said(), Contains(kOpen));
  now += kOpenAgain - milliseconds(1);
  EXPECT_THAT(said(), Not(Contains(kOpen)));
  now += milliseconds(1);
  EXPECT_THAT(said(), Contains(kOpen)) << "the answer may have been lost";
  hear(opened());
  EXPECT_EQ(channel->phase, Channel::Phase::kOpen);
  now += kOpenAgain;
  EXPECT_THAT(said(), Not(Contains(kOpen)));
}

TEST_F(SessionTest, AStreamDroppedByAnotherFailsWithTheRowsItLost) {
  said();
  hear_welcome();
  const auto channel = open();
  session.append(*channel, std::vector<double>{1, 2}, now);
  EXPECT_EQ(session.kept_bytes(), 16u);
  hear(wire::Error{.request = 0, .code = wire::ErrorCode::kUnknownStream, .about = "s", .text = "no such stream"});
  ASSERT_TRUE(channel->failure);
  EXPECT_EQ(channel->failure->kind(), Error::Kind::kUnknownStream);
  EXPECT_THAT(channel->failure->what(), testing::HasSubstr("1 rows pushed here were not durable"));
  EXPECT_EQ(session.kept_bytes(), 0u) << "its rows use up no credit of other streams";
}

TEST_F(SessionTest, AStreamThatWasRolledBackFailsOnceAndCanBeOpenedAgain) {
  const wire::Error rolled_back{
      .request = 0, .code = wire::ErrorCode::kRolledBack, .about = "s", .text = "stream 's' was rolled back"};
  said();
  hear_welcome();
  const auto before = open();
  const auto drop = session.drop("s");
  said();
  session.append(*before, std::vector<double>{1, 2}, now);
  hear(rolled_back);
  ASSERT_TRUE(before->failure);
  EXPECT_EQ(before->failure->kind(), Error::Kind::kRolledBack);
  EXPECT_STREQ(before->failure->what(), "stream 's' was rolled back (1 rows pushed here were not durable)");
  EXPECT_EQ(session.kept_bytes(), 0u);

  hear(rolled_back);  // for a batch that was on its way
  const auto after = session.open("s", std::nullopt);
  EXPECT_THAT(said(), ElementsAre(kOpen));
  hear(rolled_back);  // and another
  wire::Opened answer = opened();
  answer.accepted = answer.durable = 4;
  hear(answer);
  ASSERT_EQ(after->phase, Channel::Phase::kOpen);
  session.append(*after, std::vector<double>{1, 2}, now);
  EXPECT_EQ(after->outbound->request_flush(), 5u) << "it goes on from what the daemon has";
  EXPECT_FALSE(drop->failure) << "that is another matter";
}

TEST_F(SessionTest, ARollbackIsAskedForUntilItIsAnswered) {
  said();
  const auto one = session.ask("s", wire::Rollback{.stream = "s", .epoch = 3});
  const auto other = session.ask("s", wire::Rollback{.stream = "s", .epoch = 4});
  hear_welcome();
  EXPECT_THAT(said(), ElementsAre(kRollback, kRollback));
  EXPECT_THAT(said(), IsEmpty());
  hear(wire::Error{.request = other->number, .code = wire::ErrorCode::kUnknownEpoch, .about = "s", .text = "not kept"});
  ASSERT_TRUE(other->failure);
  EXPECT_EQ(other->failure->kind(), Error::Kind::kUnknownEpoch);
  EXPECT_FALSE(one->failure);
  session.restart(now);
  now += kHelloPause;
  said();
  hear_welcome();
  EXPECT_THAT(said(), ElementsAre(kRollback));
  hear(wire::RolledBack{.request = one->number, .stream = "s", .epoch = 9});
  EXPECT_TRUE(one->done);
  EXPECT_EQ(one->new_epoch, 9u);
}

TEST_F(SessionTest, ARefusedRollbackLeavesTheStreamOpen) {
  said();
  hear_welcome();
  const auto channel = open();
  const auto rollback = session.ask("s", wire::Rollback{.stream = "s", .epoch = 3});
  EXPECT_THAT(said(), ElementsAre(kRollback));
  hear(wire::Error{
      .request = rollback->number, .code = wire::ErrorCode::kUnknownEpoch, .about = "s", .text = "not kept"});
  EXPECT_TRUE(rollback->failure);
  EXPECT_EQ(channel->phase, Channel::Phase::kOpen);
}

TEST_F(SessionTest, NothingIsDroppedForACallerWhoGaveUp) {
  said();
  session.drop("s");
  hear_welcome();
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(SessionTest, SaysByeOnlyWhenEverythingIsDurable) {
  EXPECT_FALSE(session.goodbye());
  said();
  hear_welcome();
  const auto channel = open();
  EXPECT_TRUE(session.goodbye());
  session.append(*channel, std::vector<double>{1, 2}, now);
  EXPECT_FALSE(session.goodbye());
  now += milliseconds(2);
  said();
  hear(wire::Ack{.stream_id = 1, .applied = 1, .durable = 0, .window_bytes = 1'000});
  EXPECT_FALSE(session.goodbye());
  hear(wire::Ack{.stream_id = 1, .applied = 1, .durable = 1, .window_bytes = 1'000});
  EXPECT_TRUE(session.goodbye());
}

TEST_F(SessionTest, ARowLargerThanTheDaemonTakesIsRefusedWhenTheStreamIsOpened) {
  said();
  hear(wire::Welcome{.version = "1", .query_endpoint = "", .max_message_bytes = wire::kBatchHeaderBytes + 15});
  const auto channel = open();
  ASSERT_TRUE(channel->failure);
  EXPECT_THAT(channel->failure->what(), testing::HasSubstr("a row of 16 bytes is more than the daemon takes"));
}

}  // namespace
}  // namespace accrue::client
