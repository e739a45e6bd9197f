#include "daemon/loops.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "daemon/log.hpp"
#include "ingest/link.hpp"
#include "ingest/receiver.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::daemon {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Deliveries learned before the receiver is told, while more are waiting.
constexpr std::uint64_t kReportEvery = 64;
constexpr milliseconds kReportAtLatest{250};

ingest::Say say_on(zmq::socket_t& socket) {
  return [&socket](const wire::Bytes& message) { ingest::send(socket, message); };
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

WorkerLoop::WorkerLoop(zmq::context_t& context, std::string endpoint, std::string name)
    : context_(context), endpoint_(std::move(endpoint)), name_(std::move(name)) {}

void WorkerLoop::run(int stop) {
  while (!work(stop)) log_warn("worker_joins_anew", {{"worker", name_}});
}

// False when another worker must take this one's place.
bool WorkerLoop::work(int stop) {
  zmq::socket_t receiver = ingest::dealer_socket(context_, endpoint_);
  Worker worker(name_, say_on(receiver), SteadyClock::now());
  std::vector<zmq::pollitem_t> items = {{receiver.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, stop, ZMQ_POLLIN, 0}};
  for (;;) {
    ingest::wait(items, worker.settle(SteadyClock::now()));
    if ((items[1].revents & ZMQ_POLLIN) != 0) break;
    const auto report_at = SteadyClock::now() + kReportAtLatest;
    zmq::message_t message;
    while (worker.unreported() < kReportEvery && SteadyClock::now() < report_at &&
           ingest::try_receive(receiver, message)) {
      zmq::message_t rows;
      if (message.more()) ACCRUE_ASSERT(ingest::try_receive(receiver, rows));
      worker.on_message(ingest::view(message), std::move(rows));
      if (worker.standing() == Worker::Standing::kStranger) return false;
      if (worker.standing() == Worker::Standing::kDismissed) throw std::runtime_error(worker.reason());
    }
  }
  worker.leave();
  return true;
}

CommitterLoop::CommitterLoop(zmq::context_t& context, std::unique_ptr<Store> store, CommitterOptions options,
                             const Publication& told)
    : inbox_(ingest::pull_socket(context, ingest::kCommitterLink)),
      receiver_(ingest::push_socket(context, ingest::kReceiverLink)),
      committer_(std::move(store), std::move(options), told, say_on(receiver_)) {}

void CommitterLoop::run() {
  std::vector<zmq::pollitem_t> items = {{inbox_.handle(), 0, ZMQ_POLLIN, 0}};
  zmq::message_t message;
  ingest::Deadline next;
  while (!committer_.stopped()) {
    ingest::wait(items, next);
    while (ingest::try_receive(inbox_, message)) committer_.on_message(ingest::view(message));
    next = committer_.settle(SteadyClock::now(), unix_ms());
  }
}

}  // namespace accrue::daemon
