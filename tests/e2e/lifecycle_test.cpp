// Starting, stopping and refusing to start.
#include <chrono>
#include <csignal>
#include <string>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;

const StreamSpec kSpec = {.features = {"x"}, .target = "y"};

TEST(Lifecycle, VersionAndHelpSayWhatTheyAre) {
  const Finished version = run({ACCRUED_PATH, "--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.output, "accrued 0.1.0\n");
  const Finished help = run({ACCRUED_PATH, "--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* flag : {"--data", "--listen", "--config"}) EXPECT_THAT(help.output, HasSubstr(flag));
}

TEST(Lifecycle, TermCommitsTheLastEpochAndExitsInTime) {
  Daemon daemon({"--epoch-interval-ms", "3600000"});  // no epoch of its own accord
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  stream.push_rows(std::vector<double>{1, 2, 2, 3});
  while (client.status().outstanding_bytes == 0) {
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  daemon.start();
  EXPECT_EQ(Client({.endpoint = daemon.endpoint()}).metrics("s").rows, 2u);
}

TEST(Lifecycle, HangUpDoesNoHarm) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  daemon.process().signal(SIGHUP);
  stream.push_rows(std::vector<double>{1, 2, 2, 3});
  EXPECT_EQ(stream.flush().durable_rows, 2u);
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.process().error_output(), HasSubstr("signal=SIGHUP"));
}

TEST(Lifecycle, PortInUseIsSaidWithWhatToDo) {
  Daemon daemon;
  TemporaryDirectory other;
  const Finished second =
      run({ACCRUED_PATH, "--data", (other.path() / "data").string(), "--listen", daemon.endpoint()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.error_output, HasSubstr(daemon.endpoint()));
  EXPECT_THAT(second.error_output, HasSubstr("--listen"));
}

TEST(Lifecycle, DataDirectoryOfAnotherDaemonIsRefused) {
  Daemon daemon;
  const Finished second = run({ACCRUED_PATH, "--data", daemon.data_dir().string(), "--listen", "tcp://127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.error_output, HasSubstr("in use"));
}

TEST(Lifecycle, DataDirectoryThatCannotBeWrittenIsRefused) {
  const Finished finished = run({ACCRUED_PATH, "--data", "/proc/accrue-data", "--listen", "tcp://127.0.0.1:0"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.error_output, HasSubstr("/proc/accrue-data"));
  EXPECT_THAT(finished.error_output, HasSubstr("--data"));
}

TEST(Lifecycle, WrongSettingNamesItselfAndTheAllowedOnes) {
  const Finished finished = run({ACCRUED_PATH, "--workers", "1000"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.error_output, HasSubstr("1000"));
  EXPECT_THAT(finished.error_output, HasSubstr("64"));
}

TEST(Lifecycle, DropForgetsTheStreamForGood) {
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream("s", kSpec);
  stream.push_rows(std::vector<double>{1, 2, 2, 3});
  stream.flush();
  client.drop("s");
  EXPECT_THROW((void)client.metrics("s"), Error);
  EXPECT_THROW(client.drop("s"), Error);
  daemon.kill();
  daemon.start();
  EXPECT_TRUE(Client({.endpoint = daemon.endpoint()}).status().streams.empty());
}

TEST(Lifecycle, StreamMadeAnewAfterADropBeginsEmpty) {
  Daemon daemon;
  for (int round = 0; round < 3; ++round) {
    Client client({.endpoint = daemon.endpoint()});
    Stream stream = client.stream("s", kSpec);
    stream.push_rows(std::vector<double>{1, 2, 2, 3, 3, 4});
    stream.flush();
    EXPECT_EQ(stream.metrics().rows, 3u);
    client.drop("s");
  }
}

}  // namespace
}  // namespace accrue::tests
