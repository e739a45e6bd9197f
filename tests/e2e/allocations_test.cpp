// A batch on its way asks for no memory where it need not: the way goes through a client, the receiver's mind and a
// worker's, each measured here at its steady state. The bounds are what is true; lower them as it gets better.
#include "tests/support/allocations.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <accrue/client.hpp>
#include <gtest/gtest.h>

#include "daemon/worker.hpp"
#include "ingest/intake.hpp"
#include "ingest/link.hpp"
#include "ingest/wire/batch_frame.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::tests {
namespace {

constexpr std::size_t kFeatures = 8;
constexpr std::size_t kColumns = kFeatures + 1;
constexpr std::size_t kBatchRows = 256;

// Of one batch, by all threads of the client's process: pushed, sent, acknowledged as durable, forgotten, its memory
// used again: what ZeroMQ makes of it, and a share of the acknowledgements, of which there are fewer.
constexpr double kMostOfClient = 1.4;
// Of one batch in the receiver's thread, without its sockets: decoded, admitted, screened, handed to a worker; and in a
// worker's, without its socket: decoded, learned. A share of queues that grow by blocks, and of models.
constexpr double kMostOfIntake = 0.25;
constexpr double kMostOfWorker = 0.25;

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kFeatures; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

std::vector<double> rows() {
  std::vector<double> rows;
  for (std::size_t i = 0; i < kBatchRows * kColumns; ++i) rows.push_back(static_cast<double>(i * 7'919 % 1'009));
  return rows;
}

// The receiver's mind and one worker's, speaking to each other in one thread; nobody else listens.
class Line final : public ingest::Outbox {
 public:
  Line()
      : intake_(options(), *this, gauges_),
        worker_("w", [this](const wire::Bytes& said) { said_.push_back(said); }, {}) {
    hear_worker();
    to_intake(wire::Hello{"p", true});
    to_intake(wire::Open{"s", wire::StreamSpec{.features = names(), .target = "y"}});
    intake_.on_pipeline(wire::encode(ingest::StreamCreated{"s", 1, {}}), {});
    intake_.settle({});
  }

  void batch(zmq::message_t frame) {
    const std::uint64_t before = allocations_of_thread();
    in_worker_ = 0;
    intake_.on_client("c", std::move(frame), {});
    of_intake = allocations_of_thread() - before - in_worker_;
    of_worker = in_worker_;
    worker_.settle({});
    hear_worker();
  }

  std::uint64_t of_intake = 0;
  std::uint64_t of_worker = 0;

 private:
  static ingest::IntakeOptions options() {
    ingest::IntakeOptions options;
    options.streams.version = ACCRUE_VERSION;
    options.streams.epoch_interval = std::chrono::hours(1);
    options.streams.epoch_rows = 1'000'000'000;
    return options;
  }

  template <class Message>
  void to_intake(const Message& message) {
    const wire::Bytes bytes = wire::encode(message);
    intake_.on_client("c", zmq::message_t(bytes.data(), bytes.size()), {});
    intake_.settle({});
  }
  void hear_worker() {
    for (const wire::Bytes& said : std::exchange(said_, {})) intake_.on_worker("w", said, {});
    intake_.settle({});
  }

  void to_client(const ingest::SessionId&, const wire::Bytes&) override {}
  void to_worker(const ingest::WorkerId& worker, wire::BytesView message) override { to_worker(worker, message, {}); }
  void to_worker(const ingest::WorkerId&, wire::BytesView message, zmq::message_t rows) override {
    const std::uint64_t before = allocations_of_thread();
    worker_.on_message(message, std::move(rows));
    in_worker_ += allocations_of_thread() - before;
  }
  void to_committer(wire::BytesView) override {}
  void worker_joined(const std::string&) override {}
  void worker_lost(const std::string&, const std::string& why) override { FAIL() << why; }

  ingest::Gauges gauges_;
  std::vector<wire::Bytes> said_;
  std::uint64_t in_worker_ = 0;
  ingest::Intake intake_;
  daemon::Worker worker_;
};

TEST(Allocations, OfABatchInTheDaemonAreFew) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer has its own allocator";
  constexpr int kBatches = 400;  // the last half of which are counted; a model's blocks have grown by then
  const std::vector<double> values = rows();
  Line line;
  std::uint64_t of_intake = 0;
  std::uint64_t of_worker = 0;
  for (int i = 1; i <= kBatches; ++i) {
    wire::BatchFrame batch(kColumns, kBatchRows);
    batch.append(values);
    const wire::Bytes bytes = std::move(batch).seal(1, static_cast<std::uint64_t>(i));
    line.batch(zmq::message_t(bytes.data(), bytes.size()));
    if (i <= kBatches / 2) continue;
    of_intake += line.of_intake;
    of_worker += line.of_worker;
  }
  const double intake = static_cast<double>(of_intake) / (kBatches / 2);
  const double worker = static_cast<double>(of_worker) / (kBatches / 2);
  std::printf("allocations of a batch: receiver %g, worker %g\n", intake, worker);
  EXPECT_LE(intake, kMostOfIntake);
  EXPECT_LE(worker, kMostOfWorker);
}

TEST(Allocations, OfABatchInTheClientAreFew) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer has its own allocator";
  constexpr int kBatches = 20'000;  // uncounted and then counted: the first are new memory, until some are durable
  const std::vector<double> values = rows();
  Daemon daemon;
  Client client({.endpoint = daemon.endpoint(), .batch_rows = kBatchRows});
  Stream stream = client.stream("s", {.features = names(), .target = "y"});
  const auto push = [&] {
    for (int i = 0; i < kBatches; ++i) stream.push_rows(values);
  };
  push();
  const std::uint64_t before = allocations_of_process();
  push();
  const double each = static_cast<double>(allocations_of_process() - before) / kBatches;
  stream.flush();
  std::printf("allocations of a batch: client %g\n", each);
  EXPECT_LE(each, kMostOfClient);
}

}  // namespace
}  // namespace accrue::tests
