// The committer over a disk that is full or fails: nothing is called durable while it is, learning and predicting go
// on, the reason is told, and once the disk works again everything becomes durable by itself, in order, once.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/daemon/committer_fixture.hpp"
#include "tests/support/torture.hpp"

namespace accrue::daemon {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Operation = SimulatedDisk::Operation;
using Epochs = std::vector<std::uint64_t>;

const wire::StreamSpec kSpec = {.features = {"x"}, .target = "y"};

// A committer with a test in the place of the receiver and the worker. Time passes when the test says so.
class CommitterFaultsTest : public CommitterFixture {
 protected:
  void start(std::uint64_t seed = 1) {
    committer.reset();
    disk.reset();
    durable.clear();
    health.set_degraded({});
    disk = std::make_unique<SimulatedDisk>(SimulatedDisk::Options{.seed = seed, .powersafe_overwrite = seed % 2 == 0});
    committer = std::make_unique<Committer>(std::make_unique<Store>(kFile), CommitterOptions{kFile, {}, kRetry},
                                            Publication{board, health, events, latencies},
                                            [this](const wire::Bytes& message) { hear(message); });
  }

  // The stream's id, 0 where it was refused.
  std::uint64_t create(const std::string& name) {
    committer->on_message(wire::encode(ingest::CreateStream{name, kSpec}));
    return created.stream_id;
  }

  // False where it failed.
  bool drop(std::uint64_t stream, const std::string& name) {
    committer->on_message(wire::encode(ingest::DropStream{stream, name}));
    return dropped.error.empty();
  }

  // All that the committer hears of an epoch, which has as many rows as its number.
  void cut(std::uint64_t stream, std::uint64_t epoch) {
    models::ModelSet model = first_models(kSpec);
    for (std::uint64_t i = 1; i <= epoch; ++i) {
      const std::vector<double> row = {static_cast<double>(i), 2.0 * static_cast<double>(i)};
      model.learn({row.data(), 1, row.size(), 1, false});
    }
    committer->on_message(wire::encode(ingest::EpochCut{stream, epoch, epoch, {{"p", epoch}}, {}, {}}));
    const wire::Bytes state = model.encode();
    committer->on_message(wire::encode(ingest::PartitionState{stream, 0, epoch, 0, state}));
  }

  std::size_t said_durable() const {
    std::size_t epochs = 0;
    for (const auto& [stream, of_stream] : durable) epochs += of_stream.size();
    return epochs;
  }

  std::map<std::uint64_t, Epochs> durable;  // by stream, as it was said
  ingest::StreamCreated created;            // the last answers
  ingest::StreamDropped dropped;
  std::vector<ingest::RecoveredStream> rewound;

 private:
  void hear(const wire::Bytes& message) {
    wire::Frame frame;
    ASSERT_EQ(frame.parse(message, wire::Sender::kTrusted), wire::DecodeError::kNone);
    ingest::EpochDurable epoch;
    switch (frame.type()) {
      case ingest::StreamCreated::kType: ASSERT_EQ(frame.read(created), wire::DecodeError::kNone); break;
      case ingest::StreamDropped::kType: ASSERT_EQ(frame.read(dropped), wire::DecodeError::kNone); break;
      case ingest::RecoveredStream::kType:
        ASSERT_EQ(frame.read(rewound.emplace_back()), wire::DecodeError::kNone);
        break;
      default: ASSERT_EQ(frame.read(epoch), wire::DecodeError::kNone); durable[epoch.stream_id].push_back(epoch.epoch);
    }
  }
};

TEST_F(CommitterFaultsTest, FullDiskMakesEpochsWaitAndNothingElse) {
  start();
  const std::uint64_t a = create("a");
  const std::uint64_t b = create("b");
  disk->set_capacity(0);
  const std::uint64_t before = events.newest();
  for (const std::uint64_t stream : {a, b}) cut(stream, 1);
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_TRUE(settle());
    EXPECT_THAT(durable, IsEmpty());
    EXPECT_THAT(health.degraded(), HasSubstr(attempt == 0 ? "database or disk is full" : "No space left on device"));
  }
  EXPECT_EQ(board.find("a")->epoch, 1u) << "it was to be predicted from";
  EXPECT_EQ(board.find("b")->rows, 1u);

  disk->set_capacity(1u << 20);
  EXPECT_FALSE(settle());
  EXPECT_THAT(durable[a], ElementsAre(1));
  EXPECT_THAT(durable[b], ElementsAre(1));
  EXPECT_THAT(health.degraded(), IsEmpty());
  std::vector<bool> told;  // once that it is so, and once that it is not any more
  for (auto event = events.next(before, {}); event; event = events.next(event->id, {})) {
    if (event->kind == Event::Kind::kDegraded) told.push_back(event->data.at("degraded"));
  }
  EXPECT_THAT(told, ElementsAre(true, false));
  const auto store = lose_power();
  EXPECT_THAT(store->epochs(a), ElementsAre(1));
  EXPECT_THAT(store->epochs(b), ElementsAre(1));
}

