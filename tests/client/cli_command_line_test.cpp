// The accrue program's own errors, told by the program itself.
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/learners.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kNobody = "tcp://127.0.0.1:1";  // a port that nobody listens on

Finished accrue(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), ACCRUE_PATH);
  return run(arguments, {.environment = {std::string("ACCRUE_ENDPOINT=") + kNobody}, .input = input});
}

TEST(CommandLine, TellsItsVersion) {
  const Finished finished = accrue({"--version"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.output, "accrue 0.1.0\n");
}

TEST(CommandLine, HelpsWithEveryCommand) {
  const Finished general = accrue({"--help"});
  EXPECT_EQ(general.exit_code, 0);
  EXPECT_THAT(general.output, HasSubstr("Examples:"));
  for (const char* command :
       {"push", "predict", "coef", "metrics", "models", "epochs", "status", "streams", "drop", "rollback", "replay"}) {
    EXPECT_THAT(general.output, HasSubstr(std::string("\n  ") + command + " "));
    const Finished finished = accrue({command, "--help"});
    EXPECT_EQ(finished.exit_code, 0) << command;
    EXPECT_THAT(finished.output, HasSubstr("--endpoint")) << command;
    EXPECT_THAT(finished.output, HasSubstr("--format")) << command;
  }
}

TEST(CommandLine, HelpOfEvaluateTellsTheLearnersAndAsksForNoDaemon) {
  const Finished finished = accrue({"evaluate", "--help"});
  EXPECT_EQ(finished.exit_code, 0);
  for (const models::LearnerKind& kind : models::learner_kinds()) {
    EXPECT_THAT(finished.output, HasSubstr("\n  " + std::string(kind.name) + " "));
  }
  EXPECT_THAT(finished.output, testing::Not(HasSubstr("--endpoint")));
}

TEST(CommandLine, NamesEveryWayToPartition) {
  for (const char* command : {"push", "replay"}) {
    const Finished finished = accrue({command, "--help"});
    for (const char* how : {"round_robin", "random", "weighted", "least_loaded", "hash", "range", "time_window"}) {
      EXPECT_THAT(finished.output, HasSubstr(how)) << command;
    }
  }
}

struct Usage {
  std::vector<std::string> arguments;
  std::string about;
};

TEST(CommandLine, ExitsWithTwoWhereItIsWrong) {
  const std::vector<Usage> wrong = {
      {{}, "A command is required"},
      {{"learn"}, "learn"},
      {{"push", "homes"}, "FILE is required"},
      {{"coef"}, "STREAM is required"},
      {{"coef", "homes", "--format", "xml"}, "xml"},
      {{"coef", "homes", "--timeout", "0"}, "--timeout"},
      {{"coef", "homes", "--epoch", "0"}, "--epoch"},
      {{"rollback", "homes"}, "--epoch is required"},
      {{"push", "homes", "a.csv", "--partition-by", "luck"}, "luck"},
      {{"push", "homes", "a.csv", "--ridge", "-1"}, "--ridge"},
      {{"push", "homes", "a.csv", "--partitions", "0"}, "--partitions"},
      {{"push", "homes", "a.csv", "--partition-cuts", "1,a"}, "--partition-cuts"},
      {{"push", "homes", "a.csv", "--partition-window", "0"}, "--partition-window"},
      {{"push", "homes", "a.csv", "--partition-seed", "-1"}, "--partition-seed"},
      {{"replay", "mars"}, "mars"},
      {{"replay", "california", "--order", "sorted"}, "sorted"},
      {{"replay", "california", "--rate", "0"}, "--rate"},
      {{"evaluate"}, "FILE is required"},
      {{"evaluate", "california", "--learner", "luck"}, "no learner 'luck': it is one of least_squares"},
      {{"evaluate", "california", "--set", "ridge=1"}, "--set: stands behind the --learner"},
      {{"evaluate", "california", "--learner", "least_squares", "--set", "ridge"}, "'ridge' is not KEY=VALUE"},
      {{"evaluate", "california", "--weight", "w"}, "california is taken as it is"},
      {{"evaluate", "synthetic:luck"}, "no synthetic stream is called 'luck'; there are abrupt_drift, "},
  };
  for (const Usage& usage : wrong) {
    const Finished finished = accrue(usage.arguments);
    EXPECT_EQ(finished.exit_code, 2) << usage.about;
    EXPECT_EQ(finished.output, "");
    EXPECT_THAT(finished.error_output, StartsWith("accrue: "));
    EXPECT_THAT(finished.error_output, HasSubstr(usage.about));
    EXPECT_THAT(finished.error_output, HasSubstr("--help"));
  }
}

TEST(CommandLine, TakesWholeNumbersAsTheyAreWrittenOrNotAtAll) {
  const std::vector<std::vector<std::string>> options = {{"push", "homes", "a.csv", "--partitions"},
                                                         {"push", "homes", "a.csv", "--partition-seed"},
                                                         {"coef", "homes", "--epoch"},
                                                         {"predict", "homes", "a.csv", "--epoch"},
                                                         {"rollback", "homes", "--epoch"},
                                                         {"replay", "california", "--seed"},
                                                         {"replay", "california", "--batch-rows"},
                                                         {"evaluate", "california", "--seed"}};
  for (std::vector<std::string> arguments : options) {
    const std::string option = arguments.back();
    for (const char* wrong : {"-1", "+1", "1.5", "0x10", " 1", "", "18446744073709551616"}) {
      arguments.push_back(wrong);
      const Finished finished = accrue(arguments);
      EXPECT_EQ(finished.exit_code, 2) << option << wrong;
      EXPECT_THAT(finished.error_output, HasSubstr(option + ": '" + wrong + "' is not a whole number from "));
      arguments.pop_back();
    }
  }
}

TEST(CommandLine, SaysThatNoDaemonAnswers) {
  const std::string message =
      std::string("accrue: no accrued answers at ") + kNobody + "; start one with: accrued --data DIR\n";
  const std::vector<std::vector<std::string>> commands = {{"push", "homes", "-"},
                                                          {"predict", "homes", "-"},
                                                          {"coef", "homes"},
                                                          {"metrics", "homes"},
                                                          {"epochs", "homes"},
                                                          {"status"},
                                                          {"streams"},
                                                          {"drop", "homes"},
                                                          {"rollback", "homes", "--epoch", "1"},
                                                          {"replay", "california"}};
  for (std::vector<std::string> arguments : commands) {
    arguments.insert(arguments.end(), {"--timeout", "0.3"});
    const Finished finished = accrue(arguments, "a,b\n1,2\n");
    EXPECT_EQ(finished.exit_code, 1) << arguments.front();
    EXPECT_EQ(finished.output, "");
    EXPECT_EQ(finished.error_output, message) << arguments.front();
  }
}

TEST(CommandLine, TakesTheEndpointFromItsFlagFirst) {
  const Finished finished = accrue({"status", "--timeout", "0.3", "--endpoint", "tcp://127.0.0.1:2"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.error_output, HasSubstr("tcp://127.0.0.1:2;"));
}

TEST(CommandLine, TakesWhatEveryCommandTakesBeforeItsNameToo) {
  const Finished before = accrue({"--timeout", "0.3", "--endpoint", "tcp://127.0.0.1:2", "status"});
  EXPECT_EQ(before.exit_code, 1);
  EXPECT_THAT(before.error_output, HasSubstr("tcp://127.0.0.1:2;"));
  const Finished both =
      accrue({"--endpoint", "tcp://127.0.0.1:2", "status", "--timeout", "0.3", "--endpoint", "tcp://127.0.0.1:3"});
  EXPECT_THAT(both.error_output, HasSubstr("tcp://127.0.0.1:3;"));
  const Finished wrong = accrue({"--format", "xml", "status"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.error_output, HasSubstr("xml"));
  for (const char* option : {"--endpoint", "--timeout", "--format"}) {
    EXPECT_THAT(accrue({"--help"}).output, HasSubstr(option));
  }
}

TEST(CommandLine, NamesTheFileThatIsNotThereBeforeItLooksForADaemon) {
  const Finished finished = accrue({"push", "homes", "/nowhere/homes.csv"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_EQ(finished.error_output, "accrue: cannot read /nowhere/homes.csv: No such file or directory\n");
}

TEST(CommandLine, RefusesAnEndpointThatIsNone) {
  const Finished finished = accrue({"status", "--endpoint", "nowhere"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.error_output, StartsWith("accrue: "));
  EXPECT_THAT(finished.error_output, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace accrue::tests
