// Who is given a batch, and when its producer hears that it is learned.
#include "ingest/workers.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

using testing::ElementsAre;

// The rows that each worker was given, delivery by delivery.
class Recorder final : public Outbox {
 public:
  void to_client(const SessionId&, const wire::Bytes&) override { FAIL(); }
  void to_worker(const WorkerId& worker, wire::BytesView message) override {
    wire::Frame frame;
    Exchange exchange;
    ASSERT_EQ(frame.parse(message), wire::DecodeError::kNone);
    ASSERT_EQ(frame.read(exchange), wire::DecodeError::kNone);
    exchanges[worker].push_back(exchange.rows);
  }
  void to_committer(wire::BytesView) override { FAIL(); }
  void worker_joined(const std::string&) override { FAIL(); }
  void worker_lost(const std::string&, const std::string&) override { FAIL(); }
  void to_worker(const WorkerId& worker, wire::BytesView message, zmq::message_t payload) override {
    wire::Frame frame;
    Deliver deliver;
    ASSERT_EQ(frame.parse(message), wire::DecodeError::kNone);
    ASSERT_EQ(frame.read(deliver), wire::DecodeError::kNone);
    rows[worker].push_back(deliver.rows);
    const std::byte* const places =
        payload.data<std::byte>() + deliver.offset + deliver.rows * 2 * wire::size_of(deliver.dtype);
    for (std::uint32_t i = 0; i < deliver.rows; ++i) {
      Place place = i;
      if (deliver.picked) std::memcpy(&place, places + i * sizeof(place), sizeof(place));
      indices[worker].push_back(deliver.first_index + place);
    }
  }
  std::map<WorkerId, std::vector<std::uint32_t>> rows;
  std::map<WorkerId, std::vector<std::uint64_t>> indices;  // of all these rows
  std::map<WorkerId, std::vector<std::uint64_t>> exchanges;
};

const wire::StreamSpec kByKey = {.features = {"a"},
                                 .target = "y",
                                 .key = "a",
                                 .partitions = 2,
                                 .partition_by = wire::PartitionBy::kRange,
                                 .partition_cuts = {10}};

class WorkersTest : public testing::Test {
 protected:
  WorkersTest() {
    workers_.join("one", "one", {});
    workers_.join("two", "two", {});
  }

  // A stream that has so many rows already that exchanges are rare.
  void open(const wire::StreamSpec& spec, std::uint64_t rows = 1'000'000) {
    workers_.place(stream_.emplace(RecoveredStream{1, "s", spec, 0, rows, {}, {}, {}}));
  }

  // The next batch of the producer, of keys (which are targets too).
  void push(const std::vector<double>& keys, wire::DataType dtype = wire::DataType::kFloat64) {
    const std::uint64_t sequence = producer_->log.accepted() + 1;
    ScreenedBatch batch{
        .sequence = sequence, .dtype = dtype, .count = keys.size(), .frame = row_memory(keys.size() * 2 * 8)};
    const auto fill = [&]<class Real>(Real* values) {
      for (const double key : keys) *values++ = static_cast<Real>(key), *values++ = static_cast<Real>(key);
    };
    dtype == wire::DataType::kFloat64 ? fill(batch.frame.data<double>()) : fill(batch.frame.data<float>());
    workers_.deliver(*stream_, producer_, 100, std::move(batch));
    stream_->changed({}, keys.size());
  }
  bool applied(const WorkerId& worker, std::uint64_t ordinal) {
    return workers_.applied(worker, ordinal, [](std::uint64_t, const auto&) {});
  }
  static WorkerId other_than(const WorkerId& worker) { return worker == "one" ? "two" : "one"; }

  Recorder out_;
  Workers workers_{out_};
  std::optional<Stream> stream_;
  std::shared_ptr<StreamProducer> producer_ =
      std::make_shared<StreamProducer>(StreamProducer{.name = "p", .log = Producer(0)});
};

TEST_F(WorkersTest, LeastLoadedIsTheWorkerThatHasFewerValuesToLearn) {
  open({.features = {"a"}, .target = "y", .partitions = 2, .partition_by = wire::PartitionBy::kLeastLoaded});
  push(std::vector<double>(10, 1.0));
  const WorkerId busy = out_.rows.begin()->first;
  const WorkerId idle = other_than(busy);
  push({1, 2});
  push({1, 2, 3});
  push({1, 2, 3, 4});
  EXPECT_THAT(out_.rows[busy], ElementsAre(10));
  EXPECT_THAT(out_.rows[idle], ElementsAre(2, 3, 4));
  EXPECT_TRUE(applied(busy, 1));
  push({1});
  EXPECT_THAT(out_.rows[busy], ElementsAre(10, 1));
  EXPECT_TRUE(applied(idle, 3));
  push({1, 2});
  EXPECT_THAT(out_.rows[idle], ElementsAre(2, 3, 4, 2));
}

