// One life of a daemon, from start-up to the crash that ends it: the real Intake, Workers, Committer and Store, joined
// by links of virtual time in place of sockets. Destroying it is the crash: what was on its links is gone, what the
// disk had is what the next life finds. Its workers may die, hang and join while it lives.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/committer.hpp"
#include "daemon/worker.hpp"
#include "ingest/intake.hpp"
#include "tests/crash/event_queue.hpp"

namespace accrue::tests {

inline constexpr const char* kStoreFile = "/simulated/accrue.db";

struct DaemonOptions {
  ingest::IntakeOptions intake;
  daemon::StoreOptions store;
  Latency latency;
};

class SimulatedDaemon final : private ingest::Outbox {
 public:
  using ToClient = std::function<void(const ingest::SessionId& session, const wire::Bytes& message)>;

  // Recovers what the current disk holds. Throws daemon::StoreError when that cannot be read.
  SimulatedDaemon(EventQueue& queue, Random& random, const DaemonOptions& options, ToClient to_client);

  void from_client(const ingest::SessionId& session, const wire::Bytes& frame);

  // Faults of workers. One that ends is followed by another, later; the daemon may be told of its end, or must notice.
  // One that hangs goes on after a while, and does not know that it ever stood still. One may join, to stay.
  void end_worker(bool told);
  void hang_worker(Duration how_long);
  void start_worker();

  bool degraded() const { return !health_.degraded().empty(); }

  // As SIGTERM: what was taken becomes durable, and then it is at rest.
  void begin_stop();
  bool at_rest() const { return intake_.stopping() && intake_.idle(); }

 private:
  struct WorkerPart {
    ingest::WorkerId id;
    std::unique_ptr<daemon::Worker> worker;
    Link inbox;
    Link outbox;
    TimePoint hangs_until{};
    std::deque<std::function<void()>> held_up{};  // while it hangs
    TimePoint wakes = TimePoint::max();
    std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);  // its events hold it weakly
  };

  void to_client(const ingest::SessionId& session, const wire::Bytes& message) override;
  void to_worker(const ingest::WorkerId& worker, wire::BytesView message) override;
  void to_worker(const ingest::WorkerId& worker, wire::BytesView message, zmq::message_t rows) override;
  void to_committer(wire::BytesView message) override;
  void worker_joined(const std::string&) override {}
  void worker_lost(const std::string&, const std::string&) override {}

  WorkerPart* any_worker();
  void at_worker(WorkerPart& part, const wire::Bytes& message, const std::shared_ptr<zmq::message_t>& rows);
  void settle_worker(WorkerPart& part, TimePoint when);
  void at_committer(const wire::Bytes& message);
  void at_receiver(const wire::Bytes& message);
  void settle_intake(TimePoint when);
  void settle_committer(TimePoint when);
  std::int64_t wall_clock();

  // Sends over a link; the message is lost if this life ends before it arrives.
  void carry(Link& link, std::function<void()> deliver);
  void later(TimePoint when, std::function<void()> event);
  // The same for a worker's own events, which end with it and wait while it hangs.
  void later(WorkerPart& part, TimePoint when, std::function<void()> event);

  EventQueue& queue_;
  Random& random_;
  const Latency latency_;
  const ToClient to_client_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  // events hold it weakly

  daemon::SnapshotBoard board_;
  daemon::Health health_;
  daemon::Events events_;
  daemon::Latencies latencies_;
  ingest::Gauges gauges_;
  ingest::Intake intake_;
  std::unique_ptr<daemon::Committer> committer_;
  std::map<ingest::WorkerId, WorkerPart> workers_;
  std::uint64_t workers_started_ = 0;
  Link receiver_to_committer_;
  Link committer_to_receiver_;
  TimePoint intake_wakes_ = TimePoint::max();
  TimePoint committer_wakes_ = TimePoint::max();
};

}  // namespace accrue::tests
