#include "daemon/verification.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sqlite_file.hpp"
#include "tests/daemon/stored_stream.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::SqliteFile;
using tests::StoredStream;

class VerificationTest : public testing::Test {
 protected:
  // Two streams of other shapes, three epochs each.
  VerificationTest() {
    Store store(file);
    StoredStream s(store, "s", 2);
    StoredStream t(store, "t", 1);
    for (const std::uint64_t epoch : {1u, 2u, 5u}) {
      s.commit(epoch, 0);
      t.commit(epoch, 0);
    }
  }

  void change(const std::string& sql) { SqliteFile(file, SQLITE_OPEN_READWRITE).query(sql); }

  std::vector<std::string> problems() const {
    std::vector<std::string> found;
    for (const Verification::Problem& problem : verify_store(file).problems) found.push_back(to_string(problem));
    return found;
  }

  tests::TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "store.sqlite";
};

TEST_F(VerificationTest, SoundStoreHasNoProblems) {
  const Verification verification = verify_store(file);
  EXPECT_THAT(verification.problems, IsEmpty());
  ASSERT_EQ(verification.streams.size(), 2u);
  EXPECT_EQ(verification.streams[0].name, "s");
  EXPECT_EQ(verification.streams[0].epochs, 3u);
  EXPECT_EQ(verification.streams[0].states, 6u);
  EXPECT_EQ(verification.streams[0].rows, 30u);
  EXPECT_EQ(verification.streams[1].states, 3u);
  EXPECT_EQ(to_text(verification),
            "        rows      epochs      states  stream\n"
            "          30           3           6  s\n"
            "          30           3           3  t\n"
            "no problems\n");
}

TEST_F(VerificationTest, EmptyStoreAndEmptyStreamHaveNoProblems) {
  const std::filesystem::path other = directory.path() / "other.sqlite";
  Store store(other);
  EXPECT_THAT(verify_store(other).problems, IsEmpty());
  StoredStream stream(store);
  EXPECT_THAT(verify_store(other).problems, IsEmpty());
  EXPECT_EQ(verify_store(other).streams.at(0).rows, 0u);
}

TEST_F(VerificationTest, EveryDamagedStateIsNamed) {
  change("UPDATE states SET state = zeroblob(length(state)) WHERE stream = 1 AND epoch = 2");
  change("UPDATE states SET state = CAST(substr(state, 1, length(state) - 1) AS BLOB) WHERE stream = 2 AND epoch = 5");
  EXPECT_THAT(problems(), ElementsAre("stream 's', epoch 2: partition 0: these bytes are not a model's state",
                                      "stream 's', epoch 2: partition 1: these bytes are not a model's state",
                                      "stream 't', epoch 5: partition 0: the state is cut short"));
}

TEST_F(VerificationTest, FlippedBitIsFoundByTheChecksum) {
  change(
      "UPDATE states SET state = CAST(substr(state, 1, 60) || x'5a' || substr(state, 62) AS BLOB)"
      " WHERE stream = 2 AND epoch = 1");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("stream 't', epoch 1: partition 0: ")));
}

TEST_F(VerificationTest, StateOfAnotherSpecificationIsNamed) {
  change("UPDATE streams SET spec = json_set(spec, '$.features[2]', 'more') WHERE name = 't'");
  EXPECT_THAT(problems(), testing::Each(HasSubstr("partition 0: the state is intact but holds values")));
  EXPECT_EQ(problems().size(), 3u);
}

TEST_F(VerificationTest, MissingPartitionIsNamed) {
  change("DELETE FROM states WHERE stream = 1 AND epoch = 2 AND partition = 0");
  EXPECT_THAT(problems(), ElementsAre("stream 's', epoch 2: 1 of 2 partitions are there"));
}

TEST_F(VerificationTest, PartitionUnderAWrongNumberIsNamed) {
  change("UPDATE states SET partition = 7 WHERE stream = 1 AND epoch = 2 AND partition = 0");
  EXPECT_THAT(problems(), ElementsAre("stream 's', epoch 2: 2 of 2 partitions are there, some under a wrong number"));
}

TEST_F(VerificationTest, RowsMustBeThoseLearnedAndNeverBecomeFewer) {
  change("UPDATE epochs SET rows = 15 WHERE stream = 1 AND epoch = 5");
  EXPECT_THAT(problems(), ElementsAre("stream 's', epoch 5: it has 15 rows, and the one before it had 20",
                                      "stream 's', epoch 5: it has 15 rows, and its model 'least_squares' has learned "
                                      "30"));
}

TEST_F(VerificationTest, RollbackIsNoProblemAlsoWhenItsEpochIsNotKeptAnyMore) {
  Store store(file, {.keep_epochs = 3});
  store.roll_back(1, 1, 6, 0);
  EXPECT_THAT(store.epochs(1), ElementsAre(6, 5, 2));
  EXPECT_THAT(problems(), IsEmpty());
  store.roll_back(1, 5, 7, 0);
  store.roll_back(1, 6, 8, 0);
  EXPECT_THAT(store.epochs(1), ElementsAre(8, 7, 6));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(VerificationTest, MissingMetricsAreNamed) {
  change("DELETE FROM metrics WHERE stream = 1 AND epoch = 1");
  change("UPDATE metrics SET n = 29 WHERE stream = 2 AND epoch = 5");
  EXPECT_THAT(problems(), ElementsAre("stream 's', epoch 1: the metrics of its model 'least_squares' are missing",
                                      "stream 't', epoch 5: its model 'least_squares' has learned 30 rows, and its "
                                      "metrics are of 29"));
}

TEST_F(VerificationTest, SpecificationThatCannotBeReadIsNamed) {
  change("UPDATE streams SET spec = '[]' WHERE name = 's'");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("stream 's': a stream's specification cannot be read: ")));
}

TEST_F(VerificationTest, ProducerAheadOfTheNewestEpochIsNamed) {
  change("DELETE FROM epochs WHERE stream = 1 AND epoch = 5");  // without its states and metrics: no foreign keys here
  EXPECT_THAT(problems(), testing::IsSupersetOf(
                              {"the file: a row of table states belongs to nothing in table epochs",
                               "the file: a row of table metrics belongs to nothing in table epochs",
                               "stream 's': producer 'p' is ahead of the newest epoch: what it sends would be lost"}));
}

TEST_F(VerificationTest, DamagedPageIsAProblemOfTheFile) {
  {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(5 * 4096);
    out << std::string(4096, '\x5a');
  }
  EXPECT_THAT(problems(), testing::Contains(testing::StartsWith("the file: ")));
  EXPECT_THAT(to_text(verify_store(file)), testing::Not(HasSubstr("no problems")));
}

TEST_F(VerificationTest, FileThatIsNoStoreIsRefused) {
  EXPECT_THROW(verify_store(directory.path() / "none"), StoreError);
  std::ofstream(directory.path() / "text") << std::string(5'000, 'x');
  EXPECT_THROW(verify_store(directory.path() / "text"), StoreError);
}

}  // namespace
}  // namespace accrue::daemon
