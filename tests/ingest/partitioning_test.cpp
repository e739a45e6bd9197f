#include "ingest/partitioning.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "ingest/wire/limits.hpp"

namespace accrue::ingest {
namespace {

using testing::ElementsAre;
using wire::PartitionBy;

std::uint64_t no_load(std::uint32_t) { return 0; }

wire::StreamSpec unkeyed(PartitionBy by, std::uint32_t partitions) {
  wire::StreamSpec spec{.features = {"a", "b"}, .target = "y", .partitions = partitions, .partition_by = by};
  if (by == PartitionBy::kRandom) spec.partition_seed = 7;
  if (by == PartitionBy::kWeighted) {
    for (std::uint32_t i = 0; i < partitions; ++i) spec.partition_weights.push_back(1.0 + i);
  }
  return spec;
}

wire::StreamSpec keyed(PartitionBy by, std::uint32_t partitions) {
  wire::StreamSpec spec = unkeyed(by, partitions);
  spec.key = "store";
  if (by == PartitionBy::kTimeWindow) spec.partition_window_s = 60;
  if (by == PartitionBy::kRange) {
    for (std::uint32_t i = 1; i < partitions; ++i) spec.partition_cuts.push_back(10.0 * i);
  }
  return spec;
}

std::uint32_t of_key(const Partitioner& partitioner, double key) {
  const std::array<double, 4> row = {1, 2, 3, key};
  std::uint32_t partition = 0;
  partitioner.of_rows(row.data(), 1, row.size(), &partition);
  return partition;
}

std::uint32_t of_key(const wire::StreamSpec& spec, double key) { return of_key(Partitioner(spec), key); }

// How many of batches first ... first + count - 1 each partition gets.
std::vector<double> spread(const wire::StreamSpec& spec, const std::string& producer, std::uint64_t first,
                           std::uint64_t count) {
  const Partitioner partitioner(spec);
  std::vector<double> batches(spec.partitions);
  for (std::uint64_t i = 0; i < count; ++i) ++batches.at(*partitioner.of_batch({producer, first + i}, no_load));
  return batches;
}

class OfRows : public testing::TestWithParam<PartitionBy> {};

std::string name_of(const testing::TestParamInfo<PartitionBy>& info) {
  std::string name = to_string(info.param);
  std::erase(name, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Partitioning, OfRows,
                         testing::Values(PartitionBy::kHash, PartitionBy::kRange, PartitionBy::kTimeWindow), name_of);

RC_GTEST_PROP(Partitioning, BatchThatComesAgainGoesWhereItWentWhateverHappenedSince,
              (const std::string& producer, std::uint64_t sequence, std::uint64_t other)) {
  for (const auto by : {PartitionBy::kRoundRobin, PartitionBy::kRandom, PartitionBy::kWeighted}) {
    const auto partitions = *rc::gen::inRange<std::uint32_t>(1, 65);
    const Partitioner partitioner(unkeyed(by, partitions));
    const auto went = partitioner.of_batch({producer, sequence}, no_load);
    RC_ASSERT(went.value() < partitions);
    (void)partitioner.of_batch({producer, other}, no_load);
    const auto busy = [&](std::uint32_t partition) { return partition == went ? other : 0; };
    RC_ASSERT(partitioner.of_batch({producer, sequence}, busy) == went);
    RC_ASSERT(Partitioner(unkeyed(by, partitions)).of_batch({producer, sequence}, busy) == went);
  }
}

RC_GTEST_PROP(Partitioning, RowsOfOneKeyMeetInOnePartitionInWhateverBatchAndPlace, (double key, double a, double b)) {
  RC_PRE(std::abs(key) <= 1e150);  // beyond it a row is rejected
  for (const auto by : {PartitionBy::kHash, PartitionBy::kRange, PartitionBy::kTimeWindow}) {
    const auto partitions = *rc::gen::inRange<std::uint32_t>(2, 64);
    const std::vector<double> rows = {a, b, 1, key, b, b, 2, a, b, a, 2, key};
    const Partitioner partitioner(keyed(by, partitions));
    std::array<std::uint32_t, 3> partition_of{};
    partitioner.of_rows(rows.data(), 3, 4, partition_of.data());
    RC_ASSERT(partition_of[0] < partitions);
    RC_ASSERT(partition_of[0] == partition_of[2]);
    RC_ASSERT(partition_of[0] == of_key(keyed(by, partitions), key));
    RC_ASSERT(!partitioner.of_batch({"p", 1}, no_load));
  }
}

TEST_P(OfRows, OnePartitionTakesEveryBatchWhole) {
  EXPECT_EQ(Partitioner(keyed(GetParam(), 1)).of_batch({"p", 17}, no_load), 0u);
}

TEST_P(OfRows, KeyMayBeAFeatureAndOfEitherWidth) {
  wire::StreamSpec spec = keyed(GetParam(), 5);
  const std::uint32_t expected = of_key(spec, 25);
  spec.key = "b";
  const std::array<double, 3> wide = {1, 25, 3};
  const std::array<float, 3> narrow = {2, 25, 4};
  std::uint32_t partition = 99;
  Partitioner(spec).of_rows(wide.data(), 1, wide.size(), &partition);
  EXPECT_EQ(partition, expected);
  Partitioner(spec).of_rows(narrow.data(), 1, narrow.size(), &partition);
  EXPECT_EQ(partition, expected);
}

TEST(RoundRobin, TakesBatchesInTurn) {
  const Partitioner partitioner(unkeyed(PartitionBy::kRoundRobin, 3));
  EXPECT_EQ(partitioner.of_batch({"p", 1}, no_load), 1u);
  EXPECT_EQ(partitioner.of_batch({"p", 2}, no_load), 2u);
  EXPECT_EQ(partitioner.of_batch({"p", 3}, no_load), 0u);
}

TEST(Random, SpreadsEvenlyForEveryProducerAndSeed) {
  constexpr std::uint64_t kBatches = 80'000;
  for (const std::uint64_t seed : {0u, 1u, 2u}) {
    wire::StreamSpec spec = unkeyed(PartitionBy::kRandom, 8);
    spec.partition_seed = seed;
    for (const std::string producer : {"", "a", "b"}) {
      // Five standard deviations of a binomial of 80,000 and 1/8.
      EXPECT_THAT(spread(spec, producer, 1, kBatches), testing::Each(testing::DoubleNear(10'000, 470)));
    }
  }
}

// Two draws of one of eight agree in an eighth of the cases.
int agreements(const wire::StreamSpec& spec, const std::string& producer, const wire::StreamSpec& other_spec,
               const std::string& other_producer, std::uint64_t lag) {
  int count = 0;
  for (std::uint64_t i = 1; i <= 8'000; ++i) {
    count += Partitioner(spec).of_batch({producer, i}, no_load) ==
             Partitioner(other_spec).of_batch({other_producer, i + lag}, no_load);
  }
  return count;
}

TEST(Random, DrawsOfSeedsProducersAndNeighboursHaveNothingToDoWithEachOther) {
  const wire::StreamSpec spec = unkeyed(PartitionBy::kRandom, 8);
  wire::StreamSpec reseeded = spec;
  ++reseeded.partition_seed;
  EXPECT_NEAR(agreements(spec, "p", reseeded, "p", 0), 1'000, 150);  // five standard deviations
  EXPECT_NEAR(agreements(spec, "p", spec, "q", 0), 1'000, 150);
  EXPECT_NEAR(agreements(spec, "p", spec, "p", 1), 1'000, 150);
}

RC_GTEST_PROP(Weighted, AnyRunOfBatchesIsSharedWithinTheBoundOfItsSource, (const std::string& producer)) {
  const auto weights = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 1'000)));
  wire::StreamSpec spec = unkeyed(PartitionBy::kWeighted, static_cast<std::uint32_t>(weights.size()));
  spec.partition_weights.assign(weights.begin(), weights.end());
  double sum = 0;
  for (const double weight : spec.partition_weights) sum += weight;
  const auto first = *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000);
  const auto count = *rc::gen::inRange<std::uint64_t>(1, 5'000);
  const auto batches = spread(spec, producer, first, count);
  const double bound = 3 + 3.53 * std::log(static_cast<double>(count));
  for (std::size_t i = 0; i < batches.size(); ++i) {
    RC_ASSERT(std::abs(batches[i] - static_cast<double>(count) * spec.partition_weights[i] / sum) <= bound);
  }
}

TEST(Weighted, TheHeavierPartitionGetsTheLargerShare) {
  wire::StreamSpec spec = unkeyed(PartitionBy::kWeighted, 3);
  spec.partition_weights = {0.5, 3, 1.5};
  EXPECT_THAT(spread(spec, "p", 1, 1'000),
              ElementsAre(testing::DoubleNear(100, 3), testing::DoubleNear(600, 3), testing::DoubleNear(300, 3)));
}

TEST(Weighted, ProducersBeginEachAtAPlaceOfTheirOwn) {
  std::map<std::uint32_t, int> first;
  const Partitioner partitioner(unkeyed(PartitionBy::kWeighted, 4));
  for (int i = 0; i < 100; ++i) ++first[*partitioner.of_batch({"p" + std::to_string(i), 1}, no_load)];
  EXPECT_EQ(first.size(), 4u);
}

TEST(LeastLoaded, TakesThePartitionWithTheLeastWaiting) {
  const Partitioner partitioner(unkeyed(PartitionBy::kLeastLoaded, 4));
  const std::array<std::uint64_t, 4> waiting = {30, 20, 10, 20};
  for (std::uint64_t sequence = 1; sequence < 9; ++sequence) {
    EXPECT_EQ(partitioner.of_batch({"p", sequence}, [&](std::uint32_t p) { return waiting[p]; }), 2u);
  }
}

TEST(LeastLoaded, GoesInTurnAmongEquals) {
  const Partitioner partitioner(unkeyed(PartitionBy::kLeastLoaded, 4));
  const std::array<std::uint64_t, 4> waiting = {5, 9, 5, 5};
  const auto load_of = [&](std::uint32_t partition) { return waiting[partition]; };
  EXPECT_EQ(partitioner.of_batch({"p", 4}, load_of), 0u);
  EXPECT_EQ(partitioner.of_batch({"p", 5}, load_of), 2u) << "its turn is 1, and 2 is the next of the least";
  EXPECT_EQ(partitioner.of_batch({"p", 6}, load_of), 2u);
  EXPECT_EQ(partitioner.of_batch({"p", 7}, load_of), 3u);
}

TEST(KeyHash, BothZerosAreOneKey) {
  EXPECT_EQ(of_key(keyed(PartitionBy::kHash, 64), 0.0), of_key(keyed(PartitionBy::kHash, 64), -0.0));
}

TEST(KeyHash, SmallIntegersSpreadEvenly) {
  constexpr std::uint32_t kPartitions = 8;
  constexpr int kKeys = 80'000;
  const Partitioner partitioner(keyed(PartitionBy::kHash, kPartitions));
  std::array<int, kPartitions> rows{};
  for (int key = 0; key < kKeys; ++key) ++rows[of_key(partitioner, key)];
  for (const int count : rows) EXPECT_NEAR(count, kKeys / kPartitions, 500);  // five standard deviations
}

TEST(KeyRange, ACutIsTheFirstKeyOfItsRange) {
  wire::StreamSpec spec = keyed(PartitionBy::kRange, 3);
  spec.partition_cuts = {-1.5, 20};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::pair<double, std::uint32_t> cases[] = {
      {-1e150, 0}, {std::nextafter(-1.5, -kInfinity), 0}, {-1.5, 1}, {0, 1}, {std::nextafter(20, 0), 1}, {20, 2},
      {1e150, 2}};
  for (const auto& [key, partition] : cases) EXPECT_EQ(of_key(spec, key), partition) << key;
}

TEST(TimeWindow, WindowsGoToPartitionsInTurnAndTimeBeforeZeroDoesSo) {
  wire::StreamSpec spec = keyed(PartitionBy::kTimeWindow, 3);
  spec.partition_window_s = 60;
  const std::pair<double, std::uint32_t> cases[] = {
      {0, 0}, {59.999, 0}, {60, 1}, {179, 2}, {180, 0}, {-0.001, 2}, {-60, 2}, {-61, 1}, {-181, 2}, {-120.5, 0},
  };
  for (const auto& [time, partition] : cases) EXPECT_EQ(of_key(spec, time), partition) << time;
}

TEST(TimeWindow, SmallestWindowAndLargestTimeStillFindAPartition) {
  wire::StreamSpec spec = keyed(PartitionBy::kTimeWindow, 7);
  spec.partition_window_s = wire::kMinPartitionWindowS;
  EXPECT_LT(of_key(spec, 1e150), 7u);
  EXPECT_LT(of_key(spec, -1e150), 7u);
}

TEST(TimeWindow, SteadyTimeSpreadsEvenly) {
  std::array<int, 4> rows{};
  const Partitioner partitioner(keyed(PartitionBy::kTimeWindow, 4));
  for (int second = 0; second < 24'000; ++second) ++rows[of_key(partitioner, 1.7e9 + second)];
  for (const int count : rows) EXPECT_NEAR(count, 6'000, 60);  // a window
}

}  // namespace
}  // namespace accrue::ingest