TEST_F(CommitterFaultsTest, TransactionsThatSucceedAreTimedAndADroppedStreamIsNoLongerMeasured) {
  start();
  const std::uint64_t a = create("a");
  ASSERT_TRUE(latencies.of("a"));
  disk->set_capacity(0);
  cut(a, 1);
  EXPECT_TRUE(settle());
  EXPECT_EQ(latencies.commits().histogram.sample_count, 0u);
  disk->set_capacity(1u << 20);
  EXPECT_FALSE(settle());
  EXPECT_EQ(latencies.commits().histogram.sample_count, 1u);
  latencies.predicted("a", "least_squares", std::chrono::microseconds(1));
  latencies.predicted("a", "gone", std::chrono::microseconds(1));
  cut(a, 2);
  EXPECT_THAT(latencies.of("a")->predictions, ElementsAre(testing::Key("least_squares")));
  EXPECT_TRUE(drop(a, "a"));
  EXPECT_FALSE(latencies.of("a"));
}

TEST_F(CommitterFaultsTest, StreamIsRewoundToItsNewestEpochOnceThatIsWritten) {
  start();
  const std::uint64_t a = create("a");
  cut(a, 1);
  ASSERT_FALSE(settle());
  disk->set_capacity(0);
  cut(a, 2);
  committer->on_message(wire::encode(ingest::EpochCut{a, 3, 3, {}, {}, {}}));  // no state of it will ever come
  committer->on_message(wire::encode(ingest::Rewind{a}));
  EXPECT_TRUE(settle());
  EXPECT_THAT(rewound, IsEmpty());
  disk->set_capacity(1u << 20);
  EXPECT_FALSE(settle());
  EXPECT_THAT(durable[a], ElementsAre(1, 2));
  ASSERT_EQ(rewound.size(), 1u);
  EXPECT_EQ(rewound[0].epoch, 2u);
  EXPECT_EQ(rewound[0].rows, 2u);
  EXPECT_EQ(rewound[0].states.size(), 1u);
  EXPECT_EQ(rewound[0].producers.at(0).sequence, 2u);
  cut(a, 4);
  EXPECT_FALSE(settle());
  EXPECT_THAT(durable[a], ElementsAre(1, 2, 4));
  EXPECT_EQ(rewound.size(), 1u);
}

TEST_F(CommitterFaultsTest, StreamThatIsDroppedIsNotRewound) {
  start();
  const std::uint64_t a = create("a");
  committer->on_message(wire::encode(ingest::Rewind{a}));
  EXPECT_TRUE(drop(a, "a"));
  EXPECT_FALSE(settle());
  EXPECT_THAT(rewound, IsEmpty());
}

TEST_F(CommitterFaultsTest, FailingStoreIsTriedAgainOnlyAfterAWhile) {
  start();
  const std::uint64_t a = create("a");
  disk->fail_from(1, SQLITE_IOERR);
  cut(a, 1);
  now += kRetry;
  ASSERT_EQ(committer->settle(now, 0), now + kRetry);
  disk->heal();
  EXPECT_EQ(committer->settle(now + kRetry / 2, 0), now + kRetry);
  EXPECT_THAT(durable, IsEmpty());
  EXPECT_EQ(committer->settle(now + kRetry, 0), std::nullopt);
  EXPECT_THAT(durable[a], ElementsAre(1));
}

// The commit fails at its last step, its flush, and so does all that would take it back.
TEST_F(CommitterFaultsTest, EpochThatReachedTheStoreAllTheSameIsDurableOnce) {
  start();
  const std::uint64_t a = create("a");
  cut(a, 1);
  ASSERT_FALSE(settle());
  const std::uint64_t before = disk->operations(Operation::kAny);
  cut(a, 2);
  ASSERT_FALSE(settle());
  disk->fail_from(disk->operations(Operation::kAny) - before, SQLITE_IOERR_FSYNC);
  cut(a, 3);
  EXPECT_TRUE(settle());
  EXPECT_THAT(durable[a], ElementsAre(1, 2));
  disk->heal();
  EXPECT_FALSE(settle());
  EXPECT_THAT(durable[a], ElementsAre(1, 2, 3));
  EXPECT_THAT(lose_power()->epochs(a), ElementsAre(3, 2, 1));
}

TEST_F(CommitterFaultsTest, FailureOfAnIdleDaemonEndsByItself) {
  start();
  disk->fail_from(1, SQLITE_IOERR);
  EXPECT_EQ(create("a"), 0u);
  EXPECT_THAT(created.error, HasSubstr("cannot create a stream"));
  EXPECT_TRUE(settle());
  EXPECT_THAT(health.degraded(), HasSubstr("disk I/O error"));
  disk->heal();
  EXPECT_FALSE(settle());
  EXPECT_THAT(health.degraded(), IsEmpty());
}

