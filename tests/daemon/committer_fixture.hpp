// A committer over a simulated disk, with a test in the place of the receiver. Time passes when the test says so.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "daemon/committer.hpp"
#include "tests/support/simulated_disk.hpp"

namespace accrue::daemon {

using tests::SimulatedDisk;

inline const std::filesystem::path kFile = "/store.sqlite";
inline constexpr std::chrono::milliseconds kRetry{200};

class CommitterFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::off); }

  ~CommitterFixture() override { committer.reset(); }  // before its disk

  // Lets the committer work, after enough time for it to try again. True when it wants to go on later.
  bool settle() {
    now += kRetry;
    return committer->settle(now, 1'000).has_value();
  }

  // What a new daemon finds after a power cut.
  std::unique_ptr<Store> lose_power() {
    disk->cut_power();
    committer.reset();
    return std::make_unique<Store>(kFile);
  }

  std::unique_ptr<SimulatedDisk> disk;
  SnapshotBoard board;
  Health health;
  Events events;
  Latencies latencies;
  std::unique_ptr<Committer> committer;
  Committer::TimePoint now{};
};

}  // namespace accrue::daemon
