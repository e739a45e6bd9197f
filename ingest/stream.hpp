// One stream as the receiver sees it: its phase, its producers, what it has rejected, and where it stands with its
// epochs. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingest/gauges.hpp"
#include "ingest/model_roster.hpp"
#include "ingest/partitioning.hpp"
#include "ingest/pipeline_messages.hpp"
#include "ingest/producer.hpp"
#include "ingest/validation.hpp"
#include "ingest/wire/friendly_rows.hpp"

namespace accrue::ingest {

using TimePoint = std::chrono::steady_clock::time_point;
using SessionId = std::string;  // a client's connection: its ZeroMQ routing id
using WorkerId = std::string;   // likewise a worker's

struct StreamProducer {
  std::string name;
  Producer log;
  SessionId session{};               // the connection that speaks for it at present; empty for none
  std::uint64_t came = 0;            // when it last connected, as the stream counts connections; 0: before it recovered
  std::uint64_t cut = 0;             // its sequence at the last epoch cut
  bool ack_due = false;              // something changed that its session has not been told
  bool rewound = false;              // its session does not know yet that batches are to be sent again
  std::uint64_t rolled_back_to = 0;  // ... or, to this epoch, that they are its user's to send again or not
};

// How long it took an epoch to become durable.
struct EpochDurations {
  TimePoint::duration since_cut;
  std::optional<TimePoint::duration> since_first_row;  // came in: no row of the epoch has waited for longer
};

class Stream {
 public:
  enum class Phase : std::uint8_t {
    kWaiting,    // for workers; its states are at hand
    kLearning,   // its partitions are with workers
    kRewinding,  // the committer has been asked for its newest epoch
  };

  // `may_be_missing`: as Gate says.
  explicit Stream(RecoveredStream recovered, std::vector<bool> may_be_missing = {});

  // Goes on from what the same stream was before it was rewound or rolled back: with its sessions, which are to open it
  // again.
  void take_over(Stream& before);

  const std::uint64_t id;
  const std::string name;
  const wire::StreamSpec spec;
  const wire::Columns columns;
  const Gate gate;
  const Partitioner partitioner;

  Phase phase = Phase::kWaiting;
  std::uint64_t generation = 0;     // times it was rewound
  std::vector<wire::Bytes> states;  // by partition, while it waits for workers; empty before the first epoch
  std::vector<SessionId> opening;   // sessions that have asked to open it and wait; the newest last
  std::unordered_map<std::string, std::shared_ptr<StreamProducer>> producers;
  ModelRoster models;
  RejectCounts rejected{};
  std::uint64_t rows = 0;  // accepted since the stream began
  std::shared_ptr<StreamGauges> gauges;

  // Something happened that the next epoch must hold.
  void changed(TimePoint now, std::uint64_t new_rows);
  bool dirty() const { return dirty_; }

  // When the next epoch should be cut: at once after a flush, enough rows or half a window, otherwise an interval after
  // the first change. Never while one is in flight, so that a slow disk makes epochs larger and not more.
  bool due(TimePoint now, std::chrono::milliseconds interval, std::uint64_t epoch_rows) const;
  TimePoint deadline(std::chrono::milliseconds interval) const { return dirty_since_ + interval; }
  bool epoch_in_flight() const { return in_flight_ != 0; }
  void hurry() { hurried_ = dirty_; }
  void hurry_models() { dirty_ = hurried_ = true; }  // they changed, and somebody waits for that to be durable

  EpochCut cut(TimePoint now);
  std::uint64_t take_epoch_number() { return ++epoch_; }  // for an epoch that is made elsewhere
  // The epoch last cut is on disk: returns the bytes of memory that are no longer held for it.
  std::size_t made_durable(std::uint64_t epoch);
  EpochDurations durations(TimePoint now) const;  // of that epoch

  // Bytes of memory held for batches accepted and not durable.
  std::size_t held_bytes() const;

  // The producer is spoken for by this connection from now on, or by none.
  void connect(StreamProducer& producer, const SessionId& session);
  void disconnect(StreamProducer& producer);

  // Forgets a producer that will not come back, unless something of it is outstanding.
  bool depart(const std::string& producer);

  // The producer of this name, made if it is new.
  std::shared_ptr<StreamProducer> producer(const std::string& producer_name);

 private:
  void gauge_queue();

  const std::uint64_t rolled_back_to_;  // as in RecoveredStream
  std::uint64_t connections_ = 0;
  std::uint64_t epoch_ = 0;      // the last number given
  std::uint64_t in_flight_ = 0;  // the epoch that is cut and not durable; 0 for none
  bool dirty_ = false;
  bool hurried_ = false;
  TimePoint dirty_since_{};
  std::uint64_t rows_at_cut_ = 0;
  TimePoint first_row_at_{};  // when the first row after these came
  TimePoint cut_at_{};
  std::optional<TimePoint> first_row_of_cut_at_;
  std::vector<ProducerMark> in_flight_marks_;
  std::vector<std::string> in_flight_departed_;
  std::vector<std::string> departed_;
};

}  // namespace accrue::ingest
