// Whatever clients do with their sockets, the daemon's resident memory stays below memory_limit_mb and 64 MB more, and
// it answers. `make torture` floods for longer, and from more connections.
#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/queries.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/torture.hpp"
#include "tests/support/zmtp.hpp"

namespace accrue::tests {
namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr std::size_t kMessage = 16 * kMiB;

// One connection that sends what `next` gives it, piece after piece, for as long as it gives something.
struct Flood {
  using Next = std::function<std::span<const std::byte>()>;
  Flood(const std::string& endpoint, Next next_piece)
      : connection(std::make_unique<ZmtpConnection>(endpoint)), next(std::move(next_piece)) {}

  std::size_t send_some() {
    std::size_t total = 0;
    for (;;) {
      if (rest.empty()) rest = next();
      if (rest.empty()) {
        done = true;
        return total;
      }
      const std::size_t sent = connection->send_some(rest.first(std::min(rest.size(), kMiB)));
      if (sent == 0) return total;
      rest = rest.subspan(sent);
      total += sent;
      if (total >= kMiB) return total;
    }
  }

  std::unique_ptr<ZmtpConnection> connection;
  Next next;
  std::span<const std::byte> rest;
  bool done = false;
};

constexpr int kStillMs = 1'000;  // when nothing has moved for so long, nothing will

// Until so much is sent, or nothing more is taken.
void flood(std::vector<Flood>& floods, std::size_t most_bytes) {
  std::size_t total = 0;
  while (total < most_bytes) {
    std::vector<pollfd> polled;
    for (const Flood& one : floods) {
      const bool off = one.done || one.connection->closed();
      polled.push_back({off ? -1 : one.connection->descriptor(), POLLOUT, 0});
    }
    if (::poll(polled.data(), polled.size(), kStillMs) == 0) break;
    for (std::size_t i = 0; i < floods.size(); ++i) {
      if (polled[i].revents == 0) continue;
      total += floods[i].send_some();
    }
  }
  std::cout << "sent " << total / kMiB << " MiB" << std::endl;
}

wire::Bytes framed(const wire::Bytes& message) {
  wire::Bytes bytes = ZmtpConnection::header(message.size(), ZmtpConnection::Frame::kLast);
  bytes.insert(bytes.end(), message.begin(), message.end());
  return bytes;
}

std::string query_endpoint(const Daemon& daemon) {
  Peer greeter(daemon.endpoint());
  greeter.say(wire::Hello{"greeter", true});
  return greeter.expect<wire::Welcome>().query_endpoint;
}

wire::StreamSpec wide(std::size_t features) {
  wire::StreamSpec spec{.features = {}, .target = "y"};
  for (std::size_t i = 0; i < features; ++i) spec.features.push_back("x" + std::to_string(i));
  return spec;
}

constexpr std::size_t kLimitMb = 256;

class Memory : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer's shadow is resident too";
  }
  void TearDown() override {
    if (IsSkipped()) return;
    const std::size_t peak = daemon.peak_memory_mb().value();
    std::cout << "resident at most " << peak << " MiB" << std::endl;
    EXPECT_LT(peak, kLimitMb + kMemorySlackMb);
    Client client({.endpoint = daemon.endpoint(), .timeout = kPatience});
    EXPECT_EQ(client.status().memory_limit_bytes, kLimitMb * kMiB) << "the daemon answers still";
  }
  Daemon daemon{{"--workers", "1", "--memory-limit-mb", std::to_string(kLimitMb)}};
};

// How much is sent: enough to be far over the limit, were there none.
std::size_t enough() { return (torture() ? 8'000 : 1'000) * kMiB; }
std::size_t connections() { return torture() ? 200 : 100; }

// A producer that minds no credit: Hello, Open, and then batch after batch.
Flood::Next producer(const std::string& name, std::uint64_t stream_id, std::size_t columns, std::size_t rows) {
  struct State {
    wire::Bytes hello, open, batch_header, body;
    std::uint64_t step = 0;
    std::uint64_t stream_id, columns, rows;
  };
  auto state = std::make_shared<State>();
  state->hello = framed(wire::encode(wire::Hello{name, true}));
  state->open = framed(wire::encode(wire::Open{"s", std::nullopt}));
  state->stream_id = stream_id;
  state->columns = columns;
  state->rows = rows;
  static std::vector<double> values;
  values.resize(columns * rows);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 17);
  return [state]() -> std::span<const std::byte> {
    const std::uint64_t step = state->step++;
    if (step == 0) return state->hello;
    if (step == 1) return state->open;
    if (step % 2 == 1) return std::as_bytes(std::span(values));
    const auto header = wire::batch_header(state->stream_id, step / 2, wire::DataType::kFloat64,
                                           static_cast<std::uint32_t>(state->rows),
                                           static_cast<std::uint32_t>(values.size() * sizeof(double)));
    state->batch_header =
        ZmtpConnection::header(header.size() + values.size() * sizeof(double), ZmtpConnection::Frame::kLast);
    state->batch_header.insert(state->batch_header.end(), header.begin(), header.end());
    return state->batch_header;
  };
}

