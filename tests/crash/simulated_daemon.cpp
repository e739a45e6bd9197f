#include "tests/crash/simulated_daemon.hpp"

#include <utility>

#include "daemon/recovery.hpp"
#include "ingest/link.hpp"

namespace accrue::tests {
namespace {

wire::BytesView view(const wire::Bytes& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

SimulatedDaemon::SimulatedDaemon(EventQueue& queue, Random& random, const DaemonOptions& options, ToClient to_client)
    : queue_(queue),
      random_(random),
      latency_(options.latency),
      to_client_(std::move(to_client)),
      intake_(options.intake, *this, gauges_) {
  auto store = std::make_unique<daemon::Store>(kStoreFile, options.store);
  const auto streams = daemon::recover(*store, board_);
  committer_ = std::make_unique<daemon::Committer>(
      std::move(store), daemon::CommitterOptions{kStoreFile, options.store}, board_, health_,
      [this](const wire::Bytes& message) { carry(committer_to_receiver_, [this, message] { at_receiver(message); }); });
  for (std::uint32_t i = 0; i < options.intake.workers; ++i) {
    workers_.push_back({daemon::Worker(
                            i,
                            [this, i](const wire::Bytes& message) {
                              carry(workers_[i].to_receiver, [this, message] { at_receiver(message); });
                            },
                            [this, i](const wire::Bytes& message) {
                              carry(workers_[i].to_committer, [this, message] { at_committer(message); });
                            }),
                        {},
                        {},
                        {}});
  }
  for (const ingest::RecoveredStream& stream : streams) {
    committer_->know(stream.id, stream.name, stream.spec);
    intake_.recover(stream);
  }
  settle_intake(queue_.now());
}

void SimulatedDaemon::from_client(const ingest::SessionId& session, const wire::Bytes& frame) {
  intake_.on_client(session, zmq::message_t(frame.data(), frame.size()), queue_.now());
  settle_intake(queue_.now() + latency_.draw(random_));
}

void SimulatedDaemon::begin_stop() {
  intake_.begin_stop();
  settle_intake(queue_.now());
}

void SimulatedDaemon::to_client(const ingest::SessionId& session, const wire::Bytes& message) {
  to_client_(session, message);
}

void SimulatedDaemon::to_worker(std::uint32_t worker, const wire::Bytes& message) {
  WorkerPart& part = workers_[worker];
  carry(part.inbox, [this, &part, message] { at_worker(part, message, {}); });
}

void SimulatedDaemon::to_worker(std::uint32_t worker, const wire::Bytes& message, zmq::message_t rows) {
  WorkerPart& part = workers_[worker];
  const auto payload = std::make_shared<zmq::message_t>(std::move(rows));
  carry(part.inbox, [this, &part, message, payload] { at_worker(part, message, ingest::view(*payload)); });
}

void SimulatedDaemon::to_committer(const wire::Bytes& message) {
  carry(receiver_to_committer_, [this, message] { at_committer(message); });
}

void SimulatedDaemon::at_worker(WorkerPart& part, const wire::Bytes& message, wire::BytesView rows) {
  part.worker.on_message(view(message), rows);
  if (std::exchange(part.report_due, true)) return;
  later(queue_.now() + latency_.draw(random_), [&part] {
    part.report_due = false;
    part.worker.report_applied();
  });
}

void SimulatedDaemon::at_committer(const wire::Bytes& message) {
  committer_->on_message(view(message));
  settle_committer(queue_.now() + latency_.draw(random_));
}

void SimulatedDaemon::at_receiver(const wire::Bytes& message) {
  intake_.on_pipeline(view(message));
  settle_intake(queue_.now() + latency_.draw(random_));
}

// A burst of messages may pass before it settles, as in the receiver's loop.
void SimulatedDaemon::settle_intake(TimePoint when) {
  if (when >= intake_wakes_) return;
  intake_wakes_ = when;
  later(when, [this, when] {
    if (intake_wakes_ != when) return;
    intake_wakes_ = TimePoint::max();
    settle_intake(intake_.settle(queue_.now()));
  });
}

void SimulatedDaemon::settle_committer(TimePoint when) {
  if (when >= committer_wakes_) return;
  committer_wakes_ = when;
  later(when, [this, when] {
    if (committer_wakes_ != when) return;
    committer_wakes_ = TimePoint::max();
    if (const auto next = committer_->settle(queue_.now(), wall_clock())) settle_committer(*next);
  });
}

// Nothing may depend on it: now and then it is set, by hours or by years, forwards or back.
std::int64_t SimulatedDaemon::wall_clock() {
  constexpr std::int64_t kHourMs = 3'600'000;
  const auto hours = static_cast<std::int64_t>(random_.below(random_.uniform() < 0.1 ? 100'000 : 2));
  return 200'000 * kHourMs + (random_.next() % 2 == 0 ? hours : -hours) * kHourMs;
}

void SimulatedDaemon::carry(Link& link, std::function<void()> deliver) {
  link.send(queue_, latency_.draw(random_), [alive = std::weak_ptr(alive_), deliver = std::move(deliver)] {
    if (!alive.expired()) deliver();
  });
}

void SimulatedDaemon::later(TimePoint when, std::function<void()> event) {
  queue_.at(when, [alive = std::weak_ptr(alive_), event = std::move(event)] {
    if (!alive.expired()) event();
  });
}

}  // namespace accrue::tests