TEST_F(WorkersTest, RangesOfABatchGoToTheirWorkersAndItIsAppliedWhenAllAre) {
  open({.features = {"a"},
        .target = "y",
        .key = "a",
        .partitions = 2,
        .partition_by = wire::PartitionBy::kRange,
        .partition_cuts = {10}});
  push({1, 10, 2, 30, 3});
  const WorkerId low = out_.rows["one"].front() == 3 ? "one" : "two";
  const WorkerId high = other_than(low);
  EXPECT_THAT(out_.rows[low], ElementsAre(3));
  EXPECT_THAT(out_.rows[high], ElementsAre(2));
  EXPECT_TRUE(applied(low, 1));
  EXPECT_EQ(producer_->log.applied(), 0u);
  EXPECT_TRUE(applied(high, 1));
  EXPECT_EQ(producer_->log.applied(), 1u);
  EXPECT_FALSE(applied(high, 2)) << "it was not delivered so much";
  push({50});
  EXPECT_THAT(out_.rows[low], ElementsAre(3)) << "nothing of that batch is below the cut";
  EXPECT_THAT(out_.rows[high], ElementsAre(2, 1));
}

TEST_F(WorkersTest, PartitionsExchangeAfterBatchesThatStayWhole) {
  open({.features = {"a"}, .target = "y", .partitions = 2}, 8'188);  // exchanges at 8,192 and every 16 rows from there
  push({1, 2, 3});
  EXPECT_TRUE(out_.exchanges.empty());
  push(std::vector<double>(3, 1.0));
  push(std::vector<double>(40, 1.0));
  for (const char* worker : {"one", "two"}) EXPECT_THAT(out_.exchanges[worker], ElementsAre(8'194, 8'234)) << worker;
}

TEST_F(WorkersTest, BatchesThatAreDealtAreCutAtTheExchanges) {
  open(kByKey, 8'190);
  push({1, 10, 1, 1, 10, 1});
  std::vector<std::vector<std::uint32_t>> rows = {out_.rows["one"], out_.rows["two"]};
  EXPECT_THAT(rows, testing::UnorderedElementsAre(ElementsAre(1, 3), ElementsAre(1, 1)));
  for (const char* worker : {"one", "two"}) EXPECT_THAT(out_.exchanges[worker], ElementsAre(8'192)) << worker;
  push(std::vector<double>(12, 1.0));
  for (const char* worker : {"one", "two"}) EXPECT_THAT(out_.exchanges[worker], ElementsAre(8'192, 8'208)) << worker;
}

TEST_F(WorkersTest, RowsOfBatchesThatStayWholeAreNumberedAsTheyWereAccepted) {
  open({.features = {"a"}, .target = "y", .partitions = 2}, 100);
  for (int batch = 0; batch < 3; ++batch) push({1, 2});
  std::vector<std::vector<std::uint64_t>> indices = {out_.indices["one"], out_.indices["two"]};
  EXPECT_THAT(indices, testing::UnorderedElementsAre(ElementsAre(100, 101, 104, 105), ElementsAre(102, 103)));
}

TEST_F(WorkersTest, RowsPickedOutOfABatchKeepTheNumbersOfTheWhole) {
  for (const auto dtype : {wire::DataType::kFloat64, wire::DataType::kFloat32}) {
    out_ = {};
    open(kByKey, 8'190);  // an exchange at 8,192 cuts the batch
    push({1, 10, 1, 1, 10, 1}, dtype);
    push({10, 1}, dtype);
    std::vector<std::vector<std::uint64_t>> indices = {out_.indices["one"], out_.indices["two"]};
    EXPECT_THAT(indices, testing::UnorderedElementsAre(ElementsAre(8'190, 8'192, 8'193, 8'195, 8'197),
                                                       ElementsAre(8'191, 8'194, 8'196)));
    workers_.forget(*stream_);
  }
}

TEST_F(WorkersTest, OnePartitionHasNobodyToSee) {
  open({.features = {"a"}, .target = "y"}, 0);
  push({1, 2, 3});
  EXPECT_TRUE(out_.exchanges.empty());
}

TEST_F(WorkersTest, WhoWasAwayCannotTellWhoWasSilent) {
  const TimePoint start{std::chrono::hours(1)};
  const auto silent_after = [&](int seconds) {
    return workers_.silent(start + std::chrono::seconds(seconds), std::chrono::seconds(5));
  };
  for (int second = 0; second <= 5; ++second) EXPECT_TRUE(silent_after(second).empty());
  workers_.heard("one", start + std::chrono::seconds(5));
  EXPECT_THAT(silent_after(6), ElementsAre("two"));
  EXPECT_TRUE(silent_after(60).empty());
}

}  // namespace
}  // namespace accrue::ingest
