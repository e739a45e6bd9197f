// What the README shows works as it stands there.
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;

TEST(Readme, ItsProgramPrintsWhatTheDataSays) {
  Daemon daemon;
  const Finished finished = run({README_EXAMPLE_PATH}, {.environment = {"ACCRUE_ENDPOINT=" + daemon.endpoint()}});
  EXPECT_EQ(finished.exit_code, 0) << finished.error_output;
  EXPECT_EQ(finished.output, "4 rooms, 30 years: 145 (epoch 1)\n");
}

// Its lines as they stand there, but for the address.
TEST(Readme, ItsCurlCommandsAreAnswered) {
  std::ifstream readme(ACCRUE_SOURCE_DIR "/README.md");
  std::string text{std::istreambuf_iterator<char>(readme), {}};
  const std::size_t begin = text.find("api=http://127.0.0.1:7702/v1\n");
  ASSERT_NE(begin, std::string::npos);
  std::string commands = text.substr(begin, text.find("```", begin) - begin);
  Daemon daemon({}, {.http = true});
  commands.replace(0, commands.find('\n'), "api=" + daemon.http_url() + "/v1");
  TemporaryDirectory directory;
  std::ofstream(directory.path() / "homes.csv") << "rooms,age,price\n1,2,30\n2,3,61\n3,1,90\n";
  const Finished finished = run({"/bin/bash", "-euc",
                                 "cd '" + directory.path().string() + "'\n" +
                                     "curl() { command curl -sS --fail-with-body \"$@\"; echo; }\n" + commands});
  EXPECT_EQ(finished.exit_code, 0) << finished.output << finished.error_output;
  EXPECT_THAT(finished.output, HasSubstr("\"learned\":2"));
  EXPECT_THAT(finished.output, HasSubstr("\"learned\":3"));
  EXPECT_THAT(finished.output, HasSubstr("\"intervals\":[{\"lower\":"));
  EXPECT_THAT(finished.output, HasSubstr("\"name\":\"rooms\",\"estimate\":"));
  EXPECT_THAT(finished.output, HasSubstr("\"span\":\"last_1000\""));
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
