#include "datasets/synthetic.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "client/cli/batch_fit.hpp"
#include "tests/datasets/checksum.hpp"

namespace accrue::datasets {
namespace {

std::vector<double> column(const Table& table, std::size_t index) {
  std::vector<double> values(table.rows);
  for (std::size_t i = 0; i < table.rows; ++i) values[i] = table.row(i)[index];
  return values;
}

TEST(SyntheticCalifornia, HasTheColumnsAndRowsOfTheOriginal) {
  const Table table = synthetic_california(1);
  EXPECT_EQ(table.feature_names, california_columns().feature_names);
  EXPECT_EQ(table.target_name, "MedHouseVal");
  EXPECT_EQ(table.rows, kCaliforniaRows);
  EXPECT_EQ(table.values.size(), kCaliforniaRows * 9);
}

// The checksum was computed in another language.
TEST(SyntheticCalifornia, ASeedGivesTheSameBitsEverywhere) {
  EXPECT_EQ(fnv1a(synthetic_california(1).values), 10340736943896625741U);
  EXPECT_NE(fnv1a(synthetic_california(2).values), fnv1a(synthetic_california(1).values));
}

TEST(SyntheticCalifornia, AShorterTableIsTheStartOfALongerOne) {
  const Table longer = synthetic_california(1);
  const Table shorter = synthetic_california(1, 100);
  EXPECT_TRUE(std::equal(shorter.values.begin(), shorter.values.end(), longer.values.begin()));
}

TEST(SyntheticCalifornia, StaysInTheRangesOfTheOriginal) {
  const Table table = synthetic_california(1);
  const struct {
    double min, max;
  } ranges[] = {{0.4999, 15.0001}, {1, 52},    {0.8, 142},         {0.3, 35},      {3, 35'682},
                {0.69, 1'244},     {32.5, 42}, {-124.35, -114.31}, {0.15, 5.00001}};
  for (std::size_t i = 0; i < table.columns(); ++i) {
    const std::vector<double> values = column(table, i);
    EXPECT_GE(*std::min_element(values.begin(), values.end()), ranges[i].min) << "column " << i;
    EXPECT_LE(*std::max_element(values.begin(), values.end()), ranges[i].max) << "column " << i;
  }
}

TEST(SyntheticCalifornia, HasAFewHeavyOutliersInOccupancy) {
  const std::vector<double> occupancy = column(synthetic_california(1), 5);
  const auto outliers = std::count_if(occupancy.begin(), occupancy.end(), [](double value) { return value > 8; });
  EXPECT_GE(outliers, 3);
  EXPECT_LE(outliers, 30);
  EXPECT_GT(*std::max_element(occupancy.begin(), occupancy.end()), 50);
}

TEST(SyntheticCalifornia, ALinearModelExplainsAsMuchAsInTheOriginal) {
  const Table table = synthetic_california(1);
  const cli::BatchFit fit = cli::fit_batch(table.values, table.feature_names.size());
  const std::vector<double> target = column(table, 8);
  double mean = 0;
  for (const double y : target) mean += y / static_cast<double>(table.rows);
  double variance = 0;
  for (const double y : target) variance += (y - mean) * (y - mean) / static_cast<double>(table.rows);
  const double r2 = 1 - fit.in_sample_mse / variance;
  EXPECT_NEAR(mean, 2.07, 0.2);
  EXPECT_GT(r2, 0.5);
  EXPECT_LT(r2, 0.8);
}

}  // namespace
}  // namespace accrue::datasets
