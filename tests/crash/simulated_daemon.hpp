// One life of a daemon, from start-up to the crash that ends it: the real Intake, Workers, Committer and Store, joined
// by links of virtual time in place of sockets. Destroying it is the crash: what was on its links is gone, what the
// disk had is what the next life finds.
#pragma once

#include <deque>
#include <functional>
#include <memory>
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

  bool degraded() const { return !health_.degraded().empty(); }

  // As SIGTERM: what was taken becomes durable, and then it is at rest.
  void begin_stop();
  bool at_rest() const { return intake_.stopping() && intake_.idle(); }

 private:
  struct WorkerPart {
    daemon::Worker worker;
    Link inbox;
    Link to_receiver;
    Link to_committer;
    bool report_due = false;
  };

  void to_client(const ingest::SessionId& session, const wire::Bytes& message) override;
  void to_worker(std::uint32_t worker, const wire::Bytes& message) override;
  void to_worker(std::uint32_t worker, const wire::Bytes& message, zmq::message_t rows) override;
  void to_committer(const wire::Bytes& message) override;

  void at_worker(WorkerPart& part, const wire::Bytes& message, wire::BytesView rows);
  void at_committer(const wire::Bytes& message);
  void at_receiver(const wire::Bytes& message);
  void settle_intake(TimePoint when);
  void settle_committer(TimePoint when);
  std::int64_t wall_clock();

  // Sends over a link; the message is lost if this life ends before it arrives.
  void carry(Link& link, std::function<void()> deliver);
  void later(TimePoint when, std::function<void()> event);

  EventQueue& queue_;
  Random& random_;
  const Latency latency_;
  const ToClient to_client_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  // events hold it weakly

  daemon::SnapshotBoard board_;
  daemon::Health health_;
  ingest::Gauges gauges_;
  ingest::Intake intake_;
  std::unique_ptr<daemon::Committer> committer_;
  std::deque<WorkerPart> workers_;
  Link receiver_to_committer_;
  Link committer_to_receiver_;
  TimePoint intake_wakes_ = TimePoint::max();
  TimePoint committer_wakes_ = TimePoint::max();
};

}  // namespace accrue::tests
