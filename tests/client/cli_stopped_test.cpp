// The accrue program while it is stopped (SIGSTOP) in the middle of waiting for a daemon.
#include <csignal>
#include <thread>

#include <gtest/gtest.h>

#include "tests/client/client_fixture.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::test {
namespace {

using StoppedCommand = ClientTest;

TEST_F(StoppedCommand, DoesNotTakeTheTimeItWasStoppedForTheDaemonsSilence) {
  tests::ChildProcess push({ACCRUE_PATH, "push", "s", "-", "--endpoint", daemon.ingest.endpoint(), "--timeout", "5"},
                           {.input = "x,y\n1,2\n"});
  daemon.welcome();
  wire::Status no_streams;
  no_streams.request = daemon.queries.expect<wire::GetStatus>().request;
  daemon.queries.send(no_streams);
  daemon.ingest.expect<wire::Open>();
  daemon.ingest.send(opened(0, 0));
  expect_batch(1, {1, 2});
  daemon.ingest.expect<wire::Flush>();  // now it waits
  push.signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(6));  // longer than its patience
  push.signal(SIGCONT);
  reopen(opened(1, 1));
  EXPECT_EQ(push.wait(), 0) << push.error_output();
}

}  // namespace
}  // namespace accrue::test
