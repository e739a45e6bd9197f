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
  options.key = "block";
  const StreamSpec spec = new_spec(options, kColumns);
  EXPECT_EQ(spec.target, "price");
  EXPECT_THAT(spec.features, ElementsAre("rooms", "age"));
  EXPECT_TRUE(spec.weighted);
  EXPECT_EQ(spec.partition_by, PartitionBy::kHash);
  EXPECT_THAT(columns_of(spec, options), ElementsAre("rooms", "age", "price", "count", "block"));
}

TEST(NewSpec, TakesTheFeaturesNamedInTheirOrder) {
  PushOptions options;
  options.features = {"block", "age"};
  options.key = "block";
  options.target = "price";
  const StreamSpec spec = new_spec(options, kColumns);
  EXPECT_THAT(spec.features, ElementsAre("block", "age"));
  EXPECT_THAT(columns_of(spec, options), ElementsAre("block", "age", "price"));
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
  options.partitions = 1;
  options.partition_by = PartitionBy::kRoundRobin;
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
  EXPECT_EQ(told([](PushOptions& o) { o.key = "b"; }), "--key: its key is 'a'");
  EXPECT_THAT(told([](PushOptions& o) { o.no_intercept = true; }), HasSubstr("--no-intercept"));
  EXPECT_EQ(told([](PushOptions& o) { o.ridge = 1; }), "--ridge: it has 0");
  EXPECT_EQ(told([](PushOptions& o) { o.partitions = 4; }), "--partitions: it has 2");
  EXPECT_THAT(told([](PushOptions& o) { o.partition_by = PartitionBy::kHash; }), HasSubstr("--partition-by"));
}

}  // namespace
}  // namespace accrue::cli
