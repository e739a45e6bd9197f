#include "daemon/older_parts.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/epoch_figures.hpp"
#include "daemon/evicted_keys.hpp"
#include "daemon/history.hpp"
#include "daemon/spec_json.hpp"
#include "daemon/store.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using testing::HasSubstr;
using tests::SqliteFile;

class OlderPartsTest : public testing::Test {
 protected:
  // Rows of the keys, two each; what the models then are, and the record of the epoch.
  EpochRecord learn(std::uint64_t epoch, const std::vector<double>& keys) {
    for (const double key : keys) {
      const std::vector<double> rows = {1, key, key, 2, 3 * key, key};
      models::RowsView view{rows.data(), 2, 3, 1, false};
      view.first_index = rows_;
      view.key_column = 2;
      models_.learn(view);
      rows_ += 2;
    }
    EpochRecord record;
    record.stream = stream_;
    record.epoch = epoch;
    record.rows = rows_;
    std::vector<EvictedKey> evicted;
    add_evicted(encode_evicted(models_.take_evicted()), evicted);
    record.evicted = in_order(std::move(evicted));
    record.states = {{0, models_.encode()}};
    add_figures(record, models_, nullptr);
    return record;
  }
  void commit(const EpochRecord& record) { store_.commit({&record, 1}, 0); }

  Snapshot snapshot(const EpochRecord& record) const {
    Snapshot snapshot{"s", spec_, record.epoch, record.rows, {}, models_};
    snapshot.evicted = record.evicted;
    return snapshot;
  }

  // The squared weight of what is known of a key's rows, which have an intercept: two a visit; 0 for none.
  double rows_known(const Snapshot& snapshot, double key) const {
    OlderParts older(file_, snapshot, snapshot.models.champion());
    const models::Factor* found = older.find(key);
    EXPECT_EQ(older.find(key), found) << "asked once more";
    return found ? std::round(found->diagonal(0) * found->diagonal(0)) : 0;
  }

  tests::TemporaryDirectory directory_;
  const std::filesystem::path file_ = directory_.path() / "store.sqlite";
  Store store_{file_, {.keep_epochs = 2}};
  const wire::StreamSpec spec_ = {
      .features = {"x"},
      .target = "y",
      .key = "k",
      .models = {{"m", "least_squares", {{"group_by", "key"}, {"max_keys", "1"}}}},
  };
  const std::uint64_t stream_ = store_.create_stream("s", to_json(spec_));
  models::ModelSet models_ = first_models(spec_);
  std::uint64_t rows_ = 0;
};

TEST_F(OlderPartsTest, WhatIsNotInTheStoreYetComesFromTheSnapshot) {
  commit(learn(1, {1, 2, 3, 1, 4}));
  const EpochRecord record = learn(2, {1, 5, 1, 0.0, 6, -0.0});
  const Snapshot newest = snapshot(record);
  for (const char* when : {"before it is durable", "after it was"}) {
    SCOPED_TRACE(when);
    EXPECT_EQ(rows_known(newest, 1), 8);
    EXPECT_EQ(rows_known(newest, 2), 2);
    EXPECT_EQ(rows_known(newest, 5), 2);
    EXPECT_EQ(rows_known(newest, -0.0), 2) << "the other two are held";
    EXPECT_EQ(rows_known(newest, 7), 0);
    if (store_.epochs(stream_).front() == 1) commit(record);
  }
}

TEST_F(OlderPartsTest, OfAnEpochThatIsNotKeptAnyMoreAreRefused) {
  const EpochRecord first = learn(1, {1, 2});
  const Snapshot old = snapshot(first);
  commit(first);
  EXPECT_EQ(rows_known(old, 1), 2);
  for (const std::uint64_t epoch : {2u, 3u}) commit(learn(epoch, {1, 2}));
  EXPECT_THROW(rows_known(old, 1), EpochNotKept);
  store_.drop_stream(stream_);
  EXPECT_THROW(rows_known(old, 1), EpochNotKept);
}

TEST_F(OlderPartsTest, DamageIsAnErrorOfThatKeyAlone) {
  const EpochRecord record = learn(1, {1, 2, 3});
  commit(record);
  SqliteFile(file_, SQLITE_OPEN_READWRITE).query("UPDATE evicted_keys SET state = zeroblob(60) WHERE key = 1");
  const Snapshot damaged = snapshot(record);
  EXPECT_EQ(rows_known(damaged, 2), 2);
  try {
    rows_known(damaged, 1);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("what model 'm' of stream 's' knew of key 1"));
  }
}

}  // namespace
}  // namespace accrue::daemon
