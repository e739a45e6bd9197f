// The committer rolls a stream back: a copy of a kept epoch becomes the newest, whole or not at all, whatever the disk
// does meanwhile.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/daemon/committer_fixture.hpp"
#include "tests/daemon/stored_stream.hpp"

namespace accrue::daemon {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Operation = SimulatedDisk::Operation;

// Stream "s" is in the store with epochs 1 to 3, of 10, 20 and 30 rows and as many batches of p as their number.
class CommitterRollbackTest : public CommitterFixture {
 protected:
  void start(std::uint64_t seed = 1, const std::function<void(Store&)>& also = {}) {
    committer.reset();
    disk.reset();
    said.clear();
    recovered.reset();
    answer.reset();
    disk = std::make_unique<SimulatedDisk>(SimulatedDisk::Options{.seed = seed});
    auto store = std::make_unique<Store>(kFile);
    stream.emplace(*store, "s", 2);
    for (const std::uint64_t epoch : {1u, 2u, 3u}) stream->commit(epoch, 0);
    if (also) also(*store);
    committer = std::make_unique<Committer>(std::move(store), CommitterOptions{kFile, {}, kRetry},
                                            Publication{board, health, events, latencies},
                                            [this](const wire::Bytes& message) { hear(message); });
    committer->know(stream->id(), "s", stream->spec());
  }

  void roll_back(std::uint64_t epoch, std::uint64_t as) {
    recovered.reset();
    answer.reset();
    committer->on_message(wire::encode(ingest::RollBackStream{stream->id(), epoch, as}));
  }

  // Epoch 4, complete.
  void cut() {
    const EpochRecord record = stream->record(4);
    committer->on_message(wire::encode(ingest::EpochCut{record.stream, 4, record.rows, {{"p", 4}}, {}, {}}));
    for (const PartitionState& part : record.states) {
      committer->on_message(wire::encode(ingest::PartitionState{record.stream, 0, 4, part.partition, part.state}));
    }
  }

  void expect_same(const StoredEpoch& one, const StoredEpoch& other) {
    EXPECT_EQ(one.rows, other.rows);
    ASSERT_EQ(one.states.size(), other.states.size());
    for (std::size_t i = 0; i < one.states.size(); ++i) EXPECT_EQ(one.states[i].state, other.states[i].state);
    ASSERT_EQ(one.producers.size(), other.producers.size());
    for (std::size_t i = 0; i < one.producers.size(); ++i) {
      EXPECT_EQ(one.producers[i].sequence, other.producers[i].sequence);
    }
  }

  std::optional<tests::StoredStream> stream;
  std::vector<int> said;  // types of messages
  std::optional<ingest::RecoveredStream> recovered;
  std::optional<ingest::StreamRolledBack> answer;

  static constexpr int kDurable = ingest::EpochDurable::kType;
  static constexpr int kRecovered = ingest::RecoveredStream::kType;
  static constexpr int kAnswer = ingest::StreamRolledBack::kType;

