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

TEST(StreamSpec, ColumnsAreFeaturesTargetWeightAndKeyAndTimeOfTheirOwn) {
  EXPECT_THAT(good().columns(), ElementsAre("rooms", "age", "price"));
  const StreamSpec spec = changed([](auto& s) { s.weighted = true, s.key = "store"; });
  EXPECT_THAT(spec.columns(), ElementsAre("rooms", "age", "price", "weight", "store"));
  EXPECT_THAT(changed([](auto& s) { s.key = "age"; }).columns(), ElementsAre("rooms", "age", "price"));
  const auto columns = [](const std::string& key, const std::string& time) {
    return changed([&](auto& s) { s.key = key, s.time = time; }).columns();
  };
  EXPECT_THAT(columns("store", "sold"), ElementsAre("rooms", "age", "price", "store", "sold"));
  EXPECT_THAT(columns("", "sold"), ElementsAre("rooms", "age", "price", "sold"));
  EXPECT_THAT(columns("sold", "sold"), ElementsAre("rooms", "age", "price", "sold"));
  EXPECT_THAT(columns("store", "age"), ElementsAre("rooms", "age", "price", "store"));
  EXPECT_EQ(changed([](auto& s) { s.key = "store", s.time = "sold"; }).column("sold"), 4u);
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
      {[](auto& s) { s.time = "price"; }, "'price' is named twice"},
      {[](auto& s) { s.time = "weight", s.weighted = true; }, "'weight' is named twice"},
      {[](auto& s) { s.features[0] = "weight", s.weighted = true; }, "'weight' is named twice"},
      {[](auto& s) { s.ridge = -1; }, "ridge"},
      {[](auto& s) { s.ridge = std::numeric_limits<double>::quiet_NaN(); }, "ridge"},
      {[](auto& s) { s.ridge = std::numeric_limits<double>::infinity(); }, "ridge"},
      {[](auto& s) { s.partitions = 0; }, "partitions"},
      {[](auto& s) { s.partitions = kMaxPartitions + 1; }, "partitions"},
  };
  for (const auto& [change, text] : cases) EXPECT_THAT(problem_with(changed(change)), HasSubstr(text));
}

TEST(StreamSpec, AnIdNeedsATimeToLiveAndPartitionsByIt) {
  const Change with_id = [](auto& s) { s.id = "visit"; };
  EXPECT_EQ(problem_with(changed(with_id)), "");
  EXPECT_THAT(changed(with_id).columns(), ElementsAre("rooms", "age", "price", "visit"));
  EXPECT_EQ(problem_with(changed([](auto& s) {
              s.id = "visit", s.time = "sold", s.label_ttl_rows = 1, s.label_ttl_s = 0.5;
              s.partitions = 4, s.partition_by = PartitionBy::kHash;
            })),
            "");
  const std::pair<Change, const char*> cases[] = {
      {[](auto& s) { s.id = "age"; }, "'age' is named twice"},
      {[](auto& s) { s.id = "store", s.key = "store"; }, "'store' is named twice"},
      {[](auto& s) { s.id = "visit", s.label_ttl_rows = 0; }, "label_ttl_rows must be 1 to 1000000, not 0"},
      {[](auto& s) { s.id = "visit", s.label_ttl_rows = 1'000'001; }, "label_ttl_rows"},
      {[](auto& s) { s.id = "visit", s.label_ttl_s = -1; }, "label_ttl_s must be"},
      {[](auto& s) { s.id = "visit", s.label_ttl_s = 1; }, "name its column as the time"},
      {[](auto& s) { s.id = "visit", s.partitions = 2; }, "are by hash"},
      {[](auto& s) { s.label_ttl_rows = 5; }, "only for a stream with an id"},
      {[](auto& s) { s.label_ttl_s = 5; }, "only for a stream with an id"},
  };
  for (const auto& [change, text] : cases) EXPECT_THAT(problem_with(changed(change)), HasSubstr(text));
}

TEST(StreamSpec, SparseRowsHaveADimensionAndNothingToGoBy) {
  const auto sparse = [](const Change& change) {
    return changed([&](auto& s) {
      s.features.clear(), s.dimension = kMaxDimension;
      change(s);
    });
  };
  EXPECT_EQ(problem_with(sparse([](auto&) {})), "");
  EXPECT_THAT(sparse([](auto& s) { s.weighted = true; }).columns(), ElementsAre("price", "weight"));
  const std::pair<Change, const char*> cases[] = {
      {[](auto& s) { s.features = {"rooms"}; }, "not both"},
      {[](auto& s) { s.dimension = kMaxDimension + 1; }, "at most 1048576, not 1048577"},
      {[](auto& s) { s.key = "store"; }, "no key"},
      {[](auto& s) { s.time = "sold"; }, "no event time"},
      {[](auto& s) { s.id = "visit"; }, "no id"},
  };
  for (const auto& [change, text] : cases) EXPECT_THAT(problem_with(sparse(change)), HasSubstr(text));
}

// Three partitions, with all that the strategy needs.
StreamSpec partitioned(PartitionBy by) {
  StreamSpec spec = good();
  spec.partitions = 3;
  spec.partition_by = by;
  if (by == PartitionBy::kHash || by == PartitionBy::kRange || by == PartitionBy::kTimeWindow) spec.key = "age";
  if (by == PartitionBy::kRandom) spec.partition_seed = 7;
  if (by == PartitionBy::kWeighted) spec.partition_weights = {1, 2, 0.5};
  if (by == PartitionBy::kRange) spec.partition_cuts = {-10, 30};
  if (by == PartitionBy::kTimeWindow) spec.partition_window_s = 3'600;
  return spec;
}

