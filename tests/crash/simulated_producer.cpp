#include "tests/crash/simulated_producer.hpp"

#include <algorithm>
#include <utility>

namespace accrue::tests {
namespace {

constexpr const char* kStream = "s";
constexpr Duration kReconnect = std::chrono::milliseconds(100);

}  // namespace

SimulatedProducer::SimulatedProducer(EventQueue& queue, Random& random, ProducerOptions options, wire::StreamSpec spec,
                                     ToDaemon to_daemon)
    : queue_(queue),
      random_(random),
      options_(std::move(options)),
      to_daemon_(std::move(to_daemon)),
      session_({.endpoint = "simulated",
                .producer = options_.name,
                .ephemeral = false,
                .batch_rows = options_.batch_rows,
                .batch_linger = std::chrono::milliseconds(2)}),
      channel_(session_.open(kStream, std::move(spec))) {
  connect();
  session_.restart(queue_.now());
  serve();
}

void SimulatedProducer::push(const std::vector<double>& rows) {
  waiting_.insert(waiting_.end(), rows.begin(), rows.end());
  serve();
}

void SimulatedProducer::flush() {
  flush_waits_ = true;
  serve();
}

void SimulatedProducer::ask(client::Request::What what) {
  asked_.push_back(session_.ask(kStream, std::move(what)));
  serve();
}

std::vector<std::shared_ptr<client::Request>> SimulatedProducer::answered() {
  const auto open = [](const auto& request) { return !request->done && !request->failure; };
  const auto end = std::stable_partition(asked_.begin(), asked_.end(), open);
  std::vector<std::shared_ptr<client::Request>> answered(end, asked_.end());
  asked_.erase(end, asked_.end());
  return answered;
}

void SimulatedProducer::from_daemon(const ingest::SessionId& session, const wire::Bytes& message) {
  if (!connection_ || *connection_ != session) return;
  const auto deliver = [this, connection = std::weak_ptr(connection_), message] {
    if (connection.expired()) return;
    session_.receive({message.data(), message.size()}, queue_.now());
    serve();
  };
  down_.send(queue_, options_.latency.draw(random_), deliver);
}

void SimulatedProducer::cut_connection() {
  connection_.reset();
  later(Duration(static_cast<Duration::rep>(random_.below(kReconnect.count()))), [this] {
    if (connection_) return;
    connect();
    serve();
  });
}

bool SimulatedProducer::all_durable() const {
  return waiting_.empty() && !flush_waits_ && asked_.empty() && ready() && channel_->outbound->all_durable();
}

std::string SimulatedProducer::complaint() const {
  if (session_.failure()) return session_.failure()->what();
  return channel_->failure ? channel_->failure->what() : "";
}

void SimulatedProducer::connect() {
  connection_ = std::make_shared<const ingest::SessionId>(options_.name + "-" + std::to_string(random_.next()));
  up_ = down_ = Link();
}

// One turn of the library's thread.
void SimulatedProducer::serve() {
  const TimePoint now = queue_.now();
  if (session_.lost(now)) {
    connect();
    unsent_.clear();
    session_.restart(now);
  }
  if (ready() && !waiting_.empty()) session_.append(*channel_, std::exchange(waiting_, {}), now);
  if (ready() && std::exchange(flush_waits_, false)) channel_->outbound->request_flush();
  session_.collect(now, unsent_);
  transmit();
  wake_at(session_.deadline());
}

void SimulatedProducer::transmit() {
  while (connection_ && !unsent_.empty()) {
    const auto deliver = [this, connection = std::weak_ptr(connection_), frame = unsent_.front()] {
      if (const auto session = connection.lock()) to_daemon_(*session, *frame);
    };
    unsent_.pop_front();
    if (random_.uniform() < options_.reorder_share) {
      queue_.after(options_.latency.slow, deliver);
    } else {
      up_.send(queue_, options_.latency.draw(random_), deliver);
    }
    if (random_.uniform() < options_.duplicate_share) queue_.after(options_.latency.slow, deliver);
  }
}

void SimulatedProducer::wake_at(TimePoint when) {
  if (when >= wakes_) return;
  wakes_ = std::max(when, queue_.now());
  queue_.at(wakes_, [this, alive = std::weak_ptr(alive_), planned = wakes_] {
    if (alive.expired() || wakes_ != planned) return;
    wakes_ = TimePoint::max();
    serve();
  });
}

void SimulatedProducer::later(Duration delay, std::function<void()> event) {
  queue_.after(delay, [alive = std::weak_ptr(alive_), event = std::move(event)] {
    if (!alive.expired()) event();
  });
}

}  // namespace accrue::tests
