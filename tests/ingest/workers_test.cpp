// Who is given a batch, and when its producer hears that it is learned.
#include "ingest/deliveries.hpp"

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
  void to_worker(std::uint32_t, const wire::Bytes&) override { FAIL(); }
  void to_committer(const wire::Bytes&) override { FAIL(); }
  void to_worker(std::uint32_t worker, const wire::Bytes& message, zmq::message_t) override {
    wire::Frame frame;
    Deliver deliver;
    ASSERT_EQ(frame.parse(message), wire::DecodeError::kNone);
    ASSERT_EQ(frame.read(deliver), wire::DecodeError::kNone);
    rows[worker].push_back(deliver.rows);
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> rows;
};

class DeliveriesTest : public testing::Test {
 protected:
  void open(const wire::StreamSpec& spec) { deliveries_.open(stream_.emplace(1, "s", spec)); }

  // The next batch of the producer, of keys (which are targets too).
  void push(const std::vector<double>& keys) {
    const std::uint64_t sequence = producer_->log.accepted() + 1;
    ScreenedBatch batch{.sequence = sequence, .count = keys.size(), .frame = row_memory(keys.size() * 2 * 8)};
    auto* values = batch.frame.data<double>();
    for (const double key : keys) *values++ = key, *values++ = key;
    deliveries_.deliver(*stream_, producer_, 100, std::move(batch));
  }
  void applied(std::uint32_t worker, std::uint64_t ordinal) {
    deliveries_.applied({worker, ordinal}, [](std::uint64_t, const auto&) {});
  }

  Recorder out_;
  Deliveries deliveries_{2, out_};
  std::optional<Stream> stream_;
  std::shared_ptr<StreamProducer> producer_ =
      std::make_shared<StreamProducer>(StreamProducer{.name = "p", .log = Producer(0)});
};

TEST_F(DeliveriesTest, LeastLoadedIsTheWorkerThatHasFewerValuesToLearn) {
  open({.features = {"a"}, .target = "y", .partitions = 2, .partition_by = wire::PartitionBy::kLeastLoaded});
  push(std::vector<double>(10, 1.0));
  const std::uint32_t busy = out_.rows.begin()->first;
  const std::uint32_t idle = 1 - busy;
  push({1, 2});
  push({1, 2, 3});
  push({1, 2, 3, 4});
  EXPECT_THAT(out_.rows[busy], ElementsAre(10));
  EXPECT_THAT(out_.rows[idle], ElementsAre(2, 3, 4));
  applied(busy, 1);
  push({1});
  EXPECT_THAT(out_.rows[busy], ElementsAre(10, 1));
  applied(idle, 3);
  push({1, 2});
  EXPECT_THAT(out_.rows[idle], ElementsAre(2, 3, 4, 2));
}

TEST_F(DeliveriesTest, RangesOfABatchGoToTheirWorkersAndItIsAppliedWhenAllAre) {
  open({.features = {"a"},
        .target = "y",
        .key = "a",
        .partitions = 2,
        .partition_by = wire::PartitionBy::kRange,
        .partition_cuts = {10}});
  const std::uint32_t low = deliveries_.worker_of(1, 0);
  const std::uint32_t high = deliveries_.worker_of(1, 1);
  ASSERT_NE(low, high);
  push({1, 10, 2, 30, 3});
  EXPECT_THAT(out_.rows[low], ElementsAre(3));
  EXPECT_THAT(out_.rows[high], ElementsAre(2));
  applied(low, 1);
  EXPECT_EQ(producer_->log.applied(), 0u);
  applied(high, 1);
  EXPECT_EQ(producer_->log.applied(), 1u);
  push({50});
  EXPECT_THAT(out_.rows[low], ElementsAre(3)) << "nothing of that batch is below the cut";
  EXPECT_THAT(out_.rows[high], ElementsAre(2, 1));
}

}  // namespace
}  // namespace accrue::ingest
