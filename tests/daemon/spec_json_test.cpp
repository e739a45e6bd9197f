#include "daemon/spec_json.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace accrue::daemon {
namespace {

using wire::PartitionBy;

wire::StreamSpec homes() {
  return {.features = {"rooms", "age"}, .target = "price", .key = "store", .ridge = 0.5, .partitions = 3};
}

// As version 0.1.0 wrote it.
constexpr const char* kByHash =
    R"({"features":["rooms","age"],"target":"price","weighted":false,"key":"store","intercept":true,"ridge":0.5,)"
    R"("partitions":3,"partition_by":"hash"})";

TEST(SpecJson, WhatVersion010WroteIsReadAndWrittenAlike) {
  wire::StreamSpec spec = homes();
  spec.partition_by = PartitionBy::kHash;
  EXPECT_EQ(spec_from_json(kByHash), spec);
  EXPECT_EQ(to_json(spec), kByHash);
}

TEST(SpecJson, EveryStrategySurvivesTheWay) {
  for (std::uint8_t i = 0; i < wire::kPartitionByCount; ++i) {
    wire::StreamSpec spec = homes();
    spec.partition_by = static_cast<PartitionBy>(i);
    if (spec.partition_by == PartitionBy::kRandom) spec.partition_seed = 18'446'744'073'709'551'615u;
    if (spec.partition_by == PartitionBy::kWeighted) spec.partition_weights = {0.1, 2, 1e150};
    if (spec.partition_by == PartitionBy::kRange) spec.partition_cuts = {-0.1, 1e-300};
    if (spec.partition_by == PartitionBy::kTimeWindow) spec.partition_window_s = 0.1;
    EXPECT_EQ(spec_from_json(to_json(spec)), spec) << to_json(spec);
  }
}

TEST(SpecJson, TheEventTimeSurvivesTheWay) {
  wire::StreamSpec spec = homes();
  spec.time = "sold";
  EXPECT_EQ(spec_from_json(to_json(spec)), spec) << to_json(spec);
}

TEST(SpecJson, AnIdAndADimensionSurviveTheWay) {
  wire::StreamSpec spec = homes();
  spec.partition_by = PartitionBy::kHash;
  spec.time = "sold";
  spec.id = "visit";
  spec.label_ttl_rows = 7;
  spec.label_ttl_s = 0.1;
  EXPECT_EQ(spec_from_json(to_json(spec)), spec) << to_json(spec);

  wire::StreamSpec sparse;
  sparse.target = "price";
  sparse.dimension = 1'048'576;
  EXPECT_EQ(spec_from_json(to_json(sparse)), sparse) << to_json(sparse);
}

TEST(SpecJson, WhatIsLeftOutHasItsDefault) {
  const wire::StreamSpec spec = spec_of(nlohmann::ordered_json::parse(R"({"features":["x"],"models":[{"name":"m"}]})"));
  EXPECT_EQ(spec.target, "target");
  EXPECT_TRUE(spec.intercept);
  EXPECT_EQ(spec.partitions, 1u);
  EXPECT_EQ(spec.models.at(0).learner, "least_squares");
}

TEST(SpecJson, SettingsMayBeNumbersAndBools) {
  const auto model = model_of(
      nlohmann::ordered_json::parse(R"({"name":"m","settings":{"ridge":0.5,"intercept":false,"transforms":"log1p"}})"));
  EXPECT_EQ(model.settings,
            (std::vector<wire::Setting>{{"ridge", "0.5"}, {"intercept", "false"}, {"transforms", "log1p"}}));
}

TEST(SpecJson, AFieldThatIsWrongIsNamed) {
  const auto field = [](const char* text) {
    try {
      (void)spec_of(nlohmann::ordered_json::parse(text));
    } catch (const BadSpecField& error) {
      return error.field() + " " + error.why();
    }
    return std::string("none");
  };
  EXPECT_EQ(field(R"({"featurse":[]})"), "featurse there is no such field");
  EXPECT_EQ(field(R"({"features":["x",7]})"), "features must be an array of texts");
  EXPECT_EQ(field(R"({"weighted":1})"), "weighted must be true or false");
  EXPECT_EQ(field(R"({"ridge":"1"})"), "ridge must be a number");
  EXPECT_EQ(field(R"({"partitions":-1})"), "partitions must be a whole number that is not negative");
  EXPECT_EQ(field(R"({"partitions":4294967296})"), "partitions must be a whole number that is not negative");
  EXPECT_EQ(field(R"({"models":{}})"), "models must be an array");
  EXPECT_EQ(field(R"({"models":[{"name":"a"},{"learner":1}]})"), "models[1].learner must be text");
  EXPECT_EQ(field(R"({"models":[{"settings":{"ridge":[]}}]})"),
            "models[0].settings.ridge must be text, a number, or true or false");
  EXPECT_EQ(field("[]"), "body must be an object");
}

TEST(SpecJson, WhatCannotBeReadOrUsedIsRefusedByName) {
  const auto problem = [](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    try {
      (void)spec_from_json(text);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(problem(kByHash, "hash", "luck"), testing::HasSubstr("unknown partition_by 'luck'"));
  EXPECT_THAT(problem(kByHash, "hash", "range"), testing::HasSubstr("needs one of partition_cuts"));
  EXPECT_THAT(problem(kByHash, "ridge", "bridge"), testing::HasSubstr("ridge"));
  EXPECT_THAT(problem(kByHash, "{", ""), testing::HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace accrue::daemon
