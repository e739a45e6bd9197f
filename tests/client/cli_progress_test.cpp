#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "client/cli/progress.hpp"

namespace accrue::cli {
namespace {

TEST(ClockText, GrowsHoursOnlyWhenThereAreAny) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(63.4), "1:03");
  EXPECT_EQ(clock_text(59.6), "1:00");
  EXPECT_EQ(clock_text(3723), "1:02:03");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(20640), "20,640");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(ProgressLine, TellsTheRateAndTheTimeLeft) {
  EXPECT_EQ(progress_line("homes", 5000, 2, 0.25), "homes  5,000 rows  2,500 rows/s  25%  0:06 left");
}

TEST(ProgressLine, KnowsNoTimeLeftWithoutASize) {
  EXPECT_EQ(progress_line("homes", 5000, 2, std::nullopt), "homes  5,000 rows  2,500 rows/s");
}

TEST(ProgressLine, DividesByNothingAtTheStart) {
  EXPECT_EQ(progress_line("homes", 0, 0, 0.0), "homes  0 rows");
  EXPECT_EQ(progress_line("homes", 0, 1, 0.0), "homes  0 rows  0 rows/s");
}

TEST(ProgressLine, StaysAtTheEndOfAFileThatGrows) {
  EXPECT_EQ(progress_line("log", 10, 1, 1.5), "log  10 rows  10 rows/s  100%  0:00 left");
}

TEST(Progress, IsRedrawnAtMostTenTimesASecond) {
  std::ostringstream screen;
  double now = 0;
  Progress progress("homes", &screen, [&] { return now; });
  int drawn = 0;
  for (int millisecond = 0; millisecond < 1000; ++millisecond, now += 0.001) {
    if (!progress.due()) continue;
    progress.draw(1, 0.5);
    ++drawn;
  }
  EXPECT_GE(drawn, 9);
  EXPECT_LE(drawn, 10);
  const std::string text = screen.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), drawn);
}

TEST(Progress, LeavesAnEmptyLineBehind) {
  std::ostringstream screen;
  { Progress("homes", &screen).draw(1, 0.5); }
  EXPECT_TRUE(screen.str().ends_with("\r\x1b[K"));
}

TEST(Progress, IsNeverDueWithoutAScreen) {
  double now = 0;
  Progress progress("homes", nullptr, [&] { return now; });
  now = 1;
  EXPECT_FALSE(progress.due());
}

}  // namespace
}  // namespace accrue::cli
