// Nothing lost, nothing twice, on the real programs: what is on the disk in the end is bit for bit what an undisturbed
// run leaves there. `make torture` goes a hundred times as far.
#include <cstdint>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gtest/gtest.h>

#include "datasets/random.hpp"
#include "ingest/wire/batch_frame.hpp"
#include "tests/e2e/undisturbed_run.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/torture.hpp"

namespace accrue::tests {
namespace {

using datasets::Random;

TEST(Delivery, KillsAtRandomMomentsLeaveNoTrace) {
  const int kills = torture() ? 1'000 : 10;
  report_torture(static_cast<std::uint64_t>(kills), "kills of the daemon");
  Random random(torture_seed());
  const std::size_t count = static_cast<std::size_t>(kills) * 300;
  const std::vector<double> rows = rows_of(count, torture_seed());

  Daemon disturbed(kEpochsOften);
  {
    Client client({.endpoint = disturbed.endpoint(), .batch_rows = 32, .timeout = kPatience});
    Stream stream = client.stream("s", kHashed);
    std::size_t pushed = 0;
    for (int i = 0; i <= kills; ++i) {
      const std::size_t share = i == kills ? count : 1 + random.below(500);
      const std::size_t end = std::min(count, pushed + share);
      stream.push_rows({rows.data() + pushed * kColumns, (end - pushed) * kColumns});
      pushed = end;
      if (i == kills) break;
      disturbed.kill();
      disturbed.start();
    }
    EXPECT_EQ(stream.flush().durable_rows, count);
  }
  ASSERT_EQ(disturbed.stop(), 0);
  EXPECT_EQ(stored(disturbed), stored_undisturbed(rows));
}

// A tenth of the batches is sent twice, a tenth before the one it should follow. Whenever the daemon misses one, goes
// on from what it says it has, as the protocol has it.
void push_disorderly(Peer& peer, std::uint64_t stream_id, const std::vector<wire::Bytes>& batches,
                     const wire::Open& open, Random& random) {
  constexpr std::uint64_t kWindow = 64;  // batches
  std::uint64_t next = 0;
  std::uint64_t durable = 0;
  bool asked = false;
  while (durable < batches.size()) {
    if (!asked && next < batches.size() && next - durable < kWindow) {
      const bool swap = next + 1 < batches.size() && random.below(10) == 0;
      if (swap) peer.send(batches[next + 1]);
      peer.send(batches[next]);
      next += swap ? 2 : 1;
      if (random.below(10) == 0) peer.send(batches[random.below(next)]);
      if (next == batches.size()) peer.say(wire::Flush{stream_id});
      continue;
    }
    const wire::Frame& frame = peer.receive();
    if (wire::Ack ack; frame.type() == wire::Ack::kType && frame.read(ack) == wire::DecodeError::kNone) {
      durable = ack.durable;
    } else if (frame.type() == wire::Error::kType && !asked) {
      peer.say(open);
      asked = true;
    } else if (wire::Opened now; frame.type() == wire::Opened::kType && frame.read(now) == wire::DecodeError::kNone) {
      next = now.accepted;
      asked = false;
      if (next == batches.size()) peer.say(wire::Flush{stream_id});
    }
  }
}

TEST(Delivery, BatchesThatComeTwiceAndOutOfOrderLeaveNoTrace) {
  constexpr std::size_t kBatchRows = 50;
  const std::size_t count = torture() ? 1'000'000 : 50'000;
  report_torture(count, "rows, a tenth of their batches twice and a tenth out of order");
  Random random(torture_seed());
  const std::vector<double> rows = rows_of(count, torture_seed());
  const wire::Open open{"s", wire::StreamSpec{.features = {"x", "z"}, .target = "y", .partitions = 2}};

  std::vector<std::vector<SqliteFile::Row>> results;
  for (const bool orderly : {true, false}) {
    Daemon daemon(kEpochsOften);
    Peer peer(daemon.endpoint());
    const std::uint64_t id = peer.join("p", *open.spec);
    std::vector<wire::Bytes> batches;
    for (std::size_t begin = 0; begin < count; begin += kBatchRows) {
      wire::BatchFrame frame(kColumns, kBatchRows);
      frame.append({rows.data() + begin * kColumns, kBatchRows * kColumns});
      batches.push_back(std::move(frame).seal(id, batches.size() + 1));
    }
    if (orderly) {
      for (std::size_t i = 0; i < batches.size(); ++i) {
        peer.send(batches[i]);
        if ((i + 1) % 64 == 0 || i + 1 == batches.size()) {
          peer.say(wire::Flush{id});
          while (peer.expect<wire::Ack>().durable <= i) {
          }
        }
      }
    } else {
      push_disorderly(peer, id, batches, open, random);
    }
    ASSERT_EQ(daemon.stop(), 0);
    results.push_back(stored(daemon));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0].at(0).at(0), std::to_string(count));
}

}  // namespace
}  // namespace accrue::tests