TEST(StreamSpec, EveryStrategyIsFoundByItsNameAndHasWhatItNeeds) {
  for (std::uint8_t i = 0; i < kPartitionByCount; ++i) {
    const auto by = static_cast<PartitionBy>(i);
    EXPECT_EQ(partition_by_named(to_string(by)), by);
    EXPECT_EQ(problem_with(partitioned(by)), "") << to_string(by);
  }
  EXPECT_EQ(partition_by_named("unknown"), std::nullopt);
}

TEST(StreamSpec, WhatIsWrongWithPartitioningIsSaid) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  struct Case {
    PartitionBy by;
    Change change;
    const char* text;
  };
  const Case cases[] = {
      {PartitionBy::kHash, [](auto& s) { s.key = ""; }, "by hash needs a key"},
      {PartitionBy::kRange, [](auto& s) { s.key = ""; }, "by range needs a key"},
      {PartitionBy::kTimeWindow, [](auto& s) { s.key = ""; }, "by time_window needs a key"},
      {PartitionBy::kHash, [](auto& s) { s.partition_seed = 1; }, "partition_seed is only for partitioning by random"},
      {PartitionBy::kRange, [](auto& s) { s.partition_weights = {1}; }, "partition_weights is only for"},
      {PartitionBy::kWeighted,
       [](auto& s) {
         s.partition_cuts = {1, 2};
       },
       "partition_cuts is only for"},
      {PartitionBy::kRandom, [](auto& s) { s.partition_window_s = 9; }, "partition_window_s is only for"},
      {PartitionBy::kWeighted, [](auto& s) { s.partition_weights = {}; }, "each of the 3 partitions, not 0"},
      {PartitionBy::kWeighted, [](auto& s) { s.partitions = 4; }, "each of the 4 partitions, not 3"},
      {PartitionBy::kWeighted,
       [](auto& s) {
         s.partition_weights = {1, 0, 1};
       },
       "above 0 and at most 1e150: 1, 0, 1"},
      {PartitionBy::kWeighted, [](auto& s) { s.partition_weights[1] = kNan; }, "above 0 and at most 1e150"},
      {PartitionBy::kWeighted, [](auto& s) { s.partition_weights[1] = kInfinity; }, "above 0 and at most 1e150"},
      {PartitionBy::kRange, [](auto& s) { s.partition_cuts = {}; }, "each two of the 3 partitions: 2, not 0"},
      {PartitionBy::kRange,
       [](auto& s) {
         s.partition_cuts = {1, 2, 3};
       },
       "each two of the 3 partitions: 2, not 3"},
      {PartitionBy::kRange,
       [](auto& s) {
         s.partition_cuts = {2, 2};
       },
       "must be finite and increasing: 2, 2"},
      {PartitionBy::kRange,
       [](auto& s) {
         s.partition_cuts = {2, 1};
       },
       "must be finite and increasing: 2, 1"},
      {PartitionBy::kRange,
       [](auto& s) {
         s.partition_cuts = {0, kNan};
       },
       "must be finite and increasing"},
      {PartitionBy::kRange,
       [](auto& s) {
         s.partition_cuts = {-kInfinity, 0};
       },
       "must be finite and increasing"},
      {PartitionBy::kTimeWindow, [](auto& s) { s.partition_window_s = 0; }, "of at least 0.001 seconds, not 0"},
      {PartitionBy::kTimeWindow, [](auto& s) { s.partition_window_s = -60; }, "of at least 0.001 seconds, not -60"},
      {PartitionBy::kTimeWindow, [](auto& s) { s.partition_window_s = 9e-4; }, "of at least 0.001 seconds"},
      {PartitionBy::kTimeWindow, [](auto& s) { s.partition_window_s = kNan; }, "of at least 0.001 seconds"},
      {PartitionBy::kTimeWindow, [](auto& s) { s.partition_window_s = kInfinity; }, "of at least 0.001 seconds"},
  };
  for (const auto& [by, change, text] : cases) {
    StreamSpec spec = partitioned(by);
    change(spec);
    EXPECT_THAT(problem_with(spec), HasSubstr(text));
  }
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
      {[](auto& s) { s.partition_seed = 7; }, "it has partition_seed 0, not 7"},
      {[](auto& s) {
         s.partition_weights = {1, 0.5};
       },
       "it has partition_weights none, not 1, 0.5"},
      {[](auto& s) {
         s.partition_cuts = {34, 36};
       },
       "it has partition_cuts none, not 34, 36"},
      {[](auto& s) { s.partition_window_s = 60; }, "it has partition_window_s 0, not 60"},
      {[](auto& s) { s.time = "sold"; }, "it has time '', not 'sold'"},
      {[](auto& s) { s.id = "visit"; }, "it has id '', not 'visit'"},
      {[](auto& s) { s.label_ttl_rows = 9; }, "it has label_ttl_rows 100000, not 9"},
      {[](auto& s) { s.label_ttl_s = 9; }, "it has label_ttl_s 0, not 9"},
      {[](auto& s) { s.dimension = 9; }, "it has dimension 0, not 9"},
  };
  for (const auto& [change, text] : cases) EXPECT_THAT(difference(good(), changed(change)), HasSubstr(text));
}

}  // namespace
}  // namespace accrue::wire
