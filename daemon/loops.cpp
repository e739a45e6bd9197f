#include "daemon/loops.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "ingest/link.hpp"
#include "ingest/receiver.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::daemon {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Deliveries learned before the receiver is told, while more are waiting.
constexpr std::uint64_t kReportEvery = 64;

constexpr milliseconds kNoEnd{-1};

ingest::Say say_on(zmq::socket_t& socket) {
  return [&socket](const wire::Bytes& message) { ingest::send(socket, message); };
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

WorkerLoop::WorkerLoop(zmq::context_t& context, std::uint32_t index)
    : inbox_(ingest::pull_socket(context, ingest::worker_link(index))),
      receiver_(ingest::push_socket(context, ingest::kReceiverLink)),
      committer_(ingest::push_socket(context, ingest::kCommitterLink)),
      worker_(index, say_on(receiver_), say_on(committer_)) {}

void WorkerLoop::run() {
  std::vector<zmq::pollitem_t> items = {{inbox_.handle(), 0, ZMQ_POLLIN, 0}};
  zmq::message_t message;
  while (!worker_.stopped()) {
    if (!ingest::try_receive(inbox_, message)) {
      worker_.report_applied();
      ingest::wait(items, kNoEnd);
      continue;
    }
    zmq::message_t rows;
    if (message.more()) ACCRUE_ASSERT(ingest::try_receive(inbox_, rows));
    worker_.on_message(ingest::view(message), ingest::view(rows));
    if (worker_.unreported() >= kReportEvery) worker_.report_applied();
  }
}

CommitterLoop::CommitterLoop(zmq::context_t& context, std::unique_ptr<Store> store, CommitterOptions options,
                             SnapshotBoard& board, Health& health)
    : inbox_(ingest::pull_socket(context, ingest::kCommitterLink)),
      receiver_(ingest::push_socket(context, ingest::kReceiverLink)),
      committer_(std::move(store), std::move(options), board, health, say_on(receiver_)) {}

void CommitterLoop::run() {
  std::vector<zmq::pollitem_t> items = {{inbox_.handle(), 0, ZMQ_POLLIN, 0}};
  zmq::message_t message;
  milliseconds patience = kNoEnd;
  while (!committer_.stopped()) {
    ingest::wait(items, patience);
    while (ingest::try_receive(inbox_, message)) committer_.on_message(ingest::view(message));
    const auto next = committer_.settle(SteadyClock::now(), unix_ms());
    patience = next ? std::chrono::ceil<milliseconds>(*next - SteadyClock::now()) : kNoEnd;
    if (next) patience = std::max(patience, milliseconds(0));
  }
}

}  // namespace accrue::daemon
