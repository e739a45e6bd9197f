// The committer's mind without its sockets and its clock: it gathers the states of an epoch from the workers, merges
// them, publishes the snapshot, writes epochs to the store and then, and only then, tells the receiver that they are
// durable. All epochs that are ready together share one transaction, so a slow disk makes transactions larger and not
// more. How long the disk takes it measures for Latencies, and goes by it in nothing.
//
// A store that fails does not stop learning or predicting: epochs wait, one a stream, nothing is called durable, and
// the store is opened afresh and tried again until it works. What failed may be in it all the same: an epoch that is
// there is durable, and a stream whose creation was refused or whose dropping failed is taken out.
//
// A stream that is to be rewound goes on from its newest epoch in the store, when no epoch of it waits to be written.
// One that is to be rolled back does too, once a copy of the epoch asked for is its newest; where the store fails that
// is refused, and should the copy be there all the same it is taken out before the stream goes on.
//
// One thread. Its messages are ingest/pipeline_messages.hpp's.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/events.hpp"
#include "daemon/health.hpp"
#include "daemon/latencies.hpp"
#include "daemon/snapshot.hpp"
#include "daemon/store.hpp"
#include "ingest/pipeline_messages.hpp"

namespace accrue::daemon {

struct CommitterOptions {
  std::filesystem::path store_file;
  StoreOptions store;
  std::chrono::milliseconds retry{200};  // between attempts to write to a store that fails
};

// Where a committer tells of its epochs.
struct Publication {
  SnapshotBoard& board;
  Health& health;
  Events& events;
  Latencies& latencies;
};

class Committer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Committer(std::unique_ptr<Store> store, CommitterOptions options, const Publication& told, ingest::Say to_receiver);

  // A stream that the store held at start-up. Of every such one, before any message.
  void know(std::uint64_t stream_id, const std::string& name, const wire::StreamSpec& spec);

  void on_message(wire::BytesView message);

  // To be called after each burst of messages, and at the latest when it last said: writes the epochs that are ready.
  // Returns when it next has work of its own; nothing while it has none. `unix_ms` is the wall clock's time.
  std::optional<TimePoint> settle(TimePoint now, std::int64_t unix_ms);

  bool stopped() const { return stopped_; }

 private:
  struct Known {
    std::string name;
    wire::StreamSpec spec;
  };
  struct Gathering {  // an epoch that some states are still missing of
    ingest::EpochCut cut;
    std::map<std::uint32_t, wire::Bytes> states;
    std::vector<EvictedKey> evicted;
  };

  void create(const ingest::CreateStream& create);
  void drop(const ingest::DropStream& drop);
  void rewind(std::uint64_t stream_id);
  void roll_back(const ingest::RollBackStream& wanted);
  void gather(const ingest::PartitionState& part);
  bool use_store(std::int64_t unix_ms);
  void answer_rewinds(std::int64_t unix_ms);
  ingest::StreamRolledBack copy_epoch(const StreamRecord& stream, const ingest::RollBackStream& wanted,
                                      std::int64_t unix_ms);
  void refuse_rollbacks(const std::string& why);
  Store& store();
  void reconcile();
  void say_durable(const EpochRecord& record);
  void store_worked();
  void store_failed(const std::string& why);

  CommitterOptions options_;
  SnapshotBoard& board_;
  Health& health_;
  Events& events_;
  Latencies& latencies_;
  const ingest::Say to_receiver_;
  wire::Frame frame_;
  std::unique_ptr<Store> store_;  // none after a failure, until it is opened afresh
  std::map<std::uint64_t, Known> streams_;
  std::map<std::uint64_t, Gathering> gathering_;  // by stream: one epoch of a stream is in flight at a time
  std::vector<EpochRecord> ready_;                // merged and published, not yet written
  std::set<std::uint64_t> rewinds_;               // streams whose newest epoch is asked for
  std::map<std::uint64_t, ingest::RollBackStream> rollbacks_;  // by stream: what is to be done before that
  std::map<std::uint64_t, std::uint64_t> refused_copies_;      // by stream: an epoch that should not be in the store
  bool degraded_ = false;
  TimePoint next_attempt_{};  // while degraded
  bool stopped_ = false;
};

}  // namespace accrue::daemon
