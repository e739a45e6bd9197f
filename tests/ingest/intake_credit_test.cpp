// Intake: memory for batches that are not durable, shared by all producers.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

TEST_F(IntakeTest, AnEpochIsCutWhenHalfAWindowIsNotDurable) {
  join("c", "p");
  const std::vector<double> rows(2 * 10, 1.0);  // 192 bytes of the window's 1,000
  push("c", 1, rows);
  push("c", 2, rows);
  EXPECT_THAT(cuts(), IsEmpty()) << "no time has passed";
  push("c", 3, rows);
  ASSERT_EQ(cuts().size(), 1u);
  EXPECT_EQ(cuts()[0].rows, 30u);
  push("c", 4, rows);
  EXPECT_EQ(cuts().size(), 1u) << "one at a time";
  pipeline(EpochDurable{1, 1});
  EXPECT_EQ(cuts().size(), 2u) << "it was over half when the batch came";
  pipeline(EpochDurable{1, 2});
  push("c", 5, rows);
  EXPECT_EQ(cuts().size(), 2u);
}

TEST(IntakeCredit, WindowShrinksAsTheWholeFills) {
  IntakeOptions options;
  options.memory_bytes = 64u << 20;
  options.streams.window_bytes = 64u << 20;
  options.streams.version = "v";
  Recorder out;
  Gauges gauges;
  Intake intake(options, out, gauges);
  const auto say = [&](const SessionId& id, const wire::Bytes& bytes) {
    intake.on_client(id, zmq::message_t(bytes.data(), bytes.size()), {});
    intake.settle({});
  };
  intake.on_worker("w", wire::encode(Join{"v", "w"}), {});
  say("c", wire::encode(wire::Hello{"p", true}));
  say("c", wire::encode(wire::Open{"s", kSpec}));
  intake.on_pipeline(wire::encode(StreamCreated{"s", 1, {}}), {});
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
