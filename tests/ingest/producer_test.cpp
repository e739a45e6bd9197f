#include "ingest/producer.hpp"

#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

using Admission = Producer::Admission;
constexpr std::size_t kWindow = 1'000;

TEST(Producer, TakesEachSequenceOnceAndInOrder) {
  Producer producer(0);
  EXPECT_EQ(producer.judge(2, 10, kWindow), Admission::kGap);
  EXPECT_EQ(producer.judge(1, 10, kWindow), Admission::kAccept);
  producer.accept(10, 1);
  EXPECT_EQ(producer.judge(1, 10, kWindow), Admission::kDuplicate);
  EXPECT_EQ(producer.judge(2, 10, kWindow), Admission::kAccept);
}

TEST(Producer, GoesOnWhereTheStoreLeftOff) {
  const Producer producer(41);
  EXPECT_EQ(producer.judge(41, 10, kWindow), Admission::kDuplicate);
  EXPECT_EQ(producer.judge(42, 10, kWindow), Admission::kAccept);
  EXPECT_EQ(producer.durable(), 41u);
}

TEST(Producer, AppliedAdvancesOverCompleteBatchesOnly) {
  Producer producer(0);
  producer.accept(10, 2);
  producer.accept(10, 1);
  producer.applied_delivery(2);
  EXPECT_EQ(producer.applied(), 0u) << "batch 1 is not learned yet";
  producer.applied_delivery(1);
  EXPECT_EQ(producer.applied(), 0u) << "half of batch 1 is not learned yet";
  producer.applied_delivery(1);
  EXPECT_EQ(producer.applied(), 2u);
}

TEST(Producer, BatchWithoutRowsIsAppliedAtOnce) {
  Producer producer(0);
  producer.accept(10, 0);
  EXPECT_EQ(producer.applied(), 1u);
}

TEST(Producer, WindowCountsWhatIsNotDurable) {
  Producer producer(0);
  producer.accept(600, 1);
  EXPECT_EQ(producer.judge(2, 600, kWindow), Admission::kOverWindow);
  producer.applied_delivery(1);
  EXPECT_EQ(producer.judge(2, 600, kWindow), Admission::kOverWindow) << "applied is not durable";
  EXPECT_EQ(producer.made_durable(1), 600u + 2 * Producer::kOverheadBytes);
  EXPECT_EQ(producer.judge(2, 600, kWindow), Admission::kAccept);
  EXPECT_EQ(producer.outstanding_bytes(), 0u);
}

TEST(Producer, HeldIsWhatIsOutstandingAndWhatThatTakesMoreForItselfAndEachDelivery) {
  Producer producer(0);
  producer.accept(100, 0);
  producer.accept(100, 3, 40);
  EXPECT_EQ(producer.outstanding_bytes(), 200u);
  EXPECT_EQ(producer.held_bytes(), 240u + 5 * Producer::kOverheadBytes);
  EXPECT_EQ(producer.made_durable(2), 240u + 5 * Producer::kOverheadBytes);
  EXPECT_EQ(producer.held_bytes(), 0u);
}

TEST(Producer, OneBatchFitsAnyWindow) { EXPECT_EQ(Producer(0).judge(1, 5 * kWindow, kWindow), Admission::kAccept); }

TEST(Producer, NewsOfTheEpochMayOvertakeNewsOfTheWorker) {
  Producer producer(0);
  producer.accept(10, 1);
  EXPECT_EQ(producer.made_durable(1), 10u + 2 * Producer::kOverheadBytes);
  EXPECT_EQ(producer.applied(), 1u);
  producer.applied_delivery(1);
  EXPECT_EQ(producer.applied(), 1u);
}

}  // namespace
}  // namespace accrue::ingest
