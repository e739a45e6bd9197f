#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accrue/client.hpp"
#include "client/cli/sparse_source.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ReadSparse, TakesNumbersAsTheyAreAndHashesNames) {
  SparseInput row;
  EXPECT_EQ(read_sparse(" -1.5\t3:2  0:+0.5 color=red:1 a:b:4 \r", 100, row), "");
  EXPECT_EQ(row.target, -1.5);
  EXPECT_THAT(row.columns, ElementsAre(3, 0, hashed_feature("color=red", 100), hashed_feature("a:b", 100)));
  EXPECT_THAT(row.values, ElementsAre(2, 0.5, 1, 4));
}

TEST(ReadSparse, ATargetMayBeMissingAndSoMayAllFeatures) {
  SparseInput row;
  EXPECT_EQ(read_sparse("3:2", 100, row), "");
  EXPECT_FALSE(row.target);
  EXPECT_EQ(read_sparse("7 # 3:1", 100, row), "");
  EXPECT_EQ(row.target, 7);
  EXPECT_THAT(row.columns, IsEmpty());
  EXPECT_EQ(read_sparse("# nothing", 100, row), "");
  EXPECT_FALSE(row.target);
}

TEST(ReadSparse, SaysWhatIsWrong) {
  const auto problem = [](std::string_view line) {
    SparseInput row;
    return read_sparse(line, 100, row);
  };
  EXPECT_EQ(problem("1 100:1"), "feature 100 is not below the dimension, 100");
  EXPECT_EQ(problem("1 99999999999:1"), "feature 99999999999 is not below the dimension, 100");
  EXPECT_EQ(problem("1 3:"), "value of '3': not a number: ''");
  EXPECT_EQ(problem("1 3:x"), "value of '3': not a number: 'x'");
  EXPECT_EQ(problem("1 3:1e151"), "value of '3': not a number within 1e150: '1e151'");
  EXPECT_EQ(problem("1 3:inf"), "value of '3': not a number within 1e150: 'inf'");
  EXPECT_EQ(problem("1 :3"), "a value has no feature");
  EXPECT_EQ(problem("1 3"), "not FEATURE:VALUE: '3'");
  EXPECT_EQ(problem("one 3:1"), "target: not a number: 'one'");
}

TEST(SparseSource, PassesOverLinesWithoutARowAndStopsAtOneThatIsTooLong) {
  const tests::TemporaryDirectory directory;
  const std::string file = directory.path() / "rows.svm";
  std::ofstream(file) << "\n# comment\n1 3:1\n2 4:1\n"
                      << std::string(SparseSource::kMaxLineBytes + 1, ' ') << "\n3 5:1";
  SparseInput row;
  SparseSource strict(file, 10, false);
  ASSERT_EQ(strict.next(row), NextRow::kRow);
  EXPECT_EQ(row.target, 1);
  ASSERT_EQ(strict.next(row), NextRow::kRow);
  ASSERT_EQ(strict.next(row), NextRow::kEnd);
  EXPECT_EQ(strict.stopped(), file + ":5: longer than 4194304 bytes");
  testing::internal::CaptureStderr();
  SparseSource lenient(file, 10, true);
  ASSERT_EQ(lenient.next(row), NextRow::kRow);
  ASSERT_EQ(lenient.next(row), NextRow::kRow);
  ASSERT_EQ(lenient.next(row), NextRow::kSkipped);
  ASSERT_EQ(lenient.next(row), NextRow::kRow);
  EXPECT_THAT(row.columns, ElementsAre(5));
  EXPECT_EQ(lenient.next(row), NextRow::kEnd);
  EXPECT_EQ(lenient.skipped(), 1u);
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace accrue::cli
