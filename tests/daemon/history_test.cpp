#include "daemon/history.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sqlite_file.hpp"
#include "tests/daemon/stored_stream.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using tests::SqliteFile;
using tests::StoredStream;

class HistoryTest : public testing::Test {
 protected:
  std::string refusal(const std::string& name, std::uint64_t epoch) {
    try {
      history.snapshot(name, epoch);
    } catch (const EpochNotKept& error) {
      return error.what();
    }
    return "not refused";
  }

  tests::TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "store.sqlite";
  Store store{file, {.keep_epochs = 8}};
  StoredStream stream{store};
  History history{file};
};

TEST_F(HistoryTest, PastModelIsTheOneThatWasCommitted) {
  stream.commit(1, 0);
  const models::Fit then = stream.fit();
  stream.commit(2, 0);
  const auto snapshot = history.snapshot("s", 1);
  EXPECT_EQ(snapshot->stream, "s");
  EXPECT_EQ(snapshot->spec, stream.spec());
  EXPECT_EQ(snapshot->epoch, 1u);
  EXPECT_EQ(snapshot->rows, 10u);
  const models::Fit fit = tests::learner_of(snapshot->models).fit();
  EXPECT_EQ(fit.intercept, then.intercept);
  EXPECT_EQ(fit.coefficients, then.coefficients);
  EXPECT_NE(fit.coefficients, stream.fit().coefficients);
}

TEST_F(HistoryTest, ModelAskedForAgainIsNotDecodedAgain) {
  for (std::uint64_t epoch = 1; epoch <= 6; ++epoch) stream.commit(epoch, 0);
  const auto first = history.snapshot("s", 1);
  for (std::uint64_t epoch = 2; epoch <= History::kCachedModels; ++epoch) history.snapshot("s", epoch);
  EXPECT_EQ(history.snapshot("s", 1), first);
  const std::weak_ptr<const Snapshot> least_recent = history.snapshot("s", 2);
  for (const std::uint64_t epoch : {3u, 4u, 1u}) history.snapshot("s", epoch);
  EXPECT_FALSE(least_recent.expired());
  history.snapshot("s", 5);
  EXPECT_TRUE(least_recent.expired()) << "no more than kCachedModels are kept, the last used ones";
  EXPECT_EQ(history.snapshot("s", 1), first);
}

TEST_F(HistoryTest, EpochThatIsNotKeptIsRefusedWithTheRange) {
  EXPECT_EQ(refusal("s", 1), "epoch 1 of stream 's' is not kept; none is yet");
  for (const std::uint64_t epoch : {3u, 4u, 9u}) stream.commit(epoch, 0);
  EXPECT_EQ(refusal("s", 5), "epoch 5 of stream 's' is not kept; those kept are 3, from 3 to 9");
  EXPECT_EQ(refusal("t", 3), "epoch 3 of stream 't' is not kept; none is yet");
}

TEST_F(HistoryTest, EpochThatWasPrunedIsNotAnsweredFromMemory) {
  stream.commit(1, 0);
  history.snapshot("s", 1);
  for (std::uint64_t epoch = 2; epoch <= 9; ++epoch) stream.commit(epoch, 0);
  EXPECT_THAT(refusal("s", 1), HasSubstr("those kept are 8, from 2 to 9"));
}

TEST_F(HistoryTest, NumberThatComesAgainIsAnotherModel) {
  stream.commit(1, 100);
  stream.commit(2, 200);
  const auto before = history.snapshot("s", 2);
  store.rewind(stream.id(), 1);
  stream.commit(2, 300);
  EXPECT_EQ(history.snapshot("s", 2)->rows, 30u);
  EXPECT_EQ(before->rows, 20u);
}

TEST_F(HistoryTest, NameThatComesAgainIsAnotherStream) {
  stream.commit(1, 100);
  history.snapshot("s", 1);
  store.drop_stream(stream.id());
  StoredStream again(store, "s", 3);
  again.commit(1, 100);
  EXPECT_EQ(history.snapshot("s", 1)->spec.partitions, 3u);
}

TEST_F(HistoryTest, DamagedEpochIsSaidToBe) {
  stream.commit(1, 0);
  stream.commit(2, 0);
  SqliteFile(file, SQLITE_OPEN_READWRITE)
      .query("UPDATE states SET state = zeroblob(length(state)) WHERE epoch = 1 AND partition = 1");
  try {
    history.snapshot("s", 1);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("epoch 1 of stream 's': partition 1: "));
  }
  EXPECT_EQ(history.snapshot("s", 2)->rows, 20u);
}

TEST_F(HistoryTest, ListSaysHowManyThereAre) {
  EXPECT_EQ(history.epochs("s", 10).kept, 0u);
  for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) stream.commit(epoch, 0);
  const History::Epochs epochs = history.epochs("s", 2);
  EXPECT_EQ(epochs.kept, 5u);
  ASSERT_THAT(epochs.newest, SizeIs(2));
  EXPECT_EQ(epochs.newest[1].epoch, 4u);
  EXPECT_EQ(history.epochs("t", 2).kept, 0u);
}

}  // namespace
}  // namespace accrue::daemon
