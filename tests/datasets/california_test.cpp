#include "datasets/california.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/batch_fit.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::datasets {
namespace {

using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::ThrowsMessage;

const char* const kRow = "-122.23,37.88,41,880,129,322,126,8.3252,452600\n";

std::string rows(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += kRow;
  return text;
}

class CaliforniaData : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = find_california();
    if (!file) GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
    table_ = read_california(*file);
  }
  Table table_;
};

TEST_F(CaliforniaData, IsDerivedAsDocumented) {
  EXPECT_EQ(table_.rows, kCaliforniaRows);
  ASSERT_EQ(table_.values.size(), kCaliforniaRows * 9);
  const auto first = table_.row(0);
  const std::vector<double> expected = {8.3252, 41, 880.0 / 126, 129.0 / 126, 322, 322.0 / 126, 37.88, -122.23, 4.526};
  EXPECT_EQ(std::vector<double>(first.begin(), first.end()), expected);
}

TEST_F(CaliforniaData, GivesTheFitThatEverybodyQuotes) {
  const cli::BatchFit fit = cli::fit_batch(table_.values, table_.feature_names.size());
  EXPECT_NEAR(fit.in_sample_mse, 0.5243209861846073, 1e-12 * 0.5243209861846073);
  EXPECT_NEAR(fit.intercept, -36.94192020718288, 1e-10);
  EXPECT_NEAR(fit.coefficients[0], 0.436693293, 5e-10);
}

TEST(CaliforniaFile, DamageIsReportedWithFileAndLine) {
  const tests::TemporaryDirectory scratch;
  const auto read = [&](const std::string& text) {
    std::ofstream(scratch.path() / "cal_housing.data") << text;
    return read_california(scratch.path() / "cal_housing.data");
  };
  const auto fails_with = [](const char* what) { return ThrowsMessage<std::runtime_error>(HasSubstr(what)); };
  EXPECT_THAT([&] { read(rows(2) + "1,2,3\n"); }, fails_with("cal_housing.data:3: 3 fields instead of 9"));
  EXPECT_THAT([&] { read(rows(1) + "-122,37,41,x,129,322,126,8,452600\n"); },
              fails_with("cal_housing.data:2: column 'totalRooms': not a number: 'x'"));
  EXPECT_THAT([&] { read(rows(1) + "-122,37,41,880,129,322,0,8,452600\n"); },
              fails_with("cal_housing.data:2: column 'households': not above 0"));
  EXPECT_THAT([&] { read(rows(5)); }, fails_with("cal_housing.data:5: the file ends after 5 of 20640 rows"));
  EXPECT_THAT([&] { read(rows(kCaliforniaRows + 1)); }, fails_with("cal_housing.data:20641: more than 20640 rows"));
  EXPECT_THAT([&] { read_california(scratch.path() / "absent"); }, fails_with("absent: No such file"));
}

TEST(FindCalifornia, LooksWhereTheEnvironmentSaysFirst) {
  const tests::TemporaryDirectory scratch;
  std::ofstream(scratch.path() / "cal_housing.data") << kRow;
  const char* const before = std::getenv("ACCRUE_DATASETS");
  const std::string saved = before ? before : "";
  ::setenv("ACCRUE_DATASETS", scratch.path().c_str(), 1);
  EXPECT_EQ(find_california(), scratch.path() / "cal_housing.data");
  ::setenv("ACCRUE_DATASETS", (scratch.path() / "absent").c_str(), 1);
  EXPECT_NE(find_california(), scratch.path() / "cal_housing.data");
  before ? ::setenv("ACCRUE_DATASETS", saved.c_str(), 1) : ::unsetenv("ACCRUE_DATASETS");
}

}  // namespace
}  // namespace accrue::datasets