 private:
  void hear(const wire::Bytes& message) {
    wire::Frame frame;
    ASSERT_EQ(frame.parse(message, wire::Sender::kTrusted), wire::DecodeError::kNone);
    said.push_back(frame.type());
    if (frame.type() == kRecovered) {
      ASSERT_EQ(frame.read(recovered.emplace()), wire::DecodeError::kNone);
    } else if (frame.type() == kAnswer) {
      ASSERT_EQ(frame.read(answer.emplace()), wire::DecodeError::kNone);
    }
  }
};

TEST_F(CommitterRollbackTest, CopyOfTheEpochIsTheNewest) {
  start();
  cut();  // is not written yet, and comes before it
  roll_back(1, 6);
  EXPECT_FALSE(settle());
  EXPECT_THAT(said, ElementsAre(kDurable, kRecovered, kAnswer));
  EXPECT_EQ(answer->epoch, 6u);
  EXPECT_THAT(answer->error, IsEmpty());
  EXPECT_EQ(recovered->rolled_back_to, 1u);
  EXPECT_EQ(recovered->epoch, 6u);
  EXPECT_EQ(recovered->rows, 10u);
  ASSERT_EQ(recovered->producers.size(), 1u);
  EXPECT_EQ(recovered->producers[0].sequence, 1u);
  EXPECT_EQ(board.find("s")->epoch, 6u);
  EXPECT_EQ(board.find("s")->rows, 10u);
  const auto store = lose_power();
  EXPECT_THAT(store->epochs(stream->id()), ElementsAre(6, 4, 3, 2, 1));
  expect_same(store->load(stream->id(), 6), store->load(stream->id(), 1));
}

TEST_F(CommitterRollbackTest, EpochWhoseStatesAreMissingIsVoid) {
  start();
  committer->on_message(wire::encode(ingest::EpochCut{stream->id(), 4, 30, {{"p", 4}}, {}, {}}));
  roll_back(3, 5);
  EXPECT_FALSE(settle());
  EXPECT_THAT(said, ElementsAre(kRecovered, kAnswer));
  EXPECT_THAT(lose_power()->epochs(stream->id()), ElementsAre(5, 3, 2, 1));
}

TEST_F(CommitterRollbackTest, EpochThatIsNotKeptIsRefusedWithTheRange) {
  start();
  for (const std::uint64_t epoch : {0u, 4u}) {
    roll_back(epoch, 5);
    EXPECT_FALSE(settle());
    EXPECT_EQ(answer->code, wire::ErrorCode::kUnknownEpoch);
    EXPECT_EQ(answer->error,
              "epoch " + std::to_string(epoch) + " of stream 's' is not kept; those kept are 3, from 1 to 3");
    EXPECT_EQ(recovered->epoch, 3u);
    EXPECT_EQ(recovered->rolled_back_to, 0u);
  }
  EXPECT_THAT(lose_power()->epochs(stream->id()), ElementsAre(3, 2, 1));
}

TEST_F(CommitterRollbackTest, DamagedEpochIsRefused) {
  start(1, [this](Store& store) {
    EpochRecord damaged = stream->record(4);
    damaged.states[1].state.pop_back();
    store.commit({&damaged, 1}, 0);
    stream->commit(5, 0);
  });
  roll_back(4, 6);
  EXPECT_FALSE(settle());
  EXPECT_THAT(answer->error, HasSubstr("epoch 4 of stream 's' is damaged: partition 1: the state is cut short"));
  EXPECT_THAT(lose_power()->epochs(stream->id()), ElementsAre(5, 4, 3, 2, 1));
}

// From any operation of the disk on: the rollback is refused, and did not happen although its copy may be on the disk.
TEST_F(CommitterRollbackTest, FailingStoreRefusesAndTheStreamGoesOnFromItsNewestEpoch) {
  std::uint64_t refused = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("outage from operation " + std::to_string(n) + " on");
    start(n);
    disk->fail_from(n, SQLITE_IOERR);
    roll_back(1, 5);
    if (!settle()) break;  // done before the disk failed
    ++refused;
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->code, wire::ErrorCode::kStoreFailed);
    EXPECT_THAT(answer->error, HasSubstr("stream 's' is not rolled back"));
    EXPECT_FALSE(recovered.has_value());
    EXPECT_TRUE(settle());
    disk->heal();
    EXPECT_FALSE(settle());
    ASSERT_TRUE(recovered.has_value());
    EXPECT_EQ(recovered->epoch, 3u);
    EXPECT_EQ(recovered->rolled_back_to, 0u);
    EXPECT_EQ(board.find("s")->epoch, 3u);

    roll_back(2, 6);
    EXPECT_FALSE(settle());
    EXPECT_EQ(recovered->rolled_back_to, 2u);
    const auto store = lose_power();
    EXPECT_THAT(store->epochs(stream->id()), ElementsAre(6, 3, 2, 1));
    expect_same(store->load(stream->id(), 6), store->load(stream->id(), 2));
    if (HasFailure()) return;
  }
  EXPECT_GT(refused, 3u);
}

TEST_F(CommitterRollbackTest, PowerCutLeavesItWholeOrNotAtAll) {
  bool was_done = false;
  bool was_not = false;
  for (std::uint64_t n = 1; !was_done || n < 3; ++n) {
    SCOPED_TRACE("power cut at operation " + std::to_string(n));
    start(n);
    disk->fail_from(n, SQLITE_IOERR);
    roll_back(1, 5);
    settle();
    const bool said_done = answer && answer->error.empty();
    const auto store = lose_power();
    const std::vector<std::uint64_t> epochs = store->epochs(stream->id());
    EXPECT_THAT(epochs, AnyOf(ElementsAre(5, 3, 2, 1), ElementsAre(3, 2, 1)));
    if (epochs.front() == 5) expect_same(store->load(stream->id(), 5), store->load(stream->id(), 1));
    EXPECT_TRUE(!said_done || epochs.front() == 5);
    was_done = was_done || said_done;
    was_not = was_not || epochs.front() == 3;
    if (HasFailure()) return;
  }
  EXPECT_TRUE(was_not);
}

}  // namespace
}  // namespace accrue::daemon
