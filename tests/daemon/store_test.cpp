#include "daemon/store.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::SqliteFile;

constexpr std::int64_t kNow = 1'700'000'000'000;

using Sequences = std::map<std::string, std::uint64_t>;

class StoreTest : public ::testing::Test {
 protected:
  void reopen(std::uint32_t keep_epochs = 16, std::uint32_t keep_epochs_hours = 0) {
    store.reset();
    store.emplace(file, StoreOptions{.keep_epochs = keep_epochs, .keep_epochs_hours = keep_epochs_hours});
  }

  EpochRecord record(std::uint64_t stream, std::uint64_t epoch) {
    EpochRecord r;
    r.stream = stream;
    r.epoch = epoch;
    r.rows = epoch * 100;
    r.states = {{0, {std::byte(epoch)}}};
    r.rejections = {{"not finite", epoch}};
    r.metrics = {{.model = "main"}};
    return r;
  }

  void commit(const EpochRecord& r, std::int64_t unix_ms = kNow) { store->commit({&r, 1}, unix_ms); }

  Sequences sequences(std::uint64_t stream, std::uint64_t epoch) {
    Sequences found;
    for (const ProducerSequence& p : store->load(stream, epoch).producers) found[p.producer] = p.sequence;
    return found;
  }

  std::string single(const std::string& sql) { return SqliteFile(file).query(sql).at(0).at(0); }

  tests::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "store.sqlite";
  std::optional<Store> store{std::in_place, file};
};

TEST_F(StoreTest, StreamsOutliveTheStore) {
  const std::uint64_t a = store->create_stream("a", R"({"d": 8})");
  const std::uint64_t b = store->create_stream("b", "{}");
  reopen();
  const std::vector<StreamRecord> streams = store->streams();
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0].id, a);
  EXPECT_EQ(streams[0].name, "a");
  EXPECT_EQ(streams[0].spec, R"({"d": 8})");
  EXPECT_EQ(streams[1].id, b);
}

TEST_F(StoreTest, DroppedStreamsIdIsNeverUsedAgain) {
  const std::uint64_t dropped = store->create_stream("a", "{}");
  store->drop_stream(dropped);
  reopen();
  EXPECT_GT(store->create_stream("a", "{}"), dropped);
}

TEST_F(StoreTest, DroppedStreamLeavesNothing) {
  const std::uint64_t stream = store->create_stream("a", "{}");
  EpochRecord r = record(stream, 1);
  r.producers = {{"p", 1}};
  commit(r);
  store->drop_stream(stream);
  for (const char* table : {"streams", "epochs", "states", "producers", "rejections", "metrics"}) {
    EXPECT_EQ(single(std::string("SELECT count(*) FROM ") + table), "0") << table;
  }
  EXPECT_NO_THROW(store->drop_stream(stream));
}

TEST_F(StoreTest, SecondStreamOfTheSameNameIsRefused) {
  store->create_stream("a", "{}");
  try {
    store->create_stream("a", "{}");
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.sqlite_code(), SQLITE_CONSTRAINT_UNIQUE);
    EXPECT_THAT(error.what(), HasSubstr(file.string()));
    EXPECT_THAT(error.what(), HasSubstr("cannot create a stream: UNIQUE constraint failed: streams.name"));
  }
  EXPECT_EQ(store->streams().size(), 1u);
}

TEST_F(StoreTest, SpecificationMustBeJson) {
  EXPECT_THROW(store->create_stream("a", "{"), StoreError);
  EXPECT_THAT(store->streams(), IsEmpty());
}

