#include "daemon/latencies.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zmq.hpp>

#include "daemon/query_service.hpp"
#include "ingest/link.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

TEST(Latencies, WhatEndsAfterItsStreamWasDroppedLeavesNothingBehind) {
  Latencies latencies;
  latencies.add("s");
  latencies.predicted("s", "m", microseconds(1));
  ASSERT_THAT(latencies.of("s")->predictions, ElementsAre(Key("m")));
  latencies.drop("s");
  latencies.predicted("s", "m", microseconds(1));
  latencies.made_durable("s", microseconds(1), {});
  EXPECT_FALSE(latencies.of("s"));
}

TEST(Latencies, AStreamOfTheSameNameBeginsAnew) {
  Latencies latencies;
  latencies.add("s");
  latencies.made_durable("s", microseconds(1), {});
  latencies.add("s");  // it is known already
  EXPECT_EQ(latencies.of("s")->epoch.histogram.sample_count, 1u);
  latencies.drop("s");
  latencies.add("s");
  EXPECT_EQ(latencies.of("s")->epoch.histogram.sample_count, 0u);
}

TEST(Latencies, ForgetsModelsThatAreNotThereAnyMore) {
  Latencies latencies;
  latencies.add("s");
  latencies.predicted("s", "gone", microseconds(1));
  latencies.predicted("s", "least_squares", microseconds(1));
  latencies.keep("s", first_models({.features = {"x"}, .target = "y"}));
  EXPECT_THAT(latencies.of("s")->predictions, ElementsAre(Key("least_squares")));
}

// A query service on a socket of its own, asked by a client.
class QueryLatencies : public ::testing::Test {
 protected:
  QueryLatencies() {
    const wire::StreamSpec spec{.features = {"x"}, .target = "y"};
    models::ModelSet models = first_models(spec);
    const double row[] = {1, 2};
    models.learn({.data = row, .count = 1, .stride = 2, .features = 1, .weighted = false});
    board_.post(ready({"s", spec, 1, 1, {}, std::move(models)}));
    latencies_.add("s");
    client_.set(zmq::sockopt::linger, 0);
    client_.connect(endpoint_);
  }
  ~QueryLatencies() override {
    service_context_.shutdown();
    thread_.join();
  }

  std::uint8_t ask(const std::string& stream, const std::vector<double>& features) {
    const wire::Predict question{
        .request = 1, .stream = stream, .rows = {.bin = std::as_bytes(std::span<const double>(features))}};
    ingest::send(client_, wire::encode(question));
    zmq::message_t answer;
    EXPECT_TRUE(client_.recv(answer));
    wire::Frame frame;
    EXPECT_EQ(frame.parse(ingest::view(answer)), wire::DecodeError::kNone);
    return frame.type();
  }

  tests::TemporaryDirectory directory_;
  SnapshotBoard board_;
  Health health_;
  ingest::Gauges gauges_;
  Latencies latencies_;
  ingest::ClientMemory memory_{{}, gauges_, [](std::size_t) {}};
  zmq::context_t service_context_;
  zmq::socket_t socket_ = ingest::client_socket(service_context_, "tcp://127.0.0.1:*", 1u << 20);
  const std::string endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
  QueryService service_{
      std::move(socket_), {"v", "/data"}, directory_.path() / "store.sqlite", board_, health_, memory_, gauges_,
      latencies_};
  std::thread thread_{[this] { service_.run(); }};
  zmq::context_t client_context_;
  zmq::socket_t client_{client_context_, zmq::socket_type::dealer};
};

TEST_F(QueryLatencies, EveryAnsweredPredictionIsTimed) {
  EXPECT_EQ(ask("s", {1}), wire::Prediction::kType);
  EXPECT_EQ(ask("s", {1, 2, 3}), wire::Prediction::kType);
  const Latencies::OfStream measured = *latencies_.of("s");
  ASSERT_THAT(measured.predictions, ElementsAre(Key("least_squares")));
  const auto& histogram = measured.predictions.at("least_squares").histogram;
  EXPECT_EQ(histogram.sample_count, 2u);
  EXPECT_GT(histogram.sample_sum, 0);
}

TEST_F(QueryLatencies, ARefusedOneIsNot) {
  EXPECT_EQ(ask("unknown", {1}), wire::Error::kType);
  EXPECT_EQ(ask("s", {std::numeric_limits<double>::quiet_NaN()}), wire::Error::kType);
  EXPECT_THAT(latencies_.of("s")->predictions, IsEmpty());
  EXPECT_FALSE(latencies_.of("unknown"));
}

}  // namespace
}  // namespace accrue::daemon
