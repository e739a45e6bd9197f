#include "tests/crash/simulated_daemon.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
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
      std::move(store), daemon::CommitterOptions{kStoreFile, options.store},
      daemon::Publication{board_, health_, events_, latencies_},
      [this](const wire::Bytes& message) { carry(committer_to_receiver_, [this, message] { at_receiver(message); }); });
  for (const ingest::RecoveredStream& stream : streams) {
    committer_->know(stream.id, stream.name, stream.spec);
    intake_.recover(stream);
  }
  for (std::uint32_t i = 0; i < options.intake.streams.workers; ++i) start_worker();
  settle_intake(queue_.now());
}

// ---- workers ----

void SimulatedDaemon::start_worker() {
  const ingest::WorkerId id = "w" + std::to_string(++workers_started_);
  WorkerPart& part = workers_[id];
  part.id = id;
  const auto to_receiver = [this, &part](const wire::Bytes& message) {
    carry(part.outbox, [this, id = part.id, message] {
      intake_.on_worker(id, message, queue_.now());
      settle_intake(queue_.now() + latency_.draw(random_));
    });
  };
  part.worker = std::make_unique<daemon::Worker>(id, to_receiver, queue_.now());
  settle_worker(part, queue_.now() + latency_.draw(random_));
}

SimulatedDaemon::WorkerPart* SimulatedDaemon::any_worker() {
  if (workers_.empty()) return nullptr;
  return &std::next(workers_.begin(), static_cast<std::ptrdiff_t>(random_.below(workers_.size())))->second;
}

void SimulatedDaemon::end_worker(bool told) {
  const WorkerPart* part = any_worker();
  if (!part) return;
  if (told) {
    const auto gone = wire::encode(ingest::WorkerGone{part->id});
    later(queue_.now() + latency_.draw(random_), [this, gone] { at_receiver(gone); });
  }
  workers_.erase(part->id);  // with it what was on its way to it; what it has said is still on its way
  later(queue_.now() + latency_.slow, [this] { start_worker(); });
}

void SimulatedDaemon::hang_worker(Duration how_long) {
  WorkerPart* part = any_worker();
  if (!part) return;
  part->hangs_until = std::max(part->hangs_until, queue_.now() + how_long);
  later(part->hangs_until, [this, part, alive = std::weak_ptr(part->alive)] {
    // Any of what it goes on with may end it.
    while (!alive.expired() && queue_.now() >= part->hangs_until && !part->held_up.empty()) {
      const auto event = std::move(part->held_up.front());
      part->held_up.pop_front();
      event();
    }
  });
}

void SimulatedDaemon::at_worker(WorkerPart& part, const wire::Bytes& message,
                                const std::shared_ptr<zmq::message_t>& rows) {
  part.worker->on_message(view(message), rows ? std::move(*rows) : zmq::message_t());
  if (part.worker->standing() == daemon::Worker::Standing::kDismissed) {
    throw std::runtime_error("a worker was dismissed: " + part.worker->reason());
  }
  if (part.worker->standing() == daemon::Worker::Standing::kStranger) {
    workers_.erase(part.id);
    start_worker();  // as WorkerLoop does
    return;
  }
  settle_worker(part, queue_.now() + latency_.draw(random_));
}

void SimulatedDaemon::settle_worker(WorkerPart& part, TimePoint when) {
  if (when >= part.wakes) return;
  part.wakes = when;
  later(part, when, [this, &part, when] {
    if (part.wakes != when) return;
    part.wakes = TimePoint::max();
    settle_worker(part, part.worker->settle(queue_.now()));
  });
}

void SimulatedDaemon::later(WorkerPart& part, TimePoint when, std::function<void()> event) {
  later(when, [this, &part, alive = std::weak_ptr(part.alive), event = std::move(event)] {
    if (alive.expired()) return;
    const bool hangs = queue_.now() < part.hangs_until || !part.held_up.empty();
    hangs ? part.held_up.push_back(event) : event();
  });
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

void SimulatedDaemon::to_worker(const ingest::WorkerId& worker, wire::BytesView message) {
  to_worker(worker, message, {});
}

void SimulatedDaemon::to_worker(const ingest::WorkerId& worker, wire::BytesView message, zmq::message_t rows) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;  // nobody noticed yet
  WorkerPart& part = found->second;
  const auto payload = rows.size() > 0 ? std::make_shared<zmq::message_t>(std::move(rows)) : nullptr;
  later(part, part.inbox.arrival(queue_, latency_.draw(random_)),

        [this, &part, copy = wire::Bytes(message.begin(), message.end()), payload] { at_worker(part, copy, payload); });
}

void SimulatedDaemon::to_committer(wire::BytesView message) {
  const wire::Bytes copy(message.begin(), message.end());
  carry(receiver_to_committer_, [this, copy] { at_committer(copy); });
}

void SimulatedDaemon::at_committer(const wire::Bytes& message) {
  committer_->on_message(view(message));
  settle_committer(queue_.now() + latency_.draw(random_));
}

void SimulatedDaemon::at_receiver(const wire::Bytes& message) {
  intake_.on_pipeline(view(message), queue_.now());
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
