// Keys that models have evicted, in the store: summed, as of an epoch, pruned, rolled back, gone with their model.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/evicted_keys.hpp"
#include "daemon/store.hpp"
#include "daemon/store_view.hpp"
#include "daemon/verification.hpp"
#include "models/key_state.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/daemon/stored_stream.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::SqliteFile;

constexpr std::uint64_t kBeginning = 40;

// Of rows of one feature and a target, without intercept: x = 1, y = the value.
EvictedKey evicted(double key, std::initializer_list<double> targets, const std::string& model = "m",
                   std::uint64_t beginning = kBeginning) {
  models::Factor factor(2);
  for (const double target : targets) {
    std::array<double, 2> row = {1, target};
    factor.fold_row(row.data());
  }
  return {model, beginning, key, models::KeyState({beginning, 1}, key, factor).encode()};
}

class StoreKeysTest : public ::testing::Test {
 protected:
  void reopen(std::uint32_t keep_epochs) {
    store.reset();
    store.emplace(file, StoreOptions{.keep_epochs = keep_epochs});
  }

  void commit(std::uint64_t epoch, std::vector<EvictedKey>&& keys, const std::vector<KeyBeginning>& beginnings) {
    EpochRecord record;
    record.stream = stream;
    record.epoch = epoch;
    record.rows = epoch;
    record.champion = "m";
    record.evicted = in_order(std::move(keys));
    record.beginnings = beginnings;
    store->commit({&record, 1}, 0);
  }
  void commit(std::uint64_t epoch, std::vector<EvictedKey>&& keys) {
    commit(epoch, std::move(keys), {{"m", kBeginning}});
  }

  // How many rows are known of the key: the weight of its factor's first column. 0 for none.
  double rows(double key, std::uint64_t epoch, const std::string& model = "m", std::uint64_t beginning = kBeginning) {
    const std::vector<std::byte> state = StoreView(file).evicted_key(stream, {model, beginning}, key, epoch);
    if (state.empty()) return 0;
    std::optional<models::KeyState> read;
    EXPECT_EQ(models::KeyState::decode(state, read), models::DecodeError::kNone);
    const double diagonal = read->factor(1).diagonal(0);
    return std::round(diagonal * diagonal * 1e6) / 1e6;
  }

  std::string count(const std::string& table) {
    return SqliteFile(file).query("SELECT count(*) FROM " + table).at(0).at(0);
  }

  tests::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "store.sqlite";
  std::optional<Store> store{std::in_place, file};
  std::uint64_t stream = store->create_stream("s", "{}");
};

TEST_F(StoreKeysTest, AKeyIsTheSumOfAllThatWasEvictedUpToTheEpoch) {
  commit(1, {evicted(7, {1, 2}), evicted(8, {5})});
  commit(2, {});
  commit(3, {evicted(7, {4}), evicted(7, {5, 6}), evicted(-0.5, {1})});
  EXPECT_EQ(rows(7, 1), 2);
  EXPECT_EQ(rows(7, 2), 2);
  EXPECT_EQ(rows(7, 3), 5);
  EXPECT_EQ(rows(8, 3), 1);
  EXPECT_EQ(rows(-0.5, 2), 0);
  EXPECT_EQ(rows(-0.5, 3), 1);
  EXPECT_EQ(rows(7, 3, "other"), 0);
  EXPECT_EQ(rows(7, 3, "m", kBeginning + 1), 0) << "another learner of that name";
}

TEST_F(StoreKeysTest, OnlyWhatKeptEpochsNeedStays) {
  reopen(2);
  for (std::uint64_t epoch = 1; epoch <= 9; ++epoch) commit(epoch, {evicted(7, {1})});
  commit(10, {evicted(8, {1})});
  EXPECT_EQ(rows(7, 9), 9);
  EXPECT_EQ(rows(7, 10), 9);
  EXPECT_EQ(count("evicted_keys"), "2") << "key 7 as of 9, key 8";
  EXPECT_EQ(count("key_beginnings"), "2");
}

TEST_F(StoreKeysTest, ARollbackBringsBackWhatWasKnownThen) {
  commit(1, {evicted(7, {1, 2}), evicted(9, {1})});
  commit(2, {evicted(7, {3}), evicted(8, {4})});
  store->roll_back(stream, 1, 5, 0);
  EXPECT_EQ(rows(7, 5), 2);
  EXPECT_EQ(rows(8, 5), 0);
  EXPECT_EQ(rows(9, 5), 1);
  EXPECT_EQ(rows(7, 2), 3) << "what was undone can be looked at";
  commit(6, {evicted(7, {3, 3}), evicted(8, {4})});
  EXPECT_EQ(rows(7, 6), 4);
  EXPECT_EQ(rows(8, 6), 1) << "nothing of what was undone";
}

TEST_F(StoreKeysTest, ARewindForgetsWhatCameAfter) {
  commit(1, {evicted(7, {1, 2})});
  commit(2, {evicted(7, {3}), evicted(8, {4})});
  store->rewind(stream, 1);
  EXPECT_EQ(rows(7, 9), 2);
  EXPECT_EQ(rows(8, 9), 0);
  EXPECT_EQ(count("key_beginnings"), "1");
}

