// The streams there are, and the way of each with workers and committer: its partitions are given to workers, its
// epochs are cut and become durable, its producers are told so.
//
// When a partition moves, because its worker is gone or another has come, the stream goes back to its newest epoch and
// its producers are asked to send again what is not in it: as after a restart, on the same path. A rollback goes that
// way too, but first makes an earlier epoch the newest, and its producers are told so instead. A message of a worker
// that is not known any more, or of an earlier generation of the stream, is void.
//
// One thread. Nothing here throws on what a worker sends: a worker that talks nonsense is dismissed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ingest/credit.hpp"
#include "ingest/gauges.hpp"
#include "ingest/outbox.hpp"
#include "ingest/stream.hpp"
#include "ingest/workers.hpp"

namespace accrue::ingest {

struct StreamTableOptions {
  std::string version;
  std::chrono::milliseconds epoch_interval{100};
  std::uint64_t epoch_rows = 65'536;
  std::size_t window_bytes = 64u << 20;              // credit of one producer of one stream, at most
  std::uint32_t workers = 1;                         // that are waited for at first
  std::chrono::milliseconds worker_patience{2'000};  // ... for so long, once there is one
  std::chrono::milliseconds worker_silence{5'000};   // a worker not heard of for so long is taken to be dead
  // Of each feature of a stream, whether the models that it is created with take missing values of it; empty: none do.
  // Learners are not known here.
  std::function<std::vector<bool>(const wire::StreamSpec&)> features_that_may_be_missing = [](const auto&) {
    return std::vector<bool>();
  };
  // Is told of every epoch that has become durable.
  std::function<void(const std::string& stream, const EpochDurations&)> on_durable = [](const auto&, const auto&) {};
};

class StreamTable {
 public:
  // `on_open` is called for every session that has waited for a stream, when it is learning.
  using OnOpen = std::function<void(const SessionId&, Stream&)>;
  StreamTable(StreamTableOptions options, Outbox& outbox, Gauges& gauges, Credit& credit, OnOpen on_open);

  Stream* find(std::uint64_t stream_id);
  Stream* find(const std::string& name);
  std::size_t size() const { return streams_.size(); }

  // A new stream; one that the store held at start-up; or one that was to be rewound, as its newest epoch has it.
  void add(RecoveredStream recovered, std::vector<SessionId> opening = {});
  void drop(Stream& stream);

  // Asks for an epoch that is a copy of `epoch`, from which the stream then goes on. Not while it is being rewound.
  void roll_back(Stream& stream, std::uint64_t epoch);

  // Changes the stream's models after all rows so far, as soon as it is learning, and hurries an epoch; tells the
  // client when that is durable, or why it cannot be. Not while the stream's roster is full.
  void change_models(Stream& stream, ModelRequest request);

  // Delivers a batch that its producer's log admits.
  void deliver(Stream& stream, const std::shared_ptr<StreamProducer>& producer, std::size_t bytes, ScreenedBatch batch,
               TimePoint now);
  // Acknowledges to the producer, soon or at once, or tells its session why it is to open the stream again.
  void ack_later(const Stream& stream, const std::shared_ptr<StreamProducer>& producer);
  void acknowledge(std::uint64_t stream_id, const StreamProducer& producer);
  void ask_to_reopen(const Stream& stream, const StreamProducer& producer);

  void on_worker(const WorkerId& id, wire::BytesView message, TimePoint now);
  void on_worker_lost(const WorkerId& id);  // its connection is gone
  void on_worker_gone(const WorkerGone& gone);
  void on_durable(const EpochDurable& durable, TimePoint now);

  // Cuts the epochs that are due, sends the acknowledgements that have gathered. Returns when it next has work.
  TimePoint settle(TimePoint now);
  void look_for_silent_workers(TimePoint now);  // about once a second
  void hurry();                                 // every change is to become durable now
  bool all_durable() const { return dirty_.empty() && in_flight_ == 0; }

 private:
  void on_join(const WorkerId& id, const Join& join, TimePoint now);
  const Stream* learning(std::uint64_t stream_id, std::uint64_t generation);  // null when that is not so
  void dismiss(const WorkerId& id, const std::string& why);
  void lose_worker(const WorkerId& id, const std::string& why);
  void open_what_waits();
  void open_if_possible(Stream& stream);
  void rewind(Stream& stream);
  void go_back(Stream& stream, const wire::Bytes& asked_of_committer);
  void apply_changes(Stream& stream);
  void cut(Stream& stream, TimePoint now);

  const StreamTableOptions options_;
  Outbox& outbox_;
  Gauges& gauges_;
  Credit& credit_;
  const OnOpen on_open_;
  wire::Frame frame_;
  Workers workers_;
  bool crew_complete_ = false;  // the workers waited for at first have come, or were waited for long enough
  std::optional<TimePoint> first_joined_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Stream>> streams_;
  std::unordered_map<std::string, std::uint64_t> ids_;
  std::vector<std::uint64_t> dirty_;  // streams that want an epoch
  std::size_t in_flight_ = 0;         // epochs cut and not yet durable
  std::vector<std::pair<std::uint64_t, std::shared_ptr<StreamProducer>>> acks_due_;
};

}  // namespace accrue::ingest
