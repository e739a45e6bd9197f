// Intake with its outbox in plain lists: what it says to whom, for each event, in orders that sockets rarely produce.
#include "ingest/intake.hpp"

#include <limits>
#include <map>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/link.hpp"
#include "ingest/wire/batch_frame.hpp"

namespace accrue::ingest {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const wire::StreamSpec kSpec = {.features = {"a"}, .target = "y"};

// Everything the intake said, decoded.
class Recorder final : public Outbox {
 public:
  void to_client(const SessionId& session, const wire::Bytes& message) override { clients[session].push_back(message); }
  void to_worker(std::uint32_t worker, const wire::Bytes& message) override { workers[worker].push_back(message); }
  void to_worker(std::uint32_t worker, const wire::Bytes& message, zmq::message_t rows) override {
    workers[worker].push_back(message);
    payload_bytes += rows.size();
  }
  void to_committer(const wire::Bytes& message) override { committer.push_back(message); }

  std::map<SessionId, std::vector<wire::Bytes>> clients;
  std::map<std::uint32_t, std::vector<wire::Bytes>> workers;
  std::vector<wire::Bytes> committer;
  std::size_t payload_bytes = 0;
};

template <class Message>
std::vector<Message> all(const std::vector<wire::Bytes>& messages) {
  std::vector<Message> found;
  for (const wire::Bytes& bytes : messages) {
    wire::Frame frame;
    EXPECT_EQ(frame.parse(bytes), wire::DecodeError::kNone);
    if (frame.type() != Message::kType) continue;
    EXPECT_EQ(frame.read(found.emplace_back()), wire::DecodeError::kNone);
  }
  return found;
}

class IntakeTest : public testing::Test {
 protected:
  IntakeTest() : IntakeTest(options()) {}
  explicit IntakeTest(const IntakeOptions& with) : intake_(with, out_, gauges_) {}

  static IntakeOptions options() {
    IntakeOptions options;
    options.workers = 2;
    options.epoch_interval = milliseconds(100);
    options.epoch_rows = 1'000;
    options.window_bytes = 1'000;
    options.max_streams = 2;
    options.max_producers = 2;
    return options;
  }

  template <class Message>
  void client(const SessionId& id, const Message& message) {
    raw(id, wire::encode(message));
  }
  void raw(const SessionId& id, const wire::Bytes& bytes) {
    intake_.on_client(id, zmq::message_t(bytes.data(), bytes.size()), now_);
    intake_.settle(now_);
  }
  template <class Message>
  void pipeline(const Message& message) {
    intake_.on_pipeline(wire::encode(message));
    intake_.settle(now_);
  }
  void pass(milliseconds time) {
    now_ += time;
    intake_.settle(now_);
  }

  // A session of `producer` with stream 1 open.
  void join(const SessionId& id, const std::string& producer, const std::string& stream = "s") {
    client(id, wire::Hello{producer, true});
    client(id, wire::Open{stream, kSpec});
    for (const auto& create : all<CreateStream>(out_.committer)) {
      if (!created_.insert(create.name).second) continue;
      pipeline(StreamCreated{create.name, created_.size(), {}});
    }
  }
  void push(const SessionId& id, std::uint64_t sequence, const std::vector<double>& values = {1, 2, 3, 4},
            std::uint64_t stream_id = 1) {
    wire::BatchFrame frame(2, values.size() / 2);
    frame.append(values);
    raw(id, std::move(frame).seal(stream_id, sequence));
  }
  wire::Ack last_ack(const SessionId& id) { return all<wire::Ack>(out_.clients[id]).back(); }
  std::vector<wire::ErrorCode> errors(const SessionId& id) {
    std::vector<wire::ErrorCode> codes;
    for (const auto& error : all<wire::Error>(out_.clients[id])) codes.push_back(error.code);
    return codes;
  }
  std::vector<EpochCut> cuts() { return all<EpochCut>(out_.committer); }
  // The worker that was given the only partition there is.
  std::uint32_t holder() { return all<OpenPartition>(out_.workers[0]).empty() ? 1 : 0; }
  std::size_t deliveries() { return all<Deliver>(out_.workers[0]).size() + all<Deliver>(out_.workers[1]).size(); }

