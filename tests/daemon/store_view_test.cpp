#include "daemon/store_view.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/daemon/sqlite_file.hpp"
#include "tests/daemon/stored_stream.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using tests::SqliteFile;
using tests::StoredStream;

class StoreViewTest : public testing::Test {
 protected:
  static std::string bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
  }

  std::string refusal() const {
    try {
      StoreView view(file);
    } catch (const StoreError& error) {
      return error.what();
    }
    return "not refused";
  }

  tests::TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "store.sqlite";
  const std::filesystem::path log = directory.path() / "store.sqlite-wal";
};

TEST_F(StoreViewTest, EpochsComeNewestFirstWithTheirMetrics) {
  Store store(file);
  StoredStream stream(store);
  for (const std::uint64_t epoch : {2u, 3u, 7u}) stream.commit(epoch, static_cast<std::int64_t>(1'000 + epoch));
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("DELETE FROM metrics WHERE epoch = 3");
  StoreView view(file);
  const std::vector<KeptEpoch> epochs = view.epochs(stream.id(), 10);
  ASSERT_THAT(epochs, SizeIs(3));
  EXPECT_EQ(epochs[0].epoch, 7u);
  EXPECT_EQ(epochs[0].rows, 30u);
  EXPECT_EQ(epochs[0].committed_unix_ms, 1'007);
  EXPECT_EQ(epochs[0].champion, "least_squares");
  EXPECT_EQ(epochs[0].mse, 0.5);
  EXPECT_EQ(epochs[0].mse_clipped, 0.25);
  EXPECT_EQ(epochs[1].epoch, 3u);
  EXPECT_EQ(epochs[1].champion, "least_squares");
  EXPECT_EQ(epochs[1].mse, std::nullopt);
  EXPECT_EQ(epochs[2].epoch, 2u);
  EXPECT_THAT(view.epochs(stream.id(), 1), SizeIs(1));
  EXPECT_THAT(view.epochs(stream.id() + 1, 10), IsEmpty());
  const EpochRange range = view.epoch_range(stream.id());
  EXPECT_EQ(range.count, 3u);
  EXPECT_EQ(range.oldest, 2u);
  EXPECT_EQ(range.newest, 7u);
  EXPECT_EQ(view.epoch_range(stream.id() + 1).count, 0u);
  ASSERT_TRUE(view.epoch(stream.id(), 3));
  EXPECT_EQ(view.epoch(stream.id(), 3)->rows, 20u);
  EXPECT_EQ(view.epoch(stream.id(), 3)->committed_unix_ms, 1'003);
  EXPECT_FALSE(view.epoch(stream.id(), 4));
}

TEST_F(StoreViewTest, WhatIsCommittedMeanwhileIsNotSeen) {
  Store store(file);
  StoredStream stream(store);
  stream.commit(1, 0);
  StoreView view(file);
  EXPECT_EQ(view.epoch_range(stream.id()).newest, 1u);
  stream.commit(2, 0);
  EXPECT_EQ(view.epoch_range(stream.id()).newest, 1u);
  EXPECT_THAT(view.states(stream.id(), 2), IsEmpty());
  EXPECT_EQ(StoreView(file).epoch_range(stream.id()).newest, 2u);
}

// A writer that was killed leaves its newest commits in the write-ahead log alone.
TEST_F(StoreViewTest, LogOfAKilledWriterIsReadAndLeftAsItIs) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Store store(file);
    StoredStream stream(store);
    stream.commit(1, 0);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const std::string store_before = bytes(file);
  const std::string log_before = bytes(log);
  ASSERT_GT(log_before.size(), 0u);
  {
    StoreView view(file);
    ASSERT_THAT(view.streams(), SizeIs(1));
    EXPECT_THAT(view.states(view.streams()[0].id, 1), SizeIs(2));
    EXPECT_THAT(view.damage(), IsEmpty());
  }
  EXPECT_EQ(bytes(file), store_before);
  EXPECT_EQ(bytes(log), log_before);
}

TEST_F(StoreViewTest, FileThatIsNotThereIsNotMade) {
  EXPECT_THAT(refusal(), HasSubstr("store " + file.string() + ": cannot be opened"));
  EXPECT_FALSE(exists(file));
}

TEST_F(StoreViewTest, OtherFilesAreRefused) {
  { SqliteFile(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE).query("CREATE TABLE streams (id)"); }
  EXPECT_THAT(refusal(), HasSubstr("is not an accrue store"));
  std::ofstream(file) << std::string(5'000, 'x');
  EXPECT_THAT(refusal(), HasSubstr("not a database"));
}

TEST_F(StoreViewTest, NewerVersionIsRefusedByName) {
  { Store store(file); }
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("PRAGMA user_version = 1000");
  EXPECT_THAT(refusal(), HasSubstr("is of store version 1000"));
}

TEST_F(StoreViewTest, RowsThatBelongToNothingAreDamage) {
  {
    Store store(file);
    StoredStream(store).commit(1, 0);
  }
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("PRAGMA foreign_keys = OFF; DELETE FROM epochs");
  EXPECT_THAT(StoreView(file).damage(), testing::Contains("a row of table states belongs to nothing in table epochs"));
}

TEST_F(StoreViewTest, ProducersAheadOfTheNewestEpochAreFound) {
  Store store(file);
  StoredStream stream(store);
  stream.commit(3, 0);
  EXPECT_THAT(StoreView(file).producers_ahead(stream.id()), IsEmpty());
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("INSERT INTO producers VALUES (1, 'early', 4, 9)");
  EXPECT_THAT(StoreView(file).producers_ahead(stream.id()), ElementsAre("early"));
}

TEST_F(StoreViewTest, ErrorsOfAnEpochAreItsChampions) {
  Store store(file);
  StoredStream stream(store);
  stream.commit(1, 0);
  EpochRecord record = stream.record(2);
  record.champion = "other";
  record.metrics.push_back({.model = "other", .n = 4, .mse = 0.125, .mse_clipped = 0.0625});
  store.commit({&record, 1}, 0);
  StoreView view(file);
  const std::vector<KeptEpoch> epochs = view.epochs(stream.id(), 10);
  EXPECT_EQ(epochs.at(0).champion, "other");
  EXPECT_EQ(epochs.at(0).mse, 0.125);
  EXPECT_EQ(epochs.at(0).mse_clipped, 0.0625);
  EXPECT_EQ(epochs.at(1).champion, "least_squares");
  EXPECT_EQ(epochs.at(1).mse, 0.5);
  const std::vector<ScoredModel> scored = view.scored(stream.id(), 2);
  ASSERT_THAT(scored, SizeIs(2));
  EXPECT_EQ(scored[0].model, "least_squares");
  EXPECT_EQ(scored[0].rows, 10u);
  EXPECT_EQ(scored[1].model, "other");
  EXPECT_EQ(scored[1].rows, 4u);
}

TEST_F(StoreViewTest, StoreOfVersion1IsReadAsItIsAndBroughtUpToDate) {
  std::uint64_t id = 0;
  {
    Store store(file);
    StoredStream stream(store);
    stream.commit(1, 0);
    id = stream.id();
  }
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("ALTER TABLE epochs DROP COLUMN champion");
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("DROP TABLE history");
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("DROP TABLE events");
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("DROP TABLE evicted_keys; DROP TABLE key_beginnings");
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("PRAGMA user_version = 1");
  EXPECT_EQ(StoreView(file).epochs(id, 10).at(0).champion, "least_squares");
  EXPECT_EQ(StoreView(file).epochs(id, 10).at(0).mse, 0.5);
  {
    Store store(file);
    store.roll_back(id, 1, 2, 0);
  }
  const std::vector<KeptEpoch> epochs = StoreView(file).epochs(id, 10);
  ASSERT_THAT(epochs, SizeIs(2));
  for (const KeptEpoch& epoch : epochs) EXPECT_EQ(epoch.champion, "least_squares");
}

}  // namespace
}  // namespace accrue::daemon
