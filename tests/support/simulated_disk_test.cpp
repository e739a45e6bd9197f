// The disk that other tests break: it must be a disk, it must break as it is told, and one seed must be one story.
#include "tests/support/simulated_disk.hpp"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace accrue::tests {
namespace {

using Operation = SimulatedDisk::Operation;

class Database {
 public:
  explicit Database(const std::string& file = "/db") {
    EXPECT_EQ(sqlite3_open(file.c_str(), &handle_), SQLITE_OK);
    sqlite3_extended_result_codes(handle_, 1);
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  int run(const std::string& sql) { return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr); }

  std::string ask(const std::string& sql) {
    std::string answer;
    const auto append = [](void* text, int, char** values, char**) {
      static_cast<std::string*>(text)->append(values[0] == nullptr ? "NULL" : values[0]);
      return 0;
    };
    int code = SQLITE_OK;
    do {  // the sleeps with which SQLite waits for a writer in its way take no time on this disk
      code = sqlite3_exec(handle_, sql.c_str(), append, &answer, nullptr);
    } while (code == SQLITE_PROTOCOL || code == SQLITE_BUSY);
    EXPECT_EQ(code, SQLITE_OK) << sqlite3_errmsg(handle_);
    return answer;
  }

 private:
  sqlite3* handle_ = nullptr;
};

constexpr const char* kCreate = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (x)";

TEST(SimulatedDiskTest, HoldsWhatIsWrittenToIt) {
  SimulatedDisk disk({});
  {
    Database db;
    ASSERT_EQ(db.run(kCreate), SQLITE_OK);
    ASSERT_EQ(db.run("INSERT INTO t VALUES ('kept')"), SQLITE_OK);
    EXPECT_TRUE(disk.holds("/db-wal"));
  }
  EXPECT_FALSE(disk.holds("/db-wal"));
  EXPECT_EQ(Database().ask("SELECT x FROM t"), "kept");
  EXPECT_EQ(Database().ask("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(disk.used_bytes(), 2u * 4096);
}

TEST(SimulatedDiskTest, ConnectionsLockEachOtherOut) {
  SimulatedDisk disk({});
  Database one;
  Database other;
  for (const char* mode : {"DELETE", "WAL"}) {
    ASSERT_EQ(one.ask(std::string("PRAGMA journal_mode = ") + mode), mode == std::string("WAL") ? "wal" : "delete");
    ASSERT_EQ(one.run("BEGIN IMMEDIATE; CREATE TABLE t (x)"), SQLITE_OK);
    EXPECT_EQ(other.run("BEGIN IMMEDIATE"), SQLITE_BUSY);
    EXPECT_EQ(other.ask("SELECT count(*) FROM sqlite_schema"), "0");
    ASSERT_EQ(one.run("COMMIT"), SQLITE_OK);
    EXPECT_EQ(other.ask("SELECT count(*) FROM sqlite_schema"), "1");
    ASSERT_EQ(other.run("DROP TABLE t"), SQLITE_OK);
  }
}

TEST(SimulatedDiskTest, NthOperationFailsAndThoseAfterItDoNot) {
  SimulatedDisk disk({});
  Database db;
  ASSERT_EQ(db.run(kCreate), SQLITE_OK);
  disk.fail_nth(Operation::kSync, 2, SQLITE_IOERR_FSYNC);
  EXPECT_EQ(db.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
  EXPECT_FALSE(disk.failure_met());
  EXPECT_EQ(db.run("INSERT INTO t VALUES (2)"), SQLITE_IOERR_FSYNC);
  EXPECT_TRUE(disk.failure_met());
  EXPECT_EQ(db.run("INSERT INTO t VALUES (3)"), SQLITE_OK);
  EXPECT_EQ(db.ask("SELECT group_concat(x) FROM t"), "1,3");
}

TEST(SimulatedDiskTest, EverythingFailsUntilHealed) {
  SimulatedDisk disk({});
  {
    Database db;
    ASSERT_EQ(db.run(kCreate), SQLITE_OK);
    disk.fail_from(1, SQLITE_IOERR);
    EXPECT_NE(db.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
    sqlite3* refused = nullptr;
    EXPECT_NE(sqlite3_open("/db", &refused), SQLITE_OK);
    sqlite3_close(refused);
  }
  disk.heal();
  EXPECT_EQ(Database().ask("SELECT count(*) FROM t"), "0");
}

TEST(SimulatedDiskTest, FullDiskTakesNoMoreUntilItHasRoom) {
  SimulatedDisk disk({});
  Database db;
  ASSERT_EQ(db.run(kCreate), SQLITE_OK);
  disk.set_capacity(disk.used_bytes() + 3 * 4096);
  int rows = 0;
  while (rows < 10 && db.run("INSERT INTO t VALUES (1)") == SQLITE_OK) ++rows;
  EXPECT_EQ(rows, 2);
  disk.set_capacity(disk.used_bytes() + (1u << 20));
  EXPECT_EQ(db.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
}

// Whether a row survives a power cut right after its insertion, in 100 stories.
int survivals(const std::string& synchronous, bool powersafe_overwrite) {
  int survived = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedDisk disk({.seed = seed, .powersafe_overwrite = powersafe_overwrite});
    {
      Database db;
      EXPECT_EQ(db.run(kCreate), SQLITE_OK);
      EXPECT_EQ(db.run("PRAGMA synchronous = " + synchronous), SQLITE_OK);
      EXPECT_EQ(db.run("INSERT INTO t VALUES (1)"), SQLITE_OK);
      disk.cut_power();
      EXPECT_NE(db.run("INSERT INTO t VALUES (2)"), SQLITE_OK) << "the connection was to be cut off";
    }
    survived += Database().ask("SELECT count(*) FROM t") == "1";
    EXPECT_EQ(Database().ask("PRAGMA integrity_check"), "ok") << "seed " << seed;
  }
  return survived;
}

TEST(SimulatedDiskTest, PowerCutTakesWhatWasNotSynced) {
  EXPECT_EQ(survivals("FULL", true), 100);
  EXPECT_EQ(survivals("FULL", false), 100);
  const int unsynced = survivals("NORMAL", true);
  EXPECT_GT(unsynced, 10);
  EXPECT_LT(unsynced, 90);
}

TEST(SimulatedDiskTest, KilledProcessLeavesWhatItWrote) {
  SimulatedDisk disk({});
  {
    Database db;
    ASSERT_EQ(db.run(kCreate), SQLITE_OK);
    ASSERT_EQ(db.run("PRAGMA synchronous = OFF; INSERT INTO t VALUES (1)"), SQLITE_OK);
    disk.kill_process();
  }
  EXPECT_TRUE(disk.holds("/db-wal"));
  EXPECT_EQ(Database().ask("SELECT x FROM t"), "1");
}

TEST(SimulatedDiskTest, WhatAFailedSyncLostStaysLost) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedDisk disk({.seed = seed});
    {
      Database db;
      ASSERT_EQ(db.run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL; CREATE TABLE t (x)"), SQLITE_OK);
      disk.fail_nth(Operation::kSync, 1, SQLITE_IOERR_FSYNC);
      disk.fail_from(2, SQLITE_IOERR);  // so that nothing is written again
      ASSERT_NE(db.run("INSERT INTO t VALUES ('" + std::string(5000, 'x') + "')"), SQLITE_OK);
      disk.cut_power();
    }
    Database db;
    lost += db.run("SELECT * FROM t") != SQLITE_OK || db.ask("SELECT count(*) FROM t") == "0";
  }
  EXPECT_GT(lost, 10);
}

TEST(SimulatedDiskTest, OneSeedIsOneStory) {
  const auto story = [](std::uint64_t seed) {
    SimulatedDisk disk({.seed = seed});
    {
      Database db;
      EXPECT_EQ(db.run(kCreate), SQLITE_OK);
      EXPECT_EQ(db.run("PRAGMA synchronous = OFF"), SQLITE_OK);
      for (int i = 0; i < 20; ++i) EXPECT_EQ(db.run("INSERT INTO t VALUES (random())"), SQLITE_OK);
      disk.cut_power();
    }
    return Database().ask("SELECT group_concat(x) || datetime('now') FROM t");
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(story(seed), story(seed));
  EXPECT_NE(story(1), story(2));
}

TEST(SimulatedDiskTest, ThreadsReadWhatAnotherWrites) {
  constexpr int kRows = 500;
  SimulatedDisk disk({});
  Database writer;
  ASSERT_EQ(writer.run(kCreate), SQLITE_OK);
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([] {
      Database reader;
      for (int seen = 0; seen < kRows;) {
        const int now = std::stoi(reader.ask("SELECT count(*) FROM t"));
        ASSERT_GE(now, seen);
        seen = now;
      }
    });
  }
  for (int rows = 0; rows < kRows;) {
    const int code = writer.run("INSERT INTO t VALUES (1)");
    if (code == SQLITE_OK) ++rows;
    const bool in_the_way = code == SQLITE_BUSY || code == SQLITE_PROTOCOL;  // of a reader, for a moment
    ASSERT_TRUE(code == SQLITE_OK || in_the_way) << code;
  }
  for (std::thread& reader : readers) reader.join();
}

TEST(SimulatedDiskTest, SeveralDisksAreSeveralWorlds) {
  SimulatedDisk one({});
  SimulatedDisk other({});
  EXPECT_NE(one.name(), other.name());
  EXPECT_EQ(Database().run(kCreate), SQLITE_OK);
  EXPECT_FALSE(one.holds("/db"));
  EXPECT_TRUE(other.holds("/db"));
  one.use();
  EXPECT_EQ(Database().ask("SELECT count(*) FROM sqlite_schema"), "0");
}

}  // namespace
}  // namespace accrue::tests