  TimePoint now_{};
  Recorder out_;
  Gauges gauges_;
  Intake intake_;
  std::set<std::string> created_;
};

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

TEST_F(IntakeTest, DurableOnlyAfterTheEpochAndAppliedBefore) {
  join("c", "p");
  push("c", 1);
  EXPECT_EQ(deliveries(), 1u);
  pipeline(Applied{holder(), 1});
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

TEST_F(IntakeTest, OfTwoConnectionsThatWaitForAStreamTheNewerHasIt) {
  for (const char* connection : {"z", "a"}) {  // their order of arrival is not that of their names
    client(connection, wire::Hello{"p", true});
    client(connection, wire::Open{"s", kSpec});
  }
  pipeline(StreamCreated{"s", 1, {}});
  EXPECT_THAT(errors("z"), ElementsAre(wire::ErrorCode::kSuperseded));
  EXPECT_THAT(errors("a"), IsEmpty());
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

TEST_F(IntakeTest, DropTellsWorkersCommitterAndOtherProducers) {
  join("c1", "p1");
  join("c2", "p2");
  push("c2", 1);
  client("c1", wire::Drop{"s"});
  EXPECT_THAT(errors("c2"), ElementsAre(wire::ErrorCode::kUnknownStream));
  EXPECT_EQ(all<ClosePartition>(out_.workers[holder()]).size(), 1u);
  EXPECT_EQ(all<DropStream>(out_.committer).size(), 1u);
  EXPECT_THAT(all<wire::Dropped>(out_.clients["c1"]), IsEmpty());
  pipeline(StreamDropped{"s", {}});
  EXPECT_EQ(all<wire::Dropped>(out_.clients["c1"]).size(), 1u);
  pipeline(Applied{holder(), 1});
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
  const auto first = all<Deliver>(out_.workers[0]);
  const auto second = all<Deliver>(out_.workers[1]);
  ASSERT_EQ(first.size() + second.size(), 2u);
  EXPECT_EQ(first.at(0).rows + second.at(0).rows, 20u);
  pipeline(Applied{0, 1});
  EXPECT_THAT(all<wire::Ack>(out_.clients["c"]).back().applied, 0u);
  pipeline(Applied{1, 1});
  EXPECT_EQ(last_ack("c").applied, 1u);
}

// Memory for three batches of one row.
class CrowdedIntakeTest : public IntakeTest {
 protected:
  static constexpr std::size_t kProducers = 8;

  CrowdedIntakeTest() : IntakeTest(crowded()) {}
  static IntakeOptions crowded() {
    IntakeOptions crowded = options();
    crowded.memory_bytes = 3 * (wire::kBatchHeaderBytes + 16 + 2 * Producer::kOverheadBytes);
    crowded.max_producers = kProducers;
    return crowded;
  }
  void push_row(const SessionId& id, std::uint64_t sequence) { push(id, sequence, {1, 2}); }
  std::size_t answers(const SessionId& id) { return all<wire::Opened>(out_.clients[id]).size(); }
};

TEST_F(CrowdedIntakeTest, BatchThatFindsNoRoomIsRefusedAndItsProducerGoesOnWhenThereIsSome) {
  join("a", "pa");
  join("b", "pb");
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) push_row("a", sequence);
  push_row("b", 1);
  EXPECT_THAT(errors("a"), IsEmpty());
  EXPECT_THAT(errors("b"), ElementsAre(wire::ErrorCode::kOverWindow));
  client("b", wire::Open{"s", std::nullopt});
  pass(milliseconds(5'000));
  EXPECT_EQ(answers("b"), 1u) << "there is still no room";
  pipeline(EpochDurable{1, 1});
  EXPECT_EQ(answers("b"), 2u);
  push_row("b", 1);
  EXPECT_THAT(errors("b"), ElementsAre(wire::ErrorCode::kOverWindow));
  EXPECT_EQ(deliveries(), 4u);
}

TEST_F(CrowdedIntakeTest, AllOfManyProducersGetTheirTurn) {
  std::vector<SessionId> ids;
  for (std::size_t i = 0; i < kProducers; ++i) join(ids.emplace_back("c" + std::to_string(i)), "p" + std::to_string(i));
  for (const SessionId& id : ids) push_row(id, 1);
  for (const SessionId& id : ids) {
    if (errors(id).empty()) out_.clients[id].clear();  // its batch is in
  }
  std::size_t sent = kProducers;
  for (std::uint64_t epoch = 1; deliveries() < kProducers && epoch <= kProducers; ++epoch) {
    for (const SessionId& id : ids) {  // as a client does: whoever is refused opens anew, and sends again when answered
      if (all<wire::Error>(out_.clients[id]).empty()) continue;
      out_.clients[id].clear();
      client(id, wire::Open{"s", std::nullopt});
    }
    pass(milliseconds(100));
    pipeline(EpochDurable{1, epoch});
    for (bool anybody = true; anybody;) {
      anybody = false;
      for (const SessionId& id : ids) {
        if (answers(id) == 0 || !all<wire::Error>(out_.clients[id]).empty()) continue;
        const std::uint64_t accepted = all<wire::Opened>(out_.clients[id]).back().accepted;
        out_.clients[id].clear();
        if (accepted > 0) continue;
        push_row(id, 1);
        ++sent;
        anybody = true;
      }
    }
  }
  EXPECT_EQ(deliveries(), kProducers);
  EXPECT_LE(sent, 3 * kProducers) << "nobody sends in vain again and again";
}

TEST_F(CrowdedIntakeTest, MemoryIsGivenBackByADrop) {
  join("a", "pa");
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) push_row("a", sequence);
  EXPECT_GT(gauges_.outstanding_bytes, 0u);
  client("a", wire::Drop{"s"});
  EXPECT_EQ(gauges_.outstanding_bytes, 0u);
}

TEST_F(IntakeTest, WindowIsNeverMoreThanConfigured) {
  join("c", "p");
  EXPECT_EQ(all<wire::Opened>(out_.clients["c"]).at(0).window_bytes, 1'000u);
  client("c", wire::Ping{});
  EXPECT_EQ(last_ack("c").window_bytes, 1'000u);
}

TEST(IntakeCredit, WindowShrinksAsTheWholeFills) {
  IntakeOptions options;
  options.memory_bytes = 64u << 20;
  options.window_bytes = 64u << 20;
  Recorder out;
  Gauges gauges;
  Intake intake(options, out, gauges);
  const auto say = [&](const SessionId& id, const wire::Bytes& bytes) {
    intake.on_client(id, zmq::message_t(bytes.data(), bytes.size()), {});
    intake.settle({});
  };
  say("c", wire::encode(wire::Hello{"p", true}));
  say("c", wire::encode(wire::Open{"s", kSpec}));
  intake.on_pipeline(wire::encode(StreamCreated{"s", 1, {}}));
  EXPECT_EQ(all<wire::Opened>(out.clients["c"]).at(0).window_bytes, 64u << 20);
  wire::BatchFrame frame(2, 1u << 20);
  frame.append(std::vector<double>(2u << 20, 1.0));  // 16 MiB
  say("c", std::move(frame).seal(1, 1));
  say("c", wire::encode(wire::Ping{}));
  EXPECT_LT(all<wire::Ack>(out.clients["c"]).back().window_bytes, 48u << 20);
  say("d", wire::encode(wire::Hello{"q", true}));
  say("d", wire::encode(wire::Open{"s", std::nullopt}));
  EXPECT_LT(all<wire::Opened>(out.clients["d"]).at(0).window_bytes, 24u << 20) << "they share what is free";
}

}  // namespace
}  // namespace accrue::ingest
