#include "ingest/partitioning.hpp"

#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace accrue::ingest {
namespace {

wire::StreamSpec keyed(std::uint32_t partitions) {
  return {.features = {"a", "b"},
          .target = "y",
          .key = "store",
          .partitions = partitions,
          .partition_by = wire::PartitionBy::kHash};
}

TEST(Partitioning, OnePartitionTakesEveryBatchWhole) { EXPECT_EQ(Partitioner(keyed(1)).of_batch(17), 0u); }

TEST(Partitioning, RoundRobinTakesBatchesInTurn) {
  const Partitioner partitioner({.features = {"a"}, .target = "y", .partitions = 3});
  EXPECT_EQ(partitioner.of_batch(1), 1u);
  EXPECT_EQ(partitioner.of_batch(2), 2u);
  EXPECT_EQ(partitioner.of_batch(3), 0u);
  EXPECT_EQ(partitioner.of_batch(1), 1u) << "a batch that comes again goes where it went";
}

RC_GTEST_PROP(Partitioning, RowsOfOneKeyMeetInOnePartition, (double key, double a, double b)) {
  const Partitioner partitioner(keyed(5));
  const std::array<double, 4> one = {a, b, 1, key};
  const std::array<double, 4> other = {b, a, 2, key};
  RC_ASSERT(partitioner.of_row(one.data()) == partitioner.of_row(other.data()));
  RC_ASSERT(partitioner.of_row(one.data()) < 5u);
}

TEST(Partitioning, BothZerosAreOneKey) {
  const Partitioner partitioner(keyed(64));
  const std::array<double, 4> plus = {0, 0, 0, 0.0};
  const std::array<double, 4> minus = {0, 0, 0, -0.0};
  EXPECT_EQ(partitioner.of_row(plus.data()), partitioner.of_row(minus.data()));
}

TEST(Partitioning, SmallIntegersSpreadEvenly) {
  constexpr std::uint32_t kPartitions = 8;
  constexpr int kKeys = 80'000;
  const Partitioner partitioner(keyed(kPartitions));
  std::array<int, kPartitions> rows{};
  for (int key = 0; key < kKeys; ++key) {
    const std::array<double, 4> row = {0, 0, 0, static_cast<double>(key)};
    ++rows[partitioner.of_row(row.data())];
  }
  for (const int count : rows) EXPECT_NEAR(count, kKeys / kPartitions, 500);  // five standard deviations
}

TEST(Partitioning, KeyMayBeAFeature) {
  wire::StreamSpec spec = keyed(64);
  spec.key = "b";
  const Partitioner partitioner(spec);
  const std::array<double, 3> one = {1, 7, 3};
  const std::array<double, 3> other = {2, 7, 4};
  EXPECT_EQ(partitioner.of_row(one.data()), partitioner.of_row(other.data()));
}

}  // namespace
}  // namespace accrue::ingest
