// The receiver's mind without its sockets: given messages and the time, it decides what is said to clients, workers and
// the committer. Everything of ingest that must be right in every order of events is here and in StreamTable, so that
// it can be tested and simulated without a network or a clock. Here is the conversation with clients.
//
// A batch's way: session and stream known -> producer's sequence and credit -> rows screened -> partitions -> workers.
// One thread. Nothing here throws on what a client sends: bad messages are answered, bad rows are counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "ingest/credit.hpp"
#include "ingest/gauges.hpp"
#include "ingest/outbox.hpp"
#include "ingest/stream_table.hpp"

namespace accrue::ingest {

struct IntakeOptions {
  StreamTableOptions streams;
  std::string query_endpoint;
  std::size_t memory_bytes = 512u << 20;  // of all batches that are not durable
  std::size_t max_message_bytes = 16u << 20;
  std::size_t max_streams = 10'000;
  std::size_t max_producers = 10'000;        // of one stream
  std::chrono::seconds session_timeout{30};  // a connection not heard of for so long is forgotten
  // What is wrong with the models that a stream is to be created with, as a sentence; empty when nothing is. Learners
  // are not known here.
  std::function<std::string(const wire::StreamSpec&)> problem_with_models = [](const auto&) { return std::string(); };
};

class Intake {
 public:
  Intake(IntakeOptions options, Outbox& outbox, Gauges& gauges);

  // Before anything else: what the store held.
  void recover(RecoveredStream recovered) { streams_.add(std::move(recovered)); }

  // Events. A client's frame is consumed: its rows go on to a worker in the memory they arrived in.
  void on_client(const SessionId& id, zmq::message_t frame, TimePoint now);
  void on_worker(const WorkerId& id, wire::BytesView message, TimePoint now) { streams_.on_worker(id, message, now); }
  void on_worker_lost(const WorkerId& id) { streams_.on_worker_lost(id); }  // its connection is gone
  // From the committer, and from who watches over the workers.
  void on_pipeline(wire::BytesView message, TimePoint now);

  // To be called after each burst of events, and at the latest when it last said: cuts the epochs that are due, sends
  // the acknowledgements that have gathered, forgets silent connections. Returns when it next has work of its own.
  TimePoint settle(TimePoint now);

  // Stopping: no more batches are taken, and what was taken is made durable; idle() is true when all is.
  void begin_stop();
  bool stopping() const { return stopping_; }
  bool idle() const { return streams_.all_durable(); }

 private:
  struct Session {
    std::string producer;
    bool ephemeral = false;
    TimePoint heard{};
    std::vector<std::uint64_t> streams;
  };
  struct Creation {
    wire::StreamSpec spec;
    std::vector<SessionId> waiting;  // oldest first: of two connections of one producer, the newer is the living one
  };
  struct Rollback {
    SessionId session;
    std::uint64_t request = 0;
    std::uint64_t epoch = 0;
    bool asked = false;  // of the committer
  };

  void on_message(const SessionId& id, zmq::message_t& frame, TimePoint now);
  void on_hello(const SessionId& id, const wire::Hello& hello, TimePoint now);
  void on_open(const SessionId& id, const wire::Open& open);
  void on_batch(const SessionId& id, const wire::Batch& batch, zmq::message_t& frame, TimePoint now);
  void on_flush(const wire::Flush& flush);
  void on_ping(const SessionId& id);
  void on_drop(const SessionId& id, const wire::Drop& drop);
  void on_rollback(const SessionId& id, const wire::Rollback& rollback);
  void on_add_model(const SessionId& id, const wire::AddModel& add);
  void on_change(const SessionId& id, const std::string& stream_name, std::uint64_t request, ModelChange change);
  void on_created(const StreamCreated& created);
  void on_dropped(const StreamDropped& dropped);
  void on_recovered(RecoveredStream recovered);
  void on_rolled_back(const StreamRolledBack& rolled_back);

  std::string problem_with(const wire::StreamSpec& spec) const;
  std::string lacks_missing(const Stream& stream, const wire::StreamSpec& models) const;
  void create(const SessionId& id, const wire::Open& open);
  void attach(const SessionId& id, Stream& stream);
  void give_turns(TimePoint now);
  bool make_room_for_producer(Stream& stream);
  void begin_next_rollback(Stream& stream);
  void leave(const SessionId& id, bool said_bye);
  void count_sessions();
  void forget_silent_sessions(TimePoint now);

  template <class Message>
  void say(const SessionId& id, const Message& message) {
    outbox_.to_client(id, wire::encode(message));
  }
  void refuse(const SessionId& id, wire::ErrorCode code, const std::string& about, const std::string& text,
              std::uint64_t request = 0);
  void refuse_unknown(const SessionId& id, const std::string& stream, std::uint64_t request = 0);

  IntakeOptions options_;
  Outbox& outbox_;
  Gauges& gauges_;
  wire::Frame frame_;
  std::unordered_map<SessionId, Session> sessions_;
  Credit credit_;
  StreamTable streams_;
  std::map<std::string, Creation> creations_;                // asked of the committer, not answered yet
  std::map<std::string, std::set<SessionId>> drops_;         // likewise
  std::map<std::uint64_t, std::deque<Rollback>> rollbacks_;  // by stream, one after the other
  TimePoint next_silence_check_{};
  bool stopping_ = false;
};

}  // namespace accrue::ingest
