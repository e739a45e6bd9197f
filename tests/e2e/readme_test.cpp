// What the README shows works as it stands there.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;

TEST(Readme, ItsProgramPrintsWhatTheDataSays) {
  Daemon daemon;
  const Finished finished = run({README_EXAMPLE_PATH}, {.environment = {"ACCRUE_ENDPOINT=" + daemon.endpoint()}});
  EXPECT_EQ(finished.exit_code, 0) << finished.error_output;
  EXPECT_EQ(finished.output, "4 rooms, 30 years: 145 (epoch 1)\n");
}

TEST(Readme, ItsDemoRunsFromBeginningToEnd) {
  const Finished demo = run({ACCRUE_SOURCE_DIR "/scripts/demo"}, {.environment = {"BUILD=" ACCRUE_BUILD_DIR}});
  EXPECT_EQ(demo.exit_code, 0) << demo.error_output;
  for (const char* line : {"rows/s", "durable epochs", "progressive MSE", "progressive MAE", "in-sample MSE",
                           "batch least squares", "p50", "p99", "exit code 0"}) {
    EXPECT_THAT(demo.output, HasSubstr(line));
  }
}

}  // namespace
}  // namespace accrue::tests