TEST_F(StoreTest, CommittedEpochIsLoadedAsItWas) {
  const std::uint64_t stream = store->create_stream("a", "{}");
  EpochRecord r = record(stream, 7);
  const std::string odd_name("p\0\xff'", 4);
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  r.states = {{1, {}}, {0, std::vector<std::byte>(100'000, std::byte{0})}};
  r.producers = {{odd_name, largest}, {"a", 0}};
  r.rejections = {{"schema", 2}, {"not finite", 1}};
  commit(r);
  reopen();
  const StoredEpoch stored = store->load(stream, 7);
  EXPECT_EQ(stored.epoch, 7u);
  EXPECT_EQ(stored.rows, 700u);
  ASSERT_EQ(stored.states.size(), 2u);
  EXPECT_EQ(stored.states[0].partition, 0u);
  EXPECT_EQ(stored.states[0].state, r.states[1].state);
  EXPECT_EQ(stored.states[1].partition, 1u);
  EXPECT_THAT(stored.states[1].state, IsEmpty());
  EXPECT_EQ(sequences(stream, 7), (Sequences{{odd_name, largest}, {"a", 0}}));
  ASSERT_EQ(stored.rejections.size(), 2u);
  EXPECT_EQ(stored.rejections[0].reason, "not finite");
  EXPECT_EQ(stored.rejections[0].rows, 1u);
  EXPECT_EQ(single("SELECT committed_unix_ms FROM epochs"), std::to_string(kNow));
}

TEST_F(StoreTest, MetricsThatAreNotFiniteAreNull) {
  const std::uint64_t stream = store->create_stream("a", "{}");
  EpochRecord r = record(stream, 1);
  r.metrics = {{.model = "main",
                .n = 1,
                .mse = 0.25,
                .mae = 0.5,
                .rmse = 0.5,
                .r2 = std::nan(""),
                .mse_clipped = std::numeric_limits<double>::infinity(),
                .mae_clipped = -std::numeric_limits<double>::infinity()}};
  commit(r);
  const auto rows =
      SqliteFile(file).query("SELECT model, n, mse, mae, rmse, r2, mse_clipped, mae_clipped FROM metrics");
  EXPECT_THAT(rows, ElementsAre(ElementsAre("main", "1", "0.25", "0.5", "0.5", "NULL", "NULL", "NULL")));
}

TEST_F(StoreTest, EpochsAreListedNewestFirst) {
  const std::uint64_t a = store->create_stream("a", "{}");
  const std::uint64_t b = store->create_stream("b", "{}");
  const std::vector<EpochRecord> both = {record(a, 1), record(b, 5)};
  store->commit(both, kNow);
  commit(record(a, 3));
  EXPECT_THAT(store->epochs(a), ElementsAre(3, 1));
  EXPECT_THAT(store->epochs(b), ElementsAre(5));
  EXPECT_THAT(store->epochs(b + 1), IsEmpty());
}

TEST_F(StoreTest, LoadingAnEpochThatIsNotKeptNamesIt) {
  try {
    store->load(3, 4);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.sqlite_code(), 0);
    EXPECT_THAT(error.what(), HasSubstr("holds no epoch 4 of stream 3"));
  }
}

TEST_F(StoreTest, FewerThanTwoEpochsCannotBeAskedFor) {
  EXPECT_THROW(Store(directory.path() / "other", {.keep_epochs = 1}), std::invalid_argument);
  EXPECT_FALSE(exists(directory.path() / "other"));
}

TEST_F(StoreTest, OnlyTheNewestEpochsAreKept) {
  reopen(3);
  const std::uint64_t a = store->create_stream("a", "{}");
  const std::uint64_t b = store->create_stream("b", "{}");
  commit(record(b, 1));
  for (const std::uint64_t epoch : {1u, 2u, 4u, 8u, 9u}) commit(record(a, epoch));
  EXPECT_THAT(store->epochs(a), ElementsAre(9, 8, 4));
  EXPECT_THAT(store->epochs(b), ElementsAre(1));
  for (const char* table : {"states", "rejections", "metrics"}) {
    EXPECT_EQ(single(std::string("SELECT count(*) FROM ") + table), "4") << table;
  }
  reopen(2);
  commit(record(a, 10));
  EXPECT_THAT(store->epochs(a), ElementsAre(10, 9));
}

TEST_F(StoreTest, EpochsOlderThanTheirHoursGoButTheNewestTwoStay) {
  reopen(5, 2);
  const std::uint64_t a = store->create_stream("a", "{}");
  const auto commit_at = [&](std::uint64_t epoch, std::int64_t minutes) {
    EpochRecord r = record(a, epoch);
    r.producers = {{"p", epoch}};
    commit(r, kNow + minutes * 60'000);
  };
  commit_at(1, 0);
  commit_at(2, 60);
  commit_at(3, 120);
  EXPECT_THAT(store->epochs(a), ElementsAre(3, 2, 1)) << "the first is not older than two hours yet";
  commit_at(4, 121);
  EXPECT_THAT(store->epochs(a), ElementsAre(4, 3, 2));
  EXPECT_EQ(sequences(a, 2), (Sequences{{"p", 2}}));
  EXPECT_EQ(single("SELECT count(*) FROM producers"), "3");
  commit_at(5, 10'000);
  EXPECT_THAT(store->epochs(a), ElementsAre(5, 4)) << "recovery may have to fall back, however old that is";
  for (std::uint64_t epoch = 6; epoch <= 11; ++epoch) commit_at(epoch, 10'000);
  EXPECT_THAT(store->epochs(a), ElementsAre(11, 10, 9, 8, 7)) << "young ones are held to their number";
}

TEST_F(StoreTest, ClockThatWasSetBackDeletesNothing) {
  reopen(16, 1);
  const std::uint64_t a = store->create_stream("a", "{}");
  constexpr std::int64_t kDayMs = 86'400'000;
  commit(record(a, 1), kNow + kDayMs);
  commit(record(a, 2), kNow);
  commit(record(a, 3), kNow + kDayMs / 2);
  commit(record(a, 4), kNow + kDayMs / 2);
  EXPECT_THAT(store->epochs(a), ElementsAre(4, 3, 2, 1));
  commit(record(a, 5), kNow + 2 * kDayMs);
  EXPECT_THAT(store->epochs(a), ElementsAre(5, 4));
}

TEST_F(StoreTest, RewoundStreamGoesOnFromTheOlderEpoch) {
  const std::uint64_t stream = store->create_stream("a", "{}");
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    EpochRecord r = record(stream, epoch);
    r.producers = {{"p", epoch * 10}};
    if (epoch == 3) r.producers.push_back({"late", 1});
    commit(r);
  }
  store->rewind(stream, 2);
  EXPECT_THAT(store->epochs(stream), ElementsAre(2, 1));
  commit(record(stream, 3));
  EXPECT_EQ(sequences(stream, 3), (Sequences{{"p", 20}}));
}

TEST_F(StoreTest, RewindingToAnEpochThatIsNotKeptChangesNothing) {
  const std::uint64_t stream = store->create_stream("a", "{}");
  commit(record(stream, 2));
  EXPECT_THROW(store->rewind(stream, 1), StoreError);
  EXPECT_THAT(store->epochs(stream), ElementsAre(2));
}

TEST_F(StoreTest, RolledBackStreamHasACopyOfTheEpochAndItsProducersOfThatTime) {
  reopen(4);
  const std::uint64_t stream = store->create_stream("a", "{}");
  const std::uint64_t other = store->create_stream("b", "{}");
  EpochRecord r = record(stream, 1);
  r.producers = {{"gone", 1}, {"moved", 10}, {"still", 5}};
  commit(r);
  r = record(stream, 2);
  r.producers = {{"moved", 20}, {"new", 1}};
  r.departed = {"gone"};
  commit(r);
  commit(record(other, 7));
  store->roll_back(stream, 1, 5, kNow + 1);
  EXPECT_THAT(store->epochs(stream), ElementsAre(5, 2, 1));
  EXPECT_THAT(store->epochs(other), ElementsAre(7));
  const StoredEpoch then = store->load(stream, 1);
  const StoredEpoch copy = store->load(stream, 5);
  EXPECT_EQ(copy.rows, then.rows);
  EXPECT_EQ(copy.states.at(0).state, then.states.at(0).state);
  EXPECT_EQ(copy.rejections.at(0).rows, 1u);
  EXPECT_EQ(sequences(stream, 5), (Sequences{{"gone", 1}, {"moved", 10}, {"still", 5}}));
  EXPECT_EQ(sequences(stream, 2), (Sequences{{"moved", 20}, {"new", 1}, {"still", 5}}));
  EXPECT_EQ(single("SELECT count(*) FROM producers WHERE epoch = 5"), "3") << "what did not move is not said again";
  EXPECT_EQ(single("SELECT committed_unix_ms FROM epochs WHERE epoch = 5"), std::to_string(kNow + 1));
  EXPECT_EQ(single("SELECT count(*) FROM metrics WHERE epoch = 5"), "1");

  store->roll_back(stream, 2, 6, kNow);
  store->roll_back(stream, 6, 7, kNow);
  EXPECT_THAT(store->epochs(stream), ElementsAre(7, 6, 5, 2)) << "pruned as by any commit";
  EXPECT_EQ(sequences(stream, 7), (Sequences{{"moved", 20}, {"new", 1}, {"still", 5}}));
  EXPECT_THROW(store->roll_back(stream, 1, 8, kNow), StoreError);
  EXPECT_THAT(store->epochs(stream), ElementsAre(7, 6, 5, 2));
}

// A producer's life against a plain memory of it: every kept epoch, whichever recovery falls back to, knows every
// producer's sequence as it was then, and the table holds no row that no kept epoch needs.
TEST_F(StoreTest, EveryKeptEpochKnowsTheSequencesOfItsTime) {
  reopen(4);
  const std::uint64_t stream = store->create_stream("a", "{}");
  std::mt19937 random(1);
  std::map<std::uint64_t, Sequences> history;
  Sequences now;
  std::uint64_t epoch = 0;
  for (int step = 0; step < 300; ++step) {
    epoch += 1 + random() % 3;
    EpochRecord r = record(stream, epoch);
    for (const char* producer : {"a", "b", "c", "d", "e"}) {
      const auto chance = random() % 8;
      if (chance < 2) r.producers.push_back({producer, now[producer] += 1 + random() % 5});
      if (chance == 7 && now.erase(producer) != 0) r.departed.emplace_back(producer);
    }
    commit(r);
    history[epoch] = now;
    if (random() % 10 == 0) {
      const std::vector<std::uint64_t> choice = store->epochs(stream);
      const std::uint64_t to = choice[random() % choice.size()];
      store->roll_back(stream, to, ++epoch, kNow);
      now = history[epoch] = history.at(to);
    }
    const std::vector<std::uint64_t> kept = store->epochs(stream);
    for (const std::uint64_t e : kept) ASSERT_EQ(sequences(stream, e), history.at(e)) << "epoch " << e;

    const std::string oldest = std::to_string(kept.back());
    ASSERT_EQ(single("SELECT count(*) - count(DISTINCT producer) FROM producers WHERE epoch <= " + oldest), "0");
    ASSERT_EQ(single("SELECT count(*) FROM producers WHERE sequence IS NULL AND epoch <= " + oldest), "0");
    if (random() % 10 == 0) {
      epoch = kept[random() % kept.size()];
      store->rewind(stream, epoch);
      now = history.at(epoch);
    }
  }
}

}  // namespace
}  // namespace accrue::daemon