TEST_F(StoreKeysTest, GoWhenNoKeptEpochHasTheirLearner) {
  reopen(2);
  const KeyBeginning other{"other", kBeginning};
  commit(1, {evicted(7, {1}), evicted(7, {1}, "other")}, {{"m", kBeginning}, other});
  commit(2, {evicted(8, {1}, "other")}, {{"m", kBeginning}, other});
  commit(3, {}, {{"m", 300}, other});  // m began anew
  EXPECT_EQ(rows(7, 2), 1);
  commit(4, {evicted(7, {1, 1}, "m", 300)}, {{"m", 300}, other});
  EXPECT_EQ(rows(7, 4), 0);
  EXPECT_EQ(rows(7, 4, "m", 300), 2);
  EXPECT_EQ(rows(7, 4, "other"), 1);
  commit(5, {}, {{"m", 300}});  // the other was dropped
  commit(6, {}, {{"m", 300}});
  EXPECT_EQ(rows(7, 6, "other"), 0);
  EXPECT_EQ(count("evicted_keys"), "1");
}

TEST_F(StoreKeysTest, ForgottenKeysOfARollbackGoInTime) {
  reopen(2);
  commit(1, {evicted(7, {1})});
  commit(2, {evicted(8, {1})});
  store->roll_back(stream, 1, 3, 0);
  EXPECT_EQ(count("evicted_keys"), "3");
  commit(4, {});
  EXPECT_EQ(count("evicted_keys"), "1");
  EXPECT_EQ(rows(7, 4), 1);
}

TEST_F(StoreKeysTest, GoWithTheirStream) {
  commit(1, {evicted(7, {1})});
  store->drop_stream(stream);
  EXPECT_EQ(count("evicted_keys"), "0");
  EXPECT_EQ(count("key_beginnings"), "0");
}

TEST_F(StoreKeysTest, ADamagedOneIsReplacedByWhatComesNext) {
  commit(1, {evicted(7, {1, 2}), evicted(8, {1})});
  SqliteFile(file, SQLITE_OPEN_READWRITE).query("UPDATE evicted_keys SET state = zeroblob(60) WHERE key = 7");
  commit(2, {evicted(7, {1}), evicted(8, {1})});
  EXPECT_EQ(rows(7, 2), 1);
  EXPECT_EQ(rows(8, 2), 2);
}

TEST_F(StoreKeysTest, AStoreOfVersion2IsTaken) {
  tests::StoredStream old(*store, "old", 1);
  old.commit(1, 0);
  store.reset();
  SqliteFile(file, SQLITE_OPEN_READWRITE)
      .query("DROP TABLE evicted_keys; DROP TABLE key_beginnings; PRAGMA user_version = 2");
  StoreView(file).evicted_keys(old.id(), [](const EvictedKey&, std::uint64_t) { FAIL() << "there are none"; });
  reopen(16);
  EXPECT_EQ(SqliteFile(file).query("PRAGMA user_version"), (std::vector<SqliteFile::Row>{{"3"}}));
  commit(1, {evicted(7, {1, 2})});
  EXPECT_EQ(rows(7, 1), 2);
  EXPECT_EQ(store->load(old.id(), 1).rows, 10u);
}

class VerifiedKeys : public ::testing::Test {
 protected:
  VerifiedKeys() {
    Store store(file);
    tests::StoredStream stream(store, "s", 1);
    EpochRecord record = stream.record(1);
    record.evicted = in_order({evicted(7, {1, 2}), evicted(8, {1})});
    record.beginnings = {{"m", kBeginning}};
    store.commit({&record, 1}, 0);
  }

  std::vector<std::string> problems_after(const std::string& sql) {
    SqliteFile(file, SQLITE_OPEN_READWRITE).query(sql);
    std::vector<std::string> found;
    for (const Verification::Problem& problem : verify_store(file).problems) found.push_back(to_string(problem));
    return found;
  }

  tests::TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "store.sqlite";
};

TEST_F(VerifiedKeys, AreSound) { EXPECT_THAT(problems_after("SELECT 1"), IsEmpty()); }

TEST_F(VerifiedKeys, DamageIsFound) {
  EXPECT_THAT(problems_after("UPDATE evicted_keys SET state = zeroblob(60) WHERE key = 7"),
              ElementsAre("stream 's', epoch 1: key 7 that model 'm' evicted: these bytes are not a model's state"));
}

TEST_F(VerifiedKeys, ThoseUnderAnothersNameAreFound) {
  EXPECT_THAT(problems_after("UPDATE evicted_keys SET key = 9 WHERE key = 7"),
              ElementsAre("stream 's', epoch 1: key 9 that model 'm' evicted: it is under a wrong key"));
}

TEST_F(VerifiedKeys, ThoseAheadOfTheNewestEpochAreFound) {
  EXPECT_THAT(problems_after("UPDATE evicted_keys SET epoch = 2 WHERE key = 7"),
              ElementsAre(HasSubstr("it is ahead of the newest epoch")));
}

}  // namespace
}  // namespace accrue::daemon
