#include "ingest/placement.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace accrue::ingest {
namespace {

// Streams by id, each with its partitions; ids are as the store gives them out, some of them dropped.
using Streams = std::map<std::uint64_t, std::uint32_t>;

Streams any_streams(std::uint32_t most_partitions) {
  Streams streams;
  const auto ids = *rc::gen::container<std::set<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 60)).as("streams");
  for (const std::uint64_t id : ids) streams[id] = *rc::gen::inRange<std::uint32_t>(1, most_partitions + 1);
  return streams;
}

Placement placed(const Streams& streams, std::uint32_t workers) {
  Placement placement;
  for (std::uint32_t worker = 0; worker < workers; ++worker) placement.join(worker);
  for (const auto& [id, partitions] : streams) placement.open(id, partitions);
  return placement;
}

using Holders = std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t>;

Holders holders(const Placement& placement, const Streams& streams) {
  Holders all;
  for (const auto& [id, partitions] : streams) {
    for (std::uint32_t partition = 0; partition < partitions; ++partition) {
      all[{id, partition}] = placement.worker_of(id, partition);
    }
  }
  return all;
}

std::uint64_t ceil_divided(std::uint64_t number, std::uint64_t by) { return (number + by - 1) / by; }

// The most partitions of the stream that one worker holds.
std::uint64_t most_held(const Placement& placement, std::uint64_t id, std::uint32_t partitions) {
  std::map<std::uint32_t, std::uint64_t> held;
  std::uint64_t most = 0;
  for (std::uint32_t i = 0; i < partitions; ++i) most = std::max(most, ++held[placement.worker_of(id, i)]);
  return most;
}

RC_GTEST_PROP(Placement, IsAPureFunctionOfItsInputs, ()) {
  const Streams streams = any_streams(64);
  const auto workers = *rc::gen::inRange<std::uint32_t>(1, 17).as("workers");
  RC_ASSERT(holders(placed(streams, workers), streams) == holders(placed(streams, workers), streams));
}

RC_GTEST_PROP(Placement, NoWorkerHoldsMoreOfAStreamThanItsBoundWhoeverLeaves, ()) {
  const Streams streams = any_streams(64);
  auto workers = *rc::gen::inRange<std::uint32_t>(1, 17).as("workers");
  Placement placement = placed(streams, workers);
  std::vector<std::uint32_t> here(workers);
  for (std::uint32_t i = 0; i < workers; ++i) here[i] = i;
  for (;; --workers) {
    for (const auto& [id, partitions] : streams) {
      RC_ASSERT(most_held(placement, id, partitions) <= ceil_divided(partitions, workers));
    }
    if (workers == 1) return;
    const auto leaver = *rc::gen::inRange<std::size_t>(0, here.size()).as("leaver");
    placement.leave(here[leaver]);
    here.erase(here.begin() + static_cast<std::ptrdiff_t>(leaver));
  }
}

RC_GTEST_PROP(Placement, OnlyThePartitionsOfAWorkerThatLeavesMove, ()) {
  const Streams streams = any_streams(64);
  const auto workers = *rc::gen::inRange<std::uint32_t>(2, 17).as("workers");
  const auto leaver = *rc::gen::inRange<std::uint32_t>(0, workers).as("leaver");
  Placement placement = placed(streams, workers);
  const Holders before = holders(placement, streams);
  placement.leave(leaver);
  for (const auto& [partition, holder] : holders(placement, streams)) {
    RC_ASSERT(holder != leaver);
    RC_ASSERT(holder == before.at(partition) || before.at(partition) == leaver);
  }
}

RC_GTEST_PROP(Placement, OnlyTheWorkerThatJoinsIsGivenPartitionsAndNeverTooMany, ()) {
  const Streams streams = any_streams(64);
  const auto workers = *rc::gen::inRange<std::uint32_t>(1, 17).as("workers");
  Placement placement = placed(streams, workers);
  const Holders before = holders(placement, streams);
  const auto moved = placement.join(workers);
  std::set<std::uint64_t> of_streams;
  for (const auto& [partition, holder] : holders(placement, streams)) {
    if (holder == before.at(partition)) continue;
    RC_ASSERT(holder == workers);
    of_streams.insert(partition.first);
  }
  RC_ASSERT(of_streams == std::set(moved.begin(), moved.end()));
  for (const auto& [id, partitions] : streams) {
    std::uint64_t of_stream = 0;
    for (std::uint32_t i = 0; i < partitions; ++i) of_stream += placement.worker_of(id, i) == workers ? 1 : 0;
    RC_ASSERT(of_stream <= ceil_divided(partitions, workers + 1));
    // Where somebody must have held more of it than is now allowed, the one who joins has some of it.
    if (ceil_divided(partitions, workers) > ceil_divided(partitions, workers + 1)) RC_ASSERT(of_stream > 0u);
  }
}

RC_GTEST_PROP(Placement, WhatNobodyHoldsGoesToTheFirstWhoJoins, ()) {
  const Streams streams = any_streams(64);
  const auto workers = *rc::gen::inRange<std::uint32_t>(1, 5).as("workers");
  Placement placement = placed(streams, workers);
  for (std::uint32_t worker = 0; worker < workers; ++worker) placement.leave(worker);
  for (const auto& [partition, holder] : holders(placement, streams)) RC_ASSERT(holder == Placement::kNobody);
  RC_ASSERT(placement.join(99).size() == streams.size());
  for (const auto& [partition, holder] : holders(placement, streams)) RC_ASSERT(holder == 99u);
}

RC_GTEST_PROP(Placement, StreamsOfOnePartitionEachAreSharedByAllWorkersAlike, ()) {
  const Streams streams = any_streams(1);
  const auto workers = *rc::gen::inRange<std::uint32_t>(1, 17).as("workers");
  const Placement placement = placed(streams, workers);
  std::map<std::uint32_t, std::uint64_t> held;
  for (const auto& [id, partitions] : streams) ++held[placement.worker_of(id, 0)];
  for (const auto& [worker, partitions] : held) RC_ASSERT(partitions <= ceil_divided(streams.size(), workers));
}

RC_GTEST_PROP(Placement, AStreamThatIsClosedLeavesNothingBehind, ()) {
  const Streams streams = any_streams(64);
  const auto workers = *rc::gen::inRange<std::uint32_t>(1, 17).as("workers");
  Placement placement = placed(streams, workers);
  for (const auto& [id, partitions] : streams) placement.close(id);
  for (const auto& [id, partitions] : streams) placement.open(id, partitions);
  RC_ASSERT(holders(placement, streams) == holders(placed(streams, workers), streams));
}

TEST(Placement, StreamsPreferDifferentWorkers) {
  std::map<std::uint32_t, int> held;
  for (std::uint64_t id = 1; id <= 8'000; ++id) ++held[placed({{id, 1}}, 8).worker_of(id, 0)];
  ASSERT_EQ(held.size(), 8u);
  for (const auto& [worker, streams] : held) EXPECT_NEAR(streams, 1'000, 150) << worker;  // five standard deviations
}

}  // namespace
}  // namespace accrue::ingest
