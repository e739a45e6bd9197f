// What the store does when the disk, the process or the file fails it.
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store.hpp"
#include "tests/daemon/faulty_disk.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::FaultyDisk;
using tests::SqliteFile;

// More than any operation here needs: a disk that never fills up must let it through.
constexpr int kMostWrites = 1000;

class StoreRecoveryTest : public ::testing::Test {
 protected:
  static EpochRecord record(std::uint64_t stream, std::uint64_t epoch) {
    EpochRecord r;
    r.stream = stream;
    r.epoch = epoch;
    r.states = {{0, std::vector<std::byte>(20'000, std::byte(epoch))}};
    r.producers = {{"p", epoch}};
    r.metrics = {{.model = "main"}};
    return r;
  }

  static void commit(Store& store, std::uint64_t stream, std::uint64_t epoch) {
    const EpochRecord r = record(stream, epoch);
    store.commit({&r, 1}, 0);
  }

  // The message of the StoreError that opening the file ends in.
  std::string refusal() const {
    try {
      Store store(file);
    } catch (const StoreError& error) {
      return error.what();
    }
    return "not refused";
  }

  std::string bytes() const {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
  }

  void overwrite(std::streamoff offset, const std::string& with) const {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(offset);
    out << with;
  }

  std::size_t files_in_directory() const {
    const std::filesystem::directory_iterator files(directory.path());
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  tests::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "store.sqlite";
};

TEST_F(StoreRecoveryTest, EveryCommitIsFlushedBeforeItReturns) {
  FaultyDisk disk;
  Store store(file);
  const std::uint64_t stream = store.create_stream("a", "{}");
  for (std::uint64_t epoch = 1; epoch <= 10; ++epoch) {
    const int before = FaultyDisk::flushes();
    commit(store, stream, epoch);
    EXPECT_GT(FaultyDisk::flushes(), before) << "epoch " << epoch;
  }
}

TEST_F(StoreRecoveryTest, CommitOnADiskThatFillsUpLeavesNothing) {
  FaultyDisk disk;
  std::optional<Store> store(std::in_place, file);
  const std::uint64_t a = store->create_stream("a", "{}");
  const std::uint64_t b = store->create_stream("b", "{}");
  const std::vector<EpochRecord> both = {record(a, 1), record(b, 1)};
  int failures = 0;
  for (bool done = false; !done; ++failures) {
    ASSERT_LT(failures, kMostWrites);
    FaultyDisk::fill_after_writes(failures);
    try {
      store->commit(both, 0);
      done = true;
    } catch (const StoreError& error) {
      ASSERT_EQ(error.sqlite_code(), SQLITE_FULL) << error.what();
      ASSERT_THAT(error.what(), HasSubstr("cannot commit epochs: database or disk is full"));
    }
    FaultyDisk::repair();
    store.reset();
    store.emplace(file);
    ASSERT_THAT(store->epochs(a), SizeIs(done ? 1 : 0));
    ASSERT_THAT(store->epochs(b), SizeIs(done ? 1 : 0));
    ASSERT_EQ(SqliteFile(file).query("SELECT 1 FROM producers").size(), done ? 2u : 0u);
  }
  EXPECT_GT(failures, 10) << "the disk was to fill up in many places";
}

TEST_F(StoreRecoveryTest, FailedFlushIsAFailedCommit) {
  FaultyDisk disk;
  std::optional<Store> store(std::in_place, file);
  const std::uint64_t stream = store->create_stream("a", "{}");
  FaultyDisk::fail_flushes(true);
  try {
    commit(*store, stream, 1);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_EQ(error.sqlite_code(), SQLITE_IOERR_FSYNC);
  }
  FaultyDisk::repair();
  store.reset();
  store.emplace(file);
  EXPECT_THAT(store->epochs(stream), IsEmpty());
  commit(*store, stream, 1);
  EXPECT_THAT(store->epochs(stream), ElementsAre(1));
}

TEST_F(StoreRecoveryTest, CreationThatFailsAnywhereCanBeRepeated) {
  FaultyDisk disk;
  int failures = 0;
  for (bool done = false; !done; ++failures) {
    ASSERT_LT(failures, kMostWrites);
    FaultyDisk::fill_after_writes(failures);
    try {
      Store store(file);
      done = true;
    } catch (const StoreError&) {
    }
    FaultyDisk::repair();
  }
  EXPECT_GT(failures, 5);
  Store store(file);
  EXPECT_EQ(store.create_stream("a", "{}"), 1u);
}

TEST_F(StoreRecoveryTest, OneBadEpochKeepsTheOthersOutToo) {
  Store store(file);
  const std::uint64_t a = store.create_stream("a", "{}");
  const std::uint64_t b = store.create_stream("b", "{}");
  commit(store, b, 1);
  const std::vector<EpochRecord> second_is_there = {record(a, 1), record(b, 1)};
  EXPECT_THROW(store.commit(second_is_there, 0), StoreError);
  const std::vector<EpochRecord> second_has_no_stream = {record(a, 1), record(b + 1, 1)};
  EXPECT_THROW(store.commit(second_has_no_stream, 0), StoreError);
  EXPECT_THAT(store.epochs(a), IsEmpty());
  EXPECT_EQ(store.load(b, 1).producers.size(), 1u);
}

TEST_F(StoreRecoveryTest, KilledProcessLosesNoCommitItReported) {
  constexpr std::uint64_t kReports = 50;
  std::array<int, 2> reports{};
  ASSERT_EQ(pipe(reports.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      Store store(file, {.keep_epochs = 1'000'000});
      const std::uint64_t stream = store.create_stream("a", "{}");
      for (std::uint64_t epoch = 1;; ++epoch) {
        commit(store, stream, epoch);
        if (write(reports[1], &epoch, sizeof(epoch)) != sizeof(epoch)) _exit(1);
      }
    } catch (...) {
      _exit(1);
    }
  }
  close(reports[1]);
  std::uint64_t reported = 0;
  while (reported < kReports && read(reports[0], &reported, sizeof(reported)) == sizeof(reported)) {
  }
  kill(child, SIGKILL);
  while (read(reports[0], &reported, sizeof(reported)) == sizeof(reported)) {
  }
  close(reports[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  ASSERT_GE(reported, kReports);

  Store store(file, {.keep_epochs = 1'000'000});
  const std::uint64_t stream = store.streams().at(0).id;
  const std::vector<std::uint64_t> epochs = store.epochs(stream);
  ASSERT_GE(epochs.size(), reported);
  for (const std::uint64_t epoch : epochs) {
    const StoredEpoch stored = store.load(stream, epoch);
    ASSERT_EQ(stored.states.at(0).state, record(stream, epoch).states.at(0).state);
    ASSERT_EQ(stored.producers.at(0).sequence, epoch);
  }
}

TEST_F(StoreRecoveryTest, DamagedPageIsRefusedAtTheStart) {
  {
    Store store(file);
    commit(store, store.create_stream("a", "{}"), 1);
  }
  overwrite(3 * 4096, std::string(4096, '\x5a'));
  EXPECT_THAT(refusal(), HasSubstr("the file is damaged: move it and its -wal file away"));
}

// Power that fails while a checkpoint writes the first page; the log still has it.
TEST_F(StoreRecoveryTest, TornFirstPageIsRestoredFromTheLog) {
  const std::filesystem::path original = directory.path() / "original.sqlite";
  {
    Store store(original);
    commit(store, store.create_stream("a", "{}"), 1);
    std::filesystem::copy_file(original, file);
    std::filesystem::copy_file(original.string() + "-wal", file.string() + "-wal");
  }
  overwrite(0, std::string(512, '\x5a'));
  Store store(file);
  EXPECT_THAT(store.epochs(1), ElementsAre(1));
}

TEST_F(StoreRecoveryTest, LogOfAnotherDatabaseMakesAFileNoStore) {
  const std::filesystem::path original = directory.path() / "original.sqlite";
  {
    SqliteFile other(original, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    other.query("PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE streams (id)");
    std::filesystem::copy_file(original, file);
    std::filesystem::copy_file(original.string() + "-wal", file.string() + "-wal");
  }
  EXPECT_THAT(refusal(), HasSubstr("is not an accrue store but a SQLite database of another application"));
}

TEST_F(StoreRecoveryTest, TruncatedFileIsRefused) {
  {
    Store store(file);
    commit(store, store.create_stream("a", "{}"), 1);
  }
  std::filesystem::resize_file(file, 5 * 4096);
  EXPECT_THAT(refusal(), HasSubstr("the file is damaged"));
}

TEST_F(StoreRecoveryTest, DatabaseOfAnotherApplicationIsRefusedAndUntouched) {
  {
    SqliteFile other(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    other.query("PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE streams (id)");
  }
  const std::string before = bytes();
  EXPECT_THAT(refusal(), HasSubstr("is not an accrue store but a SQLite database of another application"));
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(files_in_directory(), 1u);
}

TEST_F(StoreRecoveryTest, FileThatIsNoDatabaseIsRefusedAndUntouched) {
  for (const std::string& text : {std::string("short"), std::string(5000, 'x')}) {
    std::ofstream(file) << text;
    EXPECT_THAT(refusal(), HasSubstr("is not an accrue store"));
    EXPECT_EQ(bytes(), text);
    EXPECT_EQ(files_in_directory(), 1u);
  }
}

TEST_F(StoreRecoveryTest, EmptyFileBecomesAStore) {
  std::ofstream(file).flush();
  EXPECT_EQ(refusal(), "not refused");
}

TEST_F(StoreRecoveryTest, NewerVersionIsRefusedByName) {
  { Store store(file); }
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("PRAGMA user_version = 1000");
  EXPECT_THAT(refusal(), HasSubstr("is of store version 1000, and this accrued knows 3 at most"));
  EXPECT_THAT(SqliteFile(file).query("PRAGMA user_version"), ElementsAre(ElementsAre("1000")));
}

TEST_F(StoreRecoveryTest, PlaceThatCannotHoldAFileIsNamed) {
  std::filesystem::create_directory(file);
  EXPECT_THAT(refusal(), HasSubstr("store " + file.string() + ": cannot be "));
  file = directory.path() / "missing" / "store.sqlite";
  EXPECT_THAT(refusal(), HasSubstr("store " + file.string() + ": cannot be opened"));
}

}  // namespace
}  // namespace accrue::daemon
