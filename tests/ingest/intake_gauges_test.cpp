// Intake: what it lets other threads know of its streams, and of how long epochs take.
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/intake_fixture.hpp"

namespace accrue::ingest {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

struct Told {
  std::string stream;
  EpochDurations durations;
};

// Is there before the Intake that is to fill it.
struct ToldByIntake {
  std::vector<Told> told_;
};

class IntakeGaugesTest : protected ToldByIntake, public IntakeTest {
 protected:
  IntakeGaugesTest() : IntakeTest(telling(told_)) {}

  static IntakeOptions telling(std::vector<Told>& told) {
    IntakeOptions telling = options();
    telling.streams.on_durable = [&told](const std::string& stream, const EpochDurations& durations) {
      told.push_back({stream, durations});
    };
    return telling;
  }

  // Of the oldest stream.
  std::shared_ptr<const StreamGauges> of_stream() { return gauges_.streams.all().at(0); }
  std::uint64_t rejected(wire::RejectReason reason) { return of_stream()->rejected[static_cast<std::size_t>(reason)]; }
};

TEST_F(IntakeGaugesTest, AStreamIsListedFromItsCreationUntilItIsDropped) {
  EXPECT_THAT(gauges_.streams.all(), IsEmpty());
  join("c", "p", "first");
  join("c", "p", "second");
  ASSERT_THAT(gauges_.streams.all(), SizeIs(2));
  EXPECT_EQ(of_stream()->name, "first");
  client("c", wire::Drop{"first"});
  ASSERT_THAT(gauges_.streams.all(), SizeIs(1));
  EXPECT_EQ(of_stream()->name, "second");
}

TEST_F(IntakeGaugesTest, RowsAreQueuedUntilTheyAreDurable) {
  const std::vector<double> rows(8, 1.0);  // four
  wire::BatchFrame frame(2, 4);
  frame.append(rows);
  const std::size_t message_bytes = std::move(frame).seal(1, 1).size();
  join("c", "p");
  push("c", 1, rows);
  pass(milliseconds(100));  // cuts epoch 1
  push("c", 2, rows);
  EXPECT_EQ(of_stream()->rows, 8u);
  EXPECT_EQ(of_stream()->queued_rows, 8u);
  EXPECT_EQ(of_stream()->outstanding_bytes, 2 * message_bytes);
  EXPECT_EQ(of_stream()->queued_bytes, gauges_.outstanding_bytes);
  EXPECT_GT(of_stream()->queued_bytes, 2 * message_bytes);
  pipeline(EpochDurable{1, 1});
  EXPECT_EQ(of_stream()->rows, 8u);
  EXPECT_EQ(of_stream()->queued_rows, 4u);
  EXPECT_EQ(of_stream()->outstanding_bytes, message_bytes);
  EXPECT_EQ(of_stream()->queued_bytes, gauges_.outstanding_bytes);
  pass(milliseconds(100));
  pipeline(EpochDurable{1, 2});
  EXPECT_EQ(of_stream()->queued_rows, 0u);
  EXPECT_EQ(of_stream()->queued_bytes, 0u);
  EXPECT_EQ(of_stream()->outstanding_bytes, 0u);
}

TEST_F(IntakeGaugesTest, RejectedRowsAreCountedByReason) {
  join("c", "p");
  push("c", 1, {1, 2, std::numeric_limits<double>::quiet_NaN(), 4, 1e200, 6});
  push("c", 2, {1e200, 2});
  EXPECT_EQ(of_stream()->rows, 1u);
  EXPECT_EQ(rejected(wire::RejectReason::kNotFinite), 1u);
  EXPECT_EQ(rejected(wire::RejectReason::kMagnitude), 2u);
  EXPECT_EQ(rejected(wire::RejectReason::kWeight), 0u);
}

TEST_F(IntakeGaugesTest, ProducersAreCountedWhileTheyAreConnected) {
  join("c1", "p");
  client("c1", wire::Open{"s", std::nullopt});  // it has it open already
  EXPECT_EQ(of_stream()->producers, 1u);
  join("c2", "p");  // supersedes c1
  EXPECT_EQ(of_stream()->producers, 1u);
  join("c3", "q");
  EXPECT_EQ(of_stream()->producers, 2u);
  client("c1", wire::Bye{});
  EXPECT_EQ(of_stream()->producers, 2u);
  client("c2", wire::Bye{});
  EXPECT_EQ(of_stream()->producers, 1u);
  pass(milliseconds(40'000));  // c3 is not heard of
  EXPECT_EQ(of_stream()->producers, 0u);
}

TEST_F(IntakeGaugesTest, TheWindowIsWhatAProducerIsGranted) {
  join("c", "p");
  EXPECT_EQ(gauges_.window_bytes, all<wire::Opened>(out_.clients["c"]).at(0).window_bytes);
}

TEST_F(IntakeGaugesTest, ARewoundStreamHasNothingQueuedAndItsProducersStay) {
  join("c", "p");
  push("c", 1);
  const auto before = of_stream();
  pipeline(WorkerGone{"name of " + holder()});
  pipeline(RecoveredStream{1, "s", kSpec, 0, 0, {}, {}, {}});
  EXPECT_EQ(of_stream(), before);
  EXPECT_EQ(before->queued_rows, 0u);
  EXPECT_EQ(before->queued_bytes, 0u);
  EXPECT_EQ(before->outstanding_bytes, 0u);
  EXPECT_EQ(before->producers, 1u);
  client("c", wire::Open{"s", std::nullopt});
  push("c", 1);
  EXPECT_EQ(before->producers, 1u);
  EXPECT_EQ(before->queued_rows, 2u);
  EXPECT_EQ(before->rows, 4u) << "never goes back, and counts what is sent again";
}

TEST_F(IntakeGaugesTest, AnEpochsTimeIsFromItsCutAndFromItsFirstRow) {
  join("c", "p");
  push("c", 1);
  pass(milliseconds(60));
  push("c", 2);
  pass(milliseconds(40));  // cuts epoch 1
  pass(milliseconds(5));
  push("c", 3);
  pass(milliseconds(2));
  pipeline(EpochDurable{1, 1});
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_[0].stream, "s");
  EXPECT_EQ(told_[0].durations.since_cut, milliseconds(7));
  EXPECT_EQ(told_[0].durations.since_first_row, milliseconds(107));
  pass(milliseconds(200));  // cuts epoch 2, whose first row came 2 ms before epoch 1 was durable
  pass(milliseconds(1));
  pipeline(EpochDurable{1, 2});
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_EQ(told_[1].durations.since_cut, milliseconds(1));
  EXPECT_EQ(told_[1].durations.since_first_row, milliseconds(203));
}

TEST_F(IntakeGaugesTest, AnEpochWithoutRowsHasNoFirst) {
  join("c", "p");
  push("c", 1, {std::numeric_limits<double>::infinity(), 0});
  pass(milliseconds(100));
  pipeline(EpochDurable{1, 1});
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_[0].durations.since_first_row, std::nullopt);
}

}  // namespace
}  // namespace accrue::ingest
