// A client and the scripted daemon it talks to.
#pragma once

#include <future>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "accrue/client.hpp"
#include "ingest/wire/batch_frame.hpp"
#include "tests/support/fake_daemon.hpp"

namespace accrue::test {

inline constexpr std::uint64_t kStreamId = 5;
inline constexpr std::uint64_t kAmple = 100'000'000;

class ClientTest : public testing::Test {
 protected:
  // Rows of x and y, one row a batch unless the test says otherwise.
  static StreamSpec spec() { return {.features = {"x"}, .target = "y"}; }
  static std::size_t frame_bytes(std::size_t rows) { return wire::kBatchHeaderBytes + rows * 2 * sizeof(double); }

  ClientOptions options() const { return {.endpoint = daemon.ingest.endpoint(), .batch_rows = 1}; }

  wire::Opened opened(std::uint64_t accepted, std::uint64_t durable, std::uint64_t window_bytes = kAmple) const {
    wire::StreamSpec spec;
    spec.features = {"x"};
    spec.target = "y";
    return {.stream = "s",
            .stream_id = kStreamId,
            .spec = spec,
            .accepted = accepted,
            .durable = durable,
            .window_bytes = window_bytes};
  }

  // Opens "s" at a client that has just been made.
  Stream open(Client& client, const wire::Opened& answer) {
    auto stream = std::async(std::launch::async, [&] { return client.stream("s", spec()); });
    daemon.welcome();
    daemon.ingest.expect<wire::Open>();
    daemon.ingest.send(answer);
    return stream.get();
  }
  Stream open(Client& client) { return open(client, opened(0, 0)); }

  // The connection comes again, and the daemon says what it has.
  void reopen(const wire::Opened& answer) {
    daemon.welcome();
    daemon.ingest.expect<wire::Open>();
    daemon.ingest.send(answer);
  }

  void expect_batch(std::uint64_t sequence, const std::vector<double>& values) {
    const auto batch = daemon.ingest.expect<wire::Batch>();
    EXPECT_EQ(batch.stream_id, kStreamId);
    EXPECT_EQ(batch.sequence, sequence);
    EXPECT_EQ(batch.count, values.size() / 2);
    EXPECT_EQ(values_of(batch.rows), values);
  }

  void acknowledge(std::uint64_t durable, std::uint64_t window_bytes = kAmple) {
    daemon.ingest.send(
        wire::Ack{.stream_id = kStreamId, .applied = durable, .durable = durable, .window_bytes = window_bytes});
  }

  static std::future<FlushReport> flush(Stream stream) {
    return std::async(std::launch::async, [stream]() mutable { return stream.flush(); });
  }

  FakeDaemon daemon;
};

// The error that `call` ends with, as kind and text.
template <class Call>
std::pair<Error::Kind, std::string> error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  throw std::runtime_error("no accrue::Error");
}

inline auto is_error(Error::Kind kind, const std::string& text) {
  return testing::Pair(kind, testing::HasSubstr(text));
}

}  // namespace accrue::test