TEST_F(CommitterFaultsTest, SmallWriteThatSucceedsDoesNotHideEpochsThatWait) {
  start();
  const std::uint64_t a = create("a");
  disk->set_capacity(0);
  cut(a, 1);
  EXPECT_TRUE(settle());
  disk->set_capacity(1u << 20);
  EXPECT_NE(create("b"), 0u);
  EXPECT_THAT(health.degraded(), HasSubstr("database or disk is full"));
  EXPECT_FALSE(settle());
  EXPECT_THAT(health.degraded(), IsEmpty());
}

// Where the room ends makes a difference: in the log, its index, the database. What closing the store sets free may do.
TEST_F(CommitterFaultsTest, DiskMayFillUpAnywhere) {
  constexpr std::uint64_t kMostBytes = 320u << 10;
  constexpr std::uint64_t kEnough = 16u << 20;
  int waited = 0;
  int cases = 0;
  for (std::uint64_t bytes = 0; bytes < kMostBytes && !HasFailure(); bytes += 1024, ++cases) {
    SCOPED_TRACE("a disk of " + std::to_string(bytes) + " bytes");
    start(tests::torture_seed() + bytes);
    const std::uint64_t a = create("a");
    const std::uint64_t b = create("b");
    disk->set_capacity(bytes);
    for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
      for (const std::uint64_t stream : {a, b}) cut(stream, epoch);
      if (settle() && settle() && settle()) {
        EXPECT_THAT(health.degraded(), AnyOf(HasSubstr("disk is full"), HasSubstr("No space left on device")));
        EXPECT_EQ(durable[b].size(), epoch - 1);
        disk->set_capacity(kEnough);
        EXPECT_FALSE(settle());
        ++waited;
      }
      EXPECT_EQ(durable[a].size(), epoch);
      EXPECT_EQ(durable[b].size(), epoch);
    }
    disk->set_capacity(kEnough);  // to open the store may take some, too
    EXPECT_THAT(lose_power()->epochs(a), ElementsAre(4, 3, 2, 1));
  }
  tests::report_torture(static_cast<std::uint64_t>(waited), "disks that were full");
  EXPECT_GT(waited, 10);
  EXPECT_LT(waited, cases) << "some were to have room enough";
}

// A life with a disk that fails from one operation on and is repaired as soon as that was noticed.
class CommitterOutageTest : public CommitterFaultsTest {
 protected:
  std::uint64_t created_at_last(const std::string& name) {
    if (const std::uint64_t id = create(name)) return id;
    notice_and_repair();
    return create(name);
  }

  void dropped_at_last(std::uint64_t stream, const std::string& name) {
    if (!drop(stream, name)) notice_and_repair();
  }

  void durable_at_last(const std::vector<std::uint64_t>& streams, std::uint64_t epoch) {
    const std::size_t before = said_durable();
    for (const std::uint64_t stream : streams) cut(stream, epoch);
    if (settle()) {
      EXPECT_EQ(said_durable(), before);
      notice_and_repair();
    }
    EXPECT_EQ(said_durable(), before + streams.size());
  }

  void live() {
    a = created_at_last("a");
    const std::uint64_t first_b = created_at_last("b");
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) durable_at_last({a, first_b}, epoch);
    dropped_at_last(first_b, "b");
    b = created_at_last("b");
    durable_at_last({a}, 4);
    durable_at_last({b}, 1);
  }

  std::uint64_t a = 0;
  std::uint64_t b = 0;

 private:
  void notice_and_repair() {
    const std::size_t before = said_durable();
    EXPECT_TRUE(settle());
    EXPECT_TRUE(settle());
    EXPECT_EQ(said_durable(), before) << "durable, and the disk takes nothing";
    EXPECT_THAT(health.degraded(), HasSubstr("disk I/O error"));
    disk->heal();
    EXPECT_FALSE(settle());
    EXPECT_THAT(health.degraded(), IsEmpty());
  }
};

TEST_F(CommitterOutageTest, FromAnyOperationOnAllIsMadeGoodOnce) {
  start();
  const std::uint64_t start_operations = disk->operations(Operation::kAny);
  live();
  const std::uint64_t end = disk->operations(Operation::kAny) - start_operations;
  const std::uint64_t all = end * (tests::torture() ? 100 : 1);
  std::uint64_t cases = 0;
  for (; cases < all && !HasFailure(); ++cases) {
    const std::uint64_t n = 1 + cases % end;
    const std::uint64_t seed = tests::torture_seed() + cases;
    SCOPED_TRACE("outage from operation " + std::to_string(n) + " on, seed " + std::to_string(seed));
    start(seed);
    disk->fail_from(n, SQLITE_IOERR);
    live();
    EXPECT_THAT(durable[a], ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(durable[b], ElementsAre(1));
    const auto store = lose_power();
    EXPECT_EQ(store->streams().size(), 2u);
    EXPECT_THAT(store->epochs(a), ElementsAre(4, 3, 2, 1));
    EXPECT_THAT(store->epochs(b), ElementsAre(1));
  }
  tests::report_torture(cases, "outages under the committer");
  EXPECT_GT(cases, 100u);
}

}  // namespace
}  // namespace accrue::daemon