void producers(Daemon& daemon, std::size_t count, std::size_t columns, std::size_t rows, std::size_t bytes) {
  Peer peer(daemon.endpoint());
  const std::uint64_t id = peer.join("first", wide(columns - 1));
  std::vector<Flood> floods;
  for (std::size_t i = 0; i < count; ++i) {
    floods.emplace_back(daemon.endpoint(), producer("p" + std::to_string(i), id, columns, rows));
  }
  flood(floods, bytes);
}

TEST_F(Memory, ProducersThatMindNoCreditAndAreSlowlyLearned) { producers(daemon, 50, 1'000, 131, enough()); }
TEST_F(Memory, ProducersOfTheLargestBatchesThatMindNoCredit) { producers(daemon, 50, 1'000, 2'000, enough()); }
TEST_F(Memory, ProducersOfTinyBatchesThatMindNoCredit) { producers(daemon, 50, 2, 5, enough() / 50); }

TEST_F(Memory, PredictionsThatNobodyReads) {
  {
    Client client({.endpoint = daemon.endpoint()});
    Stream stream = client.stream("s", {.features = {"x"}, .target = "y"});
    stream.push_rows(std::vector<double>{1, 2, 2, 3, 3, 4});
    stream.flush();
  }
  const std::vector<double> rows(kMessage / sizeof(double) - 64, 1.0);
  const auto question = framed(wire::encode(wire::Predict{
      7, "s", wire::DataType::kFloat64, static_cast<std::uint32_t>(rows.size()), {std::as_bytes(std::span(rows))}}));
  const std::string endpoint = query_endpoint(daemon);
  std::vector<Flood> floods;
  for (int i = 0; i < 20; ++i) floods.emplace_back(endpoint, [&] { return std::span<const std::byte>(question); });
  flood(floods, enough());
}

TEST_F(Memory, HugeMessagesAtOnce) {
  const auto huge = framed(wire::Bytes(kMessage));
  std::vector<Flood> floods;
  for (std::size_t i = 0; i < connections(); ++i) {
    floods.emplace_back(daemon.endpoint(), [&, sent = false]() mutable {
      return std::exchange(sent, true) ? std::span<const std::byte>() : std::span<const std::byte>(huge);
    });
  }
  flood(floods, enough() * 4);
}

TEST_F(Memory, HugeMessagesWithoutAnEnd) {
  auto huge = framed(wire::Bytes(kMessage));
  huge.pop_back();
  std::vector<Flood> floods;
  for (std::size_t i = 0; i < connections(); ++i) {
    floods.emplace_back(daemon.endpoint(), [&, sent = false]() mutable {
      return std::exchange(sent, true) ? std::span<const std::byte>() : std::span<const std::byte>(huge);
    });
  }
  flood(floods, enough() * 4);
}

TEST_F(Memory, MessagesOfEndlesslyManyFrames) {
  wire::Bytes bytes = ZmtpConnection::header(kMiB, ZmtpConnection::Frame::kMore);
  bytes.resize(bytes.size() + kMiB);
  std::vector<Flood> floods;
  for (int i = 0; i < 4; ++i) floods.emplace_back(daemon.endpoint(), [&] { return std::span<const std::byte>(bytes); });
  flood(floods, enough());
}

TEST_F(Memory, OpensThatNobodyReads) {
  Peer peer(daemon.endpoint());
  wire::StreamSpec spec = wide(1'000);
  for (auto& name : spec.features) name += std::string(100, 'x');
  peer.join("first", spec);
  const auto hello = framed(wire::encode(wire::Hello{"p", true}));
  const auto open = framed(wire::encode(wire::Open{"s", std::nullopt}));
  std::vector<Flood> floods;
  for (int i = 0; i < 20; ++i) {
    floods.emplace_back(daemon.endpoint(), [&, first = true]() mutable {
      return std::span<const std::byte>(std::exchange(first, false) ? hello : open);
    });
  }
  flood(floods, 10 * kMiB);
}

}  // namespace
}  // namespace accrue::tests
