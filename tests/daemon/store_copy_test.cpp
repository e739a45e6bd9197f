#include "daemon/store_copy.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/faulty_disk.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/daemon/stored_stream.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::FaultyDisk;
using tests::SqliteFile;
using tests::StoredStream;

class StoreCopyTest : public testing::Test {
 protected:
  static std::vector<SqliteFile::Row> content(const std::filesystem::path& file) {
    std::vector<SqliteFile::Row> all;
    SqliteFile reader(file);
    for (const char* table : {"streams", "epochs", "producers", "rejections", "metrics"}) {
      for (SqliteFile::Row& row : reader.query(std::string("SELECT * FROM ") + table)) all.push_back(std::move(row));
    }
    for (SqliteFile::Row& row : reader.query("SELECT stream, epoch, partition, hex(state) FROM states")) {
      all.push_back(std::move(row));
    }
    return all;
  }

  std::string refusal() const {
    try {
      copy_store(file, copy);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "not refused";
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(copies.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  tests::TemporaryDirectory directory;
  tests::TemporaryDirectory copies;
  const std::filesystem::path file = directory.path() / "store.sqlite";
  const std::filesystem::path copy = copies.path() / "copy";
};

TEST_F(StoreCopyTest, CopyHoldsAllThatIsCommittedAndNeedsNoLogBesideIt) {
  Store store(file);  // stays open, so that its newest commits are in the log alone
  StoredStream stream(store);
  stream.commit(1, 0);
  stream.commit(2, 0);
  const Verification verification = copy_store(file, copy);
  ASSERT_EQ(verification.streams.size(), 1u);
  EXPECT_EQ(verification.streams[0].rows, 20u);
  EXPECT_EQ(content(copy), content(file));
  EXPECT_THAT(files(), ElementsAre("copy"));
  stream.commit(3, 0);
  EXPECT_EQ(SqliteFile(copy).query("SELECT max(epoch) FROM epochs"), (std::vector<SqliteFile::Row>{{"2"}}));
  EXPECT_THAT(files(), ElementsAre("copy"));
}

TEST_F(StoreCopyTest, CopyIsAStoreThatGoesOn) {
  {
    Store store(file);
    StoredStream(store).commit(1, 0);
  }
  copy_store(file, copy);
  Store store(copy);
  EXPECT_THAT(store.epochs(store.streams().at(0).id), ElementsAre(1));
  StoredStream(store, "another").commit(1, 0);
  EXPECT_EQ(store.streams().size(), 2u);
}

TEST_F(StoreCopyTest, NothingIsWrittenOver) {
  {
    Store store(file);
    StoredStream(store).commit(1, 0);
  }
  for (const char* in_the_way : {"copy", "copy-wal", "copy-journal"}) {
    std::ofstream(copies.path() / in_the_way) << "precious";
    EXPECT_THAT(refusal(), HasSubstr((copies.path() / in_the_way).string() + " is there already"));
    EXPECT_THAT(files(), ElementsAre(in_the_way));
    EXPECT_EQ(std::filesystem::file_size(copies.path() / in_the_way), 8u);
    std::filesystem::remove(copies.path() / in_the_way);
  }
  EXPECT_EQ(refusal(), "not refused");
}

TEST_F(StoreCopyTest, StoreWithProblemsIsNotCopied) {
  {
    Store store(file);
    StoredStream stream(store);
    stream.commit(1, 0);
    stream.commit(2, 0);
  }
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("DELETE FROM states WHERE epoch = 1 AND partition = 1");
  EXPECT_THAT(refusal(), testing::EndsWith("it is damaged: stream 's', epoch 1: 1 of 2 partitions are there"));
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("DELETE FROM metrics");
  EXPECT_THAT(refusal(), testing::EndsWith("(and 2 more)"));
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(StoreCopyTest, OtherFilesAreNotCopied) {
  EXPECT_THAT(refusal(), HasSubstr("cannot be opened"));
  { SqliteFile(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE).query("CREATE TABLE streams (id)"); }
  EXPECT_THAT(refusal(), HasSubstr("is not an accrue store"));
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(StoreCopyTest, PlaceThatCannotHoldAFileIsNamed) {
  { Store store(file); }
  EXPECT_THROW(copy_store(file, copies.path() / "missing" / "copy"), std::runtime_error);
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(StoreCopyTest, DiskThatFillsUpAnywhereLeavesNoFile) {
  {
    Store store(file);
    StoredStream stream(store);
    for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) stream.commit(epoch, 0);
  }
  FaultyDisk disk;
  constexpr int kMostWrites = 1'000;
  int failures = 0;
  for (;; ++failures) {
    ASSERT_LT(failures, kMostWrites);
    FaultyDisk::fill_after_writes(failures);
    if (refusal() == "not refused") break;
    ASSERT_THAT(files(), testing::IsEmpty()) << "full after " << failures << " writes";
  }
  FaultyDisk::repair();
  EXPECT_GT(failures, 5) << "the disk was to fill up in many places";
  EXPECT_EQ(content(copy), content(file));
}

TEST_F(StoreCopyTest, FailedFlushLeavesNoFile) {
  {
    Store store(file);
    StoredStream(store).commit(1, 0);
  }
  FaultyDisk disk;
  FaultyDisk::fail_flushes(true);
  EXPECT_NE(refusal(), "not refused");
  FaultyDisk::repair();
  EXPECT_THAT(files(), testing::IsEmpty());
}

}  // namespace
}  // namespace accrue::daemon
