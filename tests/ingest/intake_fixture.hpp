// Intake with its outbox in plain lists: what it says to whom, for each event, in orders that sockets rarely produce.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/intake.hpp"
#include "ingest/link.hpp"
#include "ingest/wire/batch_frame.hpp"

namespace accrue::ingest {

using std::chrono::milliseconds;

inline const wire::StreamSpec kSpec = {.features = {"a"}, .target = "y"};

// Everything the intake said, decoded.
class Recorder final : public Outbox {
 public:
  void to_client(const SessionId& session, const wire::Bytes& message) override { clients[session].push_back(message); }
  void to_worker(const WorkerId& worker, wire::BytesView message) override {
    workers[worker].emplace_back(message.begin(), message.end());
  }
  void to_worker(const WorkerId& worker, wire::BytesView message, zmq::message_t rows) override {
    to_worker(worker, message);
    payload_bytes += rows.size();
  }
  void to_committer(wire::BytesView message) override { committer.emplace_back(message.begin(), message.end()); }
  void worker_joined(const std::string& name) override { joined.push_back(name); }
  void worker_lost(const std::string& name, const std::string&) override { lost.push_back(name); }

  std::map<SessionId, std::vector<wire::Bytes>> clients;
  std::map<WorkerId, std::vector<wire::Bytes>> workers;
  std::vector<wire::Bytes> committer;
  std::vector<std::string> joined;  // names
  std::vector<std::string> lost;
  std::size_t payload_bytes = 0;
};

template <class Message>
std::vector<Message> all(const std::vector<wire::Bytes>& messages) {
  std::vector<Message> found;
  for (const wire::Bytes& bytes : messages) {
    wire::Frame frame;
    EXPECT_EQ(frame.parse(bytes), wire::DecodeError::kNone);
    if (frame.type() != Message::kType) continue;
    EXPECT_EQ(frame.read(found.emplace_back()), wire::DecodeError::kNone);
  }
  return found;
}

// No worker is there yet, of the two that are expected.
class IntakeFixture : public testing::Test {
 protected:
  explicit IntakeFixture(const IntakeOptions& with = options()) : intake_(with, out_, gauges_) {}

  static IntakeOptions options() {
    IntakeOptions options;
    options.streams.version = "v";
    options.streams.workers = 2;
    options.streams.epoch_interval = milliseconds(100);
    options.streams.epoch_rows = 1'000;
    options.streams.window_bytes = 1'000;
    options.max_streams = 2;
    options.max_producers = 2;
    return options;
  }

  template <class Message>
  void client(const SessionId& id, const Message& message) {
    raw(id, wire::encode(message));
  }
  void raw(const SessionId& id, const wire::Bytes& bytes) {
    intake_.on_client(id, zmq::message_t(bytes.data(), bytes.size()), now_);
    intake_.settle(now_);
  }
  template <class Message>
  void pipeline(const Message& message) {
    intake_.on_pipeline(wire::encode(message), now_);
    intake_.settle(now_);
  }
  template <class Message>
  void worker(const WorkerId& id, const Message& message) {
    intake_.on_worker(id, wire::encode(message), now_);
    intake_.settle(now_);
  }
  void hire(const WorkerId& id) { worker(id, Join{"v", "name of " + id}); }
  void pass(milliseconds time) {
    now_ += time;
    intake_.settle(now_);
  }

  // A session of `producer` with stream 1 open.
  void join(const SessionId& id, const std::string& producer, const std::string& stream = "s") {
    client(id, wire::Hello{producer, true});
    client(id, wire::Open{stream, kSpec});
    for (const auto& create : all<CreateStream>(out_.committer)) {
      if (!created_.insert(create.name).second) continue;
      pipeline(StreamCreated{create.name, created_.size(), {}});
    }
  }
  void push(const SessionId& id, std::uint64_t sequence, const std::vector<double>& values = {1, 2, 3, 4},
            std::uint64_t stream_id = 1) {
    wire::BatchFrame frame(2, values.size() / 2);
    frame.append(values);
    raw(id, std::move(frame).seal(stream_id, sequence));
  }
  wire::Ack last_ack(const SessionId& id) { return all<wire::Ack>(out_.clients[id]).back(); }
  std::vector<wire::ErrorCode> errors(const SessionId& id) {
    std::vector<wire::ErrorCode> codes;
    for (const auto& error : all<wire::Error>(out_.clients[id])) codes.push_back(error.code);
    return codes;
  }
  std::vector<EpochCut> cuts() { return all<EpochCut>(out_.committer); }
  // The worker that was given the only partition there is, at last.
  WorkerId holder() {
    WorkerId holder;
    std::uint64_t newest = 0;
    for (const auto& [id, messages] : out_.workers) {
      for (const auto& open : all<OpenPartition>(messages)) {
        if (holder.empty() || open.generation > newest) holder = id;
        newest = std::max(newest, open.generation);
      }
    }
    return holder;
  }
  std::size_t deliveries() {
    std::size_t count = 0;
    for (const auto& [id, messages] : out_.workers) count += all<Deliver>(messages).size();
    return count;
  }

  TimePoint now_{};
  Recorder out_;
  Gauges gauges_;
  Intake intake_;
  std::set<std::string> created_;
};

class IntakeTest : public IntakeFixture {
 protected:
  explicit IntakeTest(const IntakeOptions& with = options()) : IntakeFixture(with) {
    hire("w0");
    hire("w1");
  }
};

}  // namespace accrue::ingest
