#include <functional>
#include <limits>

#include <gmock/gmock.h>

#include "ingest/wire/limits.hpp"
#include "ingest/wire/stream_spec.hpp"

namespace accrue::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

StreamSpec good() {
  StreamSpec spec;
  spec.features = {"rooms", "age"};
  spec.target = "price";
  return spec;
}

using Change = std::function<void(StreamSpec&)>;

StreamSpec changed(const Change& change) {
  StreamSpec spec = good();
  change(spec);
  return spec;
}

TEST(StreamSpec, ColumnsAreFeaturesTargetWeightAndAKeyOfItsOwn) {
  EXPECT_THAT(good().columns(), ElementsAre("rooms", "age", "price"));
  const StreamSpec spec = changed([](auto& s) { s.weighted = true, s.key = "store"; });
  EXPECT_THAT(spec.columns(), ElementsAre("rooms", "age", "price", "weight", "store"));
  EXPECT_THAT(changed([](auto& s) { s.key = "age"; }).columns(), ElementsAre("rooms", "age", "price"));
}

TEST(StreamSpec, WhatIsWrongIsSaid) {
  EXPECT_EQ(problem_with(good()), "");
  const std::pair<Change, const char*> cases[] = {
      {[](auto& s) { s.features.clear(); }, "at least one feature"},
      {[](auto& s) { s.features.resize(kMaxFeatures + 1, "x"); }, "at most 1024 features, not 1025"},
      {[](auto& s) { s.features[0] = ""; }, "empty name"},
      {[](auto& s) { s.features[0] = std::string(129, 'x'); }, "longer than 128 bytes"},
      {[](auto& s) { s.features[0] = "a\nb"; }, "control character"},
      {[](auto& s) { s.features[0] = "age"; }, "'age' is named twice"},
      {[](auto& s) { s.target = "age"; }, "'age' is named twice"},
      {[](auto& s) { s.key = "price"; }, "'price' is named twice"},
      {[](auto& s) { s.features[0] = "weight", s.weighted = true; }, "'weight' is named twice"},
      {[](auto& s) { s.ridge = -1; }, "ridge"},
      {[](auto& s) { s.ridge = std::numeric_limits<double>::quiet_NaN(); }, "ridge"},
      {[](auto& s) { s.ridge = std::numeric_limits<double>::infinity(); }, "ridge"},
      {[](auto& s) { s.partitions = 0; }, "partitions"},
      {[](auto& s) { s.partitions = kMaxPartitions + 1; }, "partitions"},
      {[](auto& s) { s.partition_by = PartitionBy::kHash; }, "needs a key"},
  };
  for (const auto& [change, text] : cases) EXPECT_THAT(problem_with(changed(change)), HasSubstr(text));
  EXPECT_EQ(problem_with(changed([](auto& s) { s.key = "store", s.partition_by = PartitionBy::kHash; })), "");
}

TEST(StreamSpec, NamesOfStreamsArePlain) {
  EXPECT_EQ(problem_with_stream_name("California_housing-2.1"), "");
  EXPECT_EQ(problem_with_stream_name(std::string(128, 'a')), "");
  for (const std::string& name : {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a/b"),
                                  std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    EXPECT_THAT(problem_with_stream_name(name), HasSubstr("is not 1 to 128 letters"));
  }
}

TEST(StreamSpec, EveryDifferenceIsNamed) {
  EXPECT_EQ(difference(good(), good()), "");
  const std::pair<Change, const char*> cases[] = {
      {[](auto& s) { s.features = {"rooms"}; }, "it has features rooms, age, not rooms"},
      {[](auto& s) { s.target = "rent"; }, "it has target price, not rent"},
      {[](auto& s) { s.weighted = true; }, "it has weights: no, not yes"},
      {[](auto& s) { s.key = "store"; }, "it has key '', not 'store'"},
      {[](auto& s) { s.intercept = false; }, "it has intercept: yes, not no"},
      {[](auto& s) { s.ridge = 1; }, "it has ridge 0"},
      {[](auto& s) { s.ridge = 1e-9; }, "it has ridge 0, not 1e-09"},
      {[](auto& s) { s.partitions = 2; }, "it has partitions 1, not 2"},
      {[](auto& s) { s.partition_by = PartitionBy::kHash; }, "it has partition_by round_robin, not hash"},
  };
  for (const auto& [change, text] : cases) EXPECT_THAT(difference(good(), changed(change)), HasSubstr(text));
}

}  // namespace
}  // namespace accrue::wire
