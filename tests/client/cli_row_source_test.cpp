#include <array>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "client/cli/row_source.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::cli {
namespace {

// A CSV file of the test's own, and a source that reads it.
struct CliRowSource : testing::Test {
  std::string write(const std::string& text) {
    const std::string file = directory.path() / "rows.csv";
    std::ofstream(file) << text;
    return file;
  }
  tests::TemporaryDirectory directory;
  std::array<double, 2> row{};
};

TEST_F(CliRowSource, TakesColumnsByNameAndIgnoresTheRest) {
  RowSource source(write("a,note,b\n1,x,2\n"), false);
  source.select({"b", "a"});
  ASSERT_EQ(source.next(row), NextRow::kRow);
  EXPECT_THAT(row, testing::ElementsAre(2, 1));
  EXPECT_EQ(source.next(row), NextRow::kEnd);
  EXPECT_EQ(source.stopped(), "");
}

TEST_F(CliRowSource, StopsAtABadLineAndSaysWhereItIs) {
  const std::string file = write("a,b\n1,2\n3,abc\n5,6\n");
  RowSource source(file, false);
  ASSERT_EQ(source.next(row), NextRow::kRow);
  EXPECT_EQ(source.next(row), NextRow::kEnd);
  EXPECT_EQ(source.stopped(), file + ":3: column 'b': not a number: 'abc'");
}

TEST_F(CliRowSource, SkipsBadLinesAndTellsTheFirstTen) {
  std::string text = "a,b\n";
  for (int i = 0; i < 12; ++i) text += "x,1\n";
  testing::internal::CaptureStderr();
  {
    RowSource source(write(text + "1,2\n"), true);
    for (int i = 0; i < 12; ++i) ASSERT_EQ(source.next(row), NextRow::kSkipped);
    EXPECT_EQ(source.next(row), NextRow::kRow);
    EXPECT_EQ(source.skipped(), 12U);
  }
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 11);
  EXPECT_THAT(told, testing::HasSubstr(":11: column 'a': not a number: 'x' (skipped)\n"));
  EXPECT_THAT(told, testing::HasSubstr(": 12 lines skipped, the first 10 are told above\n"));
}

TEST_F(CliRowSource, TreatsARowThatIsRefusedAsABadLine) {
  const std::string file = write("a,b\n1,2\n3,4\n5,6\n");
  RowSource source(file, false);
  ASSERT_EQ(source.next(row), NextRow::kRow);
  ASSERT_EQ(source.next(row), NextRow::kRow);
  EXPECT_EQ(source.refuse("too good"), NextRow::kEnd);
  EXPECT_EQ(source.stopped(), file + ":3: too good");
  RowSource patient(file, true);
  ASSERT_EQ(patient.next(row), NextRow::kRow);
  EXPECT_EQ(patient.refuse("too good"), NextRow::kSkipped);
  EXPECT_EQ(patient.skipped(), 1U);
  EXPECT_EQ(patient.next(row), NextRow::kRow);
}

TEST_F(CliRowSource, KnowsHowFarItIsInAFile) {
  std::string text = "a,b\n";
  while (text.size() < 200'000) text += "1,2\n";
  RowSource source(write(text), false);
  ASSERT_EQ(source.next(row), NextRow::kRow);
  EXPECT_LT(source.fraction().value(), 0.001);
  while (source.next(row) != NextRow::kEnd) continue;
  EXPECT_EQ(source.fraction(), 1.0);
}

TEST_F(CliRowSource, NamesTheFileThatCannotBeRead) {
  const std::string missing = directory.path() / "missing.csv";
  EXPECT_THAT([&] { RowSource(missing, false); },
              testing::ThrowsMessage<std::runtime_error>("cannot read " + missing + ": No such file or directory"));
  const std::string folder = directory.path();
  EXPECT_THAT([&] { RowSource(folder, false); },
              testing::ThrowsMessage<std::runtime_error>("cannot read " + folder + ": Is a directory"));
}

// The writing end of a pipe that is the test's standard input until its end.
class StandardInput {
 public:
  StandardInput() : saved_(::dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = ends[1];
  }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
    ::close(writer_);
  }
  void write(std::string_view text) { ASSERT_EQ(::write(writer_, text.data(), text.size()), std::ssize(text)); }

 private:
  int saved_;
  int writer_ = -1;
};

TEST_F(CliRowSource, ReturnsALineOfAPipeBeforeTheNextIsWritten) {
  StandardInput input;
  input.write("a,b\n1,2\n3,");
  RowSource source("-", false);
  ASSERT_EQ(source.next(row), NextRow::kRow);
  EXPECT_TRUE(source.would_wait());
  EXPECT_EQ(source.fraction(), std::nullopt);
  input.write("4\n");
  EXPECT_FALSE(source.would_wait());
  ASSERT_EQ(source.next(row), NextRow::kRow);
  EXPECT_THAT(row, testing::ElementsAre(3, 4));
}

}  // namespace
}  // namespace accrue::cli
