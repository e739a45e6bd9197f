#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/store.hpp"
#include "daemon/store_view.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::SqliteFile;

class StoreHistory : public ::testing::Test {
 protected:
  EpochRecord record(std::uint64_t epoch) const {
    EpochRecord r;
    r.stream = stream;
    r.epoch = epoch;
    r.rows = epoch;
    r.champion = "main";
    r.metrics = {{.model = "main", .n = epoch}};
    r.history = {{.model = "main", .span = "epoch", .n = 1}, {.model = "main", .span = "lifetime", .n = epoch}};
    return r;
  }

  void commit(std::uint64_t first, std::uint64_t last) {
    std::vector<EpochRecord> records;
    for (std::uint64_t epoch = first; epoch <= last; ++epoch) records.push_back(record(epoch));
    store.commit(records, 1'000);
  }

  std::set<std::uint64_t> kept() {
    std::set<std::uint64_t> epochs;
    for (const auto& row : SqliteFile(file).query("SELECT DISTINCT epoch FROM history")) {
      epochs.insert(std::stoull(row[0]));
    }
    return epochs;
  }

  tests::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "store.sqlite";
  Store store{file};
  std::uint64_t stream = store.create_stream("s", "{}");
};

TEST_F(StoreHistory, StaysLongerThanEpochsAndThinsOutWithAge) {
  constexpr std::uint64_t kNewest = 5'000;
  commit(1, kNewest);
  std::set<std::uint64_t> expected;
  for (std::uint64_t epoch = 1; epoch <= kNewest; ++epoch) {
    std::uint64_t step = 1;
    for (std::uint64_t age = Store::kHistoryEpochs; kNewest - epoch >= age; age *= 2) step *= 2;
    if (epoch % step == 0) expected.insert(epoch);
  }
  EXPECT_EQ(kept(), expected);
  EXPECT_LT(store.epochs(stream).size(), 20u);
}

TEST_F(StoreHistory, GoesBackWithARewindAndWithTheStream) {
  commit(1, 5);
  store.rewind(stream, 3);
  EXPECT_THAT(kept(), ElementsAre(1, 2, 3));
  commit(4, 4);
  EXPECT_THAT(kept(), ElementsAre(1, 2, 3, 4));
  store.drop_stream(stream);
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(StoreHistory, IsReadByModelAndSpanOldestFirst) {
  EpochRecord second = record(2);
  second.history = {{.model = "main", .span = "last_1000", .n = 2, .mse = 0.5, .model_width = 3},
                    {.model = "main", .span = "epoch", .n = 1, .mse = 0.25},
                    {.model = "other", .span = "last_1000", .n = 2, .mse = 7}};
  EpochRecord third = record(3);
  third.history = {{.model = "main", .span = "last_1000", .n = 3, .mse = 0.75, .model_width = 4}};
  store.commit({{second}}, 1'002);
  store.commit({{third}}, 1'003);
  StoreView view(file);
  const std::vector<wire::HistoryPoint> points = view.history(stream, "main", wire::Span::kLast1000, 0, 10);
  ASSERT_THAT(points, SizeIs(2));
  EXPECT_EQ(points[0].epoch, 2u);
  EXPECT_EQ(points[0].committed_unix_ms, 1'002u);
  EXPECT_EQ(points[0].n, 2u);
  EXPECT_EQ(points[0].mse, 0.5);
  EXPECT_EQ(points[0].model_width, 3);
  EXPECT_EQ(points[1].epoch, 3u);
  EXPECT_EQ(points[1].mse, 0.75);
  EXPECT_THAT(view.history(stream, "main", wire::Span::kLast1000, 3, 10), SizeIs(1));
  const std::vector<wire::HistoryPoint> newest = view.history(stream, "main", wire::Span::kLast1000, 0, 1);
  ASSERT_THAT(newest, SizeIs(1));
  EXPECT_EQ(newest[0].epoch, 3u);
  EXPECT_THAT(view.history(stream, "main", wire::Span::kLifetime, 0, 10), IsEmpty());
}

TEST_F(StoreHistory, EventsAreKeptAsFarAsTheNewestThousandEpochsThatHaveAny) {
  std::vector<EpochRecord> records;
  for (std::uint64_t epoch = 1; epoch <= Store::kEvents + 10; ++epoch) {
    records.push_back(record(epoch));
    records.back().events = {{.model = "main", .event = "drift", .row = 10 * epoch},
                             {.model = "other", .event = "drift", .row = 10 * epoch}};
  }
  store.commit(records, 1'000);
  EXPECT_THAT(SqliteFile(file).query("SELECT count(*), min(epoch), max(row) FROM events"),
              ElementsAre(ElementsAre("2000", "11", "10100")));
  store.rewind(stream, 1'009);
  EXPECT_THAT(SqliteFile(file).query("SELECT max(epoch) FROM events"), ElementsAre(ElementsAre("1009")));
}

}  // namespace
}  // namespace accrue::daemon
