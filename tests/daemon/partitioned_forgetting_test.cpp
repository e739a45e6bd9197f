// Learners that forget by where a row stands in its stream, or by its event time: rows dealt to partitions, as the
// receiver deals them and a worker learns them, give the model that one partition learns from them all.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/snapshot.hpp"
#include "daemon/worker.hpp"
#include "datasets/random.hpp"
#include "ingest/workers.hpp"

namespace accrue::daemon {
namespace {

// All there is between the receiver and its one worker.
class OneWorker final : public ingest::Outbox {
 public:
  void to_client(const ingest::SessionId&, const wire::Bytes&) override {}
  void to_worker(const ingest::WorkerId& worker, wire::BytesView message) override { to_worker(worker, message, {}); }
  void to_worker(const ingest::WorkerId&, wire::BytesView message, zmq::message_t rows) override {
    worker_.on_message(message, std::move(rows));
  }
  void to_committer(wire::BytesView) override {}
  void worker_joined(const std::string&) override {}
  void worker_lost(const std::string&, const std::string&) override {}

  std::map<std::uint32_t, wire::Bytes> states;  // by partition

 private:
  void hear(const wire::Bytes& message) {
    wire::Frame frame;
    ASSERT_EQ(frame.parse(message), wire::DecodeError::kNone);
    if (frame.type() != ingest::PartitionState::kType) return;
    const auto state = ingest::read<ingest::PartitionState>(frame);
    states[state.partition].assign(state.state.begin(), state.state.end());
  }

  Worker worker_{"w", [this](const wire::Bytes& message) { hear(message); }, {}};
};

constexpr std::size_t kColumns = 5;  // a, b, y, store, sold
constexpr std::size_t kRows = 3'000;

wire::StreamSpec spec(std::uint32_t partitions) {
  return {.features = {"a", "b"},
          .target = "y",
          .key = "store",
          .partitions = partitions,
          .partition_by = wire::PartitionBy::kHash,
          .time = "sold",
          .models = {{"by_rows", "least_squares", {{"half_life_rows", "200"}}},
                     {"by_seconds", "least_squares", {{"half_life_seconds", "3600"}}}}};
}

// What y depends on drifts; the time between two sales is anything up to half a minute.
std::vector<double> sales() {
  datasets::Random random(4);
  std::vector<double> rows;
  double sold = 1.7e9;
  for (std::size_t i = 0; i < kRows; ++i) {
    const double a = random.normal();
    const double b = 100 + random.normal();
    sold += random.uniform() * 30;
    const double drift = static_cast<double>(i) / kRows;
    const double y = (1 + drift) * a + (2 - 3 * drift) * b + 0.1 * random.normal();
    rows.insert(rows.end(), {a, b, y, static_cast<double>(random.below(17)), sold});
  }
  return rows;
}

// In batches of this many rows.
models::ModelSet learned(const wire::StreamSpec& spec, const std::vector<double>& rows, std::size_t batch_rows) {
  OneWorker out;
  ingest::Workers workers(out);
  workers.join("w", "w", {});
  ingest::Stream stream({1, "sales", spec, 0, 0, {}, {}, {}});
  workers.place(stream);
  workers.open(stream, {});
  const auto producer =
      std::make_shared<ingest::StreamProducer>(ingest::StreamProducer{.name = "p", .log = ingest::Producer(0)});
  for (std::size_t first = 0; first < kRows; first += batch_rows) {
    const std::size_t count = std::min(batch_rows, kRows - first);
    const std::size_t bytes = count * kColumns * sizeof(double);
    ingest::ScreenedBatch batch{
        .sequence = producer->log.accepted() + 1, .count = count, .frame = ingest::row_memory(bytes)};
    std::memcpy(batch.frame.data(), rows.data() + first * kColumns, bytes);
    workers.deliver(stream, producer, bytes, std::move(batch));
    stream.changed({}, count);
  }
  workers.cut(stream, 1);
  EXPECT_EQ(out.states.size(), spec.partitions);
  models::ModelSet whole = first_models(spec);
  for (const auto& [partition, state] : out.states) {
    std::optional<models::ModelSet> part;
    EXPECT_EQ(models::ModelSet::decode(state, part), models::DecodeError::kNone);
    whole.merge(*part);
  }
  return whole;
}

TEST(PartitionedForgetting, FourPartitionsLearnWhatOneDoes) {
  const std::vector<double> rows = sales();
  const models::ModelSet one = learned(spec(1), rows, kRows);
  const models::ModelSet four = learned(spec(4), rows, 64);
  for (std::size_t model = 0; model < one.models().size(); ++model) {
    SCOPED_TRACE(one.models()[model].spec().name);
    const models::Summary expected = one.models()[model].describe();
    const models::Summary summary = four.models()[model].describe();
    EXPECT_EQ(summary.rows, kRows);
    ASSERT_EQ(summary.coefficients.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(summary.coefficients[i].value, expected.coefficients[i].value, 1e-10);
    }
    EXPECT_NEAR(expected.coefficients[1].value, -1, 0.3) << "it has forgotten what was true at first";
  }
}

TEST(PartitionedForgetting, BySecondsNeedsAnEventTime) {
  wire::StreamSpec timeless = spec(1);
  timeless.time.clear();
  try {
    (void)first_models(timeless);
    FAIL() << "it was not refused";
  } catch (const std::invalid_argument& problem) {
    EXPECT_STREQ(problem.what(), "model 'by_seconds' needs an event time: name its column as the stream's time");
  }
}

}  // namespace
}  // namespace accrue::daemon
