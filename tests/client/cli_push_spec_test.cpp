#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/push_spec.hpp"

namespace accrue::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kColumns = {"rooms", "block", "age", "price", "count"};

TEST(NewSpec, LearnsTheLastColumnFromAllOthers) {
  const StreamSpec spec = new_spec({}, kColumns);
  EXPECT_EQ(spec.target, "count");
  EXPECT_THAT(spec.features, ElementsAre("rooms", "block", "age", "price"));
  EXPECT_EQ(spec.partition_by, PartitionBy::kRoundRobin);
  EXPECT_TRUE(spec.intercept);
  EXPECT_FALSE(spec.weighted);
}

TEST(NewSpec, LeavesWeightAndKeyOutOfTheFeatures) {
  PushOptions options;
  options.weight = "count";
  options.partitioning.key = "block";
  const StreamSpec spec = new_spec(options, kColumns);
  EXPECT_EQ(spec.target, "price");
  EXPECT_THAT(spec.features, ElementsAre("rooms", "age"));
  EXPECT_TRUE(spec.weighted);
  EXPECT_EQ(spec.partition_by, PartitionBy::kHash);
  EXPECT_THAT(columns_of(spec, options), ElementsAre("rooms", "age", "price", "count", "block"));
}

TEST(NewSpec, LeavesTheEventTimeOutOfTheFeaturesUnlessTheyNameIt) {
  PushOptions options;
  options.time = "count";
  options.partitioning.key = "block";
  StreamSpec spec = new_spec(options, kColumns);
  EXPECT_EQ(spec.time, "count");
  EXPECT_EQ(spec.target, "price");
  EXPECT_THAT(columns_of(spec, options), ElementsAre("rooms", "age", "price", "block", "count"));
  options.features = {"age", "count"};
  spec = new_spec(options, kColumns);
  EXPECT_THAT(columns_of(spec, options), ElementsAre("age", "count", "price", "block"));
  options.time = "block";
  options.target = "price";
  spec = new_spec(options, kColumns);
  EXPECT_THAT(columns_of(spec, options), ElementsAre("age", "count", "price", "block")) << "the key is the event time";
}

TEST(NewSpec, TakesTheFeaturesNamedInTheirOrder) {
  PushOptions options;
  options.features = {"block", "age"};
  options.partitioning.key = "block";
  options.target = "price";
  const StreamSpec spec = new_spec(options, kColumns);
  EXPECT_THAT(spec.features, ElementsAre("block", "age"));
  EXPECT_THAT(columns_of(spec, options), ElementsAre("block", "age", "price"));
}

TEST(NewSpec, TakesHowAndHowManyPartitionsFromWhatTheyNeed) {
  const auto made = [](auto set) {
    PushOptions options;
    set(options.partitioning);
    return new_spec(options, kColumns);
  };
  const StreamSpec by_range = made([](PartitionOptions& o) { o.key = "age", o.cuts = {10, 30}; });
  EXPECT_EQ(by_range.partition_by, PartitionBy::kRange);
  EXPECT_EQ(by_range.partitions, 3u);
  EXPECT_THAT(by_range.partition_cuts, ElementsAre(10, 30));
  const StreamSpec weighted = made([](PartitionOptions& o) { o.weights = {1, 2}; });
  EXPECT_EQ(weighted.partition_by, PartitionBy::kWeighted);
  EXPECT_EQ(weighted.partitions, 2u);
  EXPECT_THAT(weighted.partition_weights, ElementsAre(1, 2));
  const StreamSpec by_time = made([](PartitionOptions& o) { o.key = "age", o.window_s = 60, o.partitions = 4; });
  EXPECT_EQ(by_time.partition_by, PartitionBy::kTimeWindow);
  EXPECT_EQ(by_time.partitions, 4u);
  EXPECT_EQ(by_time.partition_window_s, 60);
  const StreamSpec drawn = made([](PartitionOptions& o) { o.seed = 9, o.partitions = 4; });
  EXPECT_EQ(drawn.partition_by, PartitionBy::kRandom);
  EXPECT_EQ(drawn.partition_seed, 9u);
  const StreamSpec asked = made([](PartitionOptions& o) { o.by = PartitionBy::kLeastLoaded, o.key = "age"; });
  EXPECT_EQ(asked.partition_by, PartitionBy::kLeastLoaded);
}

TEST(NewSpec, NeedsAColumnForTheTarget) {
  PushOptions options;
  options.weight = "w";
  EXPECT_THROW((void)new_spec(options, {"w"}), std::runtime_error);
}

TEST(ColumnsOf, FindsTheWeightOfAnExistingStreamByItsUsualName) {
  const StreamSpec spec{.features = {"a"}, .target = "y", .weighted = true, .key = ""};
  EXPECT_THAT(columns_of(spec, {}), ElementsAre("a", "y", "weight"));
  PushOptions options;
  options.weight = "count";
  EXPECT_THAT(columns_of(spec, options), ElementsAre("a", "y", "count"));
}

TEST(Contradiction, IsNoneWhereOptionsRepeatTheStreamOrAreNotGiven) {
  const StreamSpec spec{.features = {"a", "b"}, .target = "y", .key = "", .ridge = 0.5};
  EXPECT_EQ(contradiction(spec, {}), "");
  PushOptions options;
  options.features = {"b", "a"};
  options.target = "y";
  options.ridge = 0.5;
  options.partitioning.partitions = 1;
  options.partitioning.by = PartitionBy::kRoundRobin;
  options.partitioning.seed = 0;
  EXPECT_EQ(contradiction(spec, options), "");
}

TEST(Contradiction, NamesTheOptionAndWhatTheStreamHas) {
  const StreamSpec spec{.features = {"a", "b"}, .target = "y", .key = "a", .partitions = 2};
  const auto told = [&](auto set) {
    PushOptions options;
    set(options);
    return contradiction(spec, options);
  };
  EXPECT_THAT(told([](PushOptions& o) { o.features = {"a"}; }), HasSubstr("--features"));
  EXPECT_EQ(told([](PushOptions& o) { o.target = "z"; }), "--target: it learns 'y'");
  EXPECT_THAT(told([](PushOptions& o) { o.weight = "w"; }), HasSubstr("--weight"));
  EXPECT_EQ(told([](PushOptions& o) { o.partitioning.key = "b"; }), "--key: its key is 'a'");
  EXPECT_EQ(told([](PushOptions& o) { o.time = "b"; }), "--time: it has no event time");
  EXPECT_THAT(told([](PushOptions& o) { o.no_intercept = true; }), HasSubstr("--no-intercept"));
  EXPECT_EQ(told([](PushOptions& o) { o.ridge = 1; }), "--ridge: it has 0");
  EXPECT_EQ(told([](PushOptions& o) { o.partitioning.partitions = 4; }), "--partitions: it has 2");
  EXPECT_EQ(told([](PushOptions& o) { o.partitioning.seed = 1; }), "--partition-seed: it has 0");
  EXPECT_EQ(told([](PushOptions& o) { o.partitioning.weights = {1, 2}; }), "--partition-weights: it has none");
  EXPECT_EQ(told([](PushOptions& o) { o.partitioning.cuts = {1}; }), "--partition-cuts: it has none");
  EXPECT_EQ(told([](PushOptions& o) { o.partitioning.window_s = 60; }), "--partition-window: it has 0 seconds");
  EXPECT_THAT(told([](PushOptions& o) { o.partitioning.by = PartitionBy::kHash; }),
              HasSubstr("--partition-by: it is round_robin"));
}

}  // namespace
}  // namespace accrue::cli
