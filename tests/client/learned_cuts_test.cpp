#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "accrue/client.hpp"

namespace accrue {
namespace {

using testing::ElementsAre;

// How many of the keys lie in each range.
std::vector<std::size_t> shares(const std::vector<double>& keys, const std::vector<double>& cuts) {
  std::vector<std::size_t> counts(cuts.size() + 1);
  for (const double key : keys) {
    ++counts[static_cast<std::size_t>(std::upper_bound(cuts.begin(), cuts.end(), key) - cuts.begin())];
  }
  return counts;
}

TEST(LearnedCuts, AreQuantiles) {
  EXPECT_THAT(learned_cuts({8, 1, 7, 2, 6, 3, 5, 4}, 4), ElementsAre(3, 5, 7));
  EXPECT_THAT(learned_cuts({1, 2, 3, 4, 4, 4, 4, 5}, 2), ElementsAre(4)) << "a key counts as often as it comes";
  EXPECT_THAT(learned_cuts({5}, 1), ElementsAre());
}

RC_GTEST_PROP(LearnedCuts, IncreaseAndLeaveNoPartitionEmptyHoweverManyKeysAreAlike, ()) {
  std::vector<double> keys;
  for (const int key : *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-9, 9)))) {
    keys.push_back(key);
  }
  const std::size_t different = std::set<double>(keys.begin(), keys.end()).size();
  const auto partitions = *rc::gen::inRange<std::uint32_t>(1, static_cast<std::uint32_t>(different) + 1);
  const auto cuts = learned_cuts(keys, partitions);
  RC_ASSERT(cuts.size() + 1 == partitions);
  RC_ASSERT(std::adjacent_find(cuts.begin(), cuts.end(), std::greater_equal<>()) == cuts.end());
  for (const std::size_t share : shares(keys, cuts)) RC_ASSERT(share > 0u);
}

RC_GTEST_PROP(LearnedCuts, ShareDifferentKeysAsEvenlyAsCanBe, (const std::set<double>& different)) {
  const std::vector<double> keys(different.begin(), different.end());
  RC_PRE(!keys.empty());
  const auto partitions = *rc::gen::inRange<std::uint32_t>(1, static_cast<std::uint32_t>(keys.size()) + 1);
  for (const std::size_t share : shares(keys, learned_cuts(keys, partitions))) {
    RC_ASSERT(share == keys.size() / partitions || share == (keys.size() + partitions - 1) / partitions);
  }
}

TEST(LearnedCuts, NeedEnoughDifferentAndFiniteKeys) {
  EXPECT_THROW((void)learned_cuts({}, 1), Error);
  EXPECT_THROW((void)learned_cuts({1, 1, 2, 2}, 3), Error);
  EXPECT_THROW((void)learned_cuts({1, std::numeric_limits<double>::quiet_NaN()}, 1), Error);
  EXPECT_THROW((void)learned_cuts({1, std::numeric_limits<double>::infinity()}, 1), Error);
}

}  // namespace
}  // namespace accrue
