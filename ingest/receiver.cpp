#include "ingest/receiver.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <utility>

#include "ingest/link.hpp"

namespace accrue::ingest {
namespace {

// Messages queued from one client before its connection is left unread. Credit and ClientMemory bound their bytes.
constexpr int kReceiveQueue = 64;
constexpr int kKernelBufferBytes =
    256 << 10;  // of a connection; left to itself, the kernel lets it grow many times that
constexpr int kSendQueue = 1'000;
constexpr int kUnreadMs = 30'000;  // a client that reads nothing of what it was sent for so long is disconnected
constexpr int kFarewellMs = 200;   // for the last acknowledgements to leave
constexpr int kBurst = 256;        // messages taken from clients before others get their turn

void listen_at(zmq::socket_t& socket, const std::string& endpoint, const std::string& flag) {
  try {
    socket.bind(endpoint);
  } catch (const zmq::error_t& error) {
    std::string hint = "check the address";
    if (error.num() == EADDRINUSE) hint = "another program has it; stop that, or choose another with " + flag;
    if (error.num() == EACCES) hint = "ports below 1024 need privileges; choose another with " + flag;
    if (error.num() == ENODEV || error.num() == EADDRNOTAVAIL) hint = "this machine has no such address";
    throw std::runtime_error("cannot listen on " + endpoint + ": " + error.what() + " (" + hint + ")");
  }
}

// Of a message whose first part, the peer's, is in `frame`; false when there is not one part behind it.
bool take_single(zmq::socket_t& router, std::string& peer, zmq::message_t& frame, ClientMemory* memory) {
  const auto take_next = [&] {
    const bool taken = frame.more() && try_receive(router, frame);
    if (taken && memory) memory->took(frame);
    return taken;
  };
  peer = frame.to_string();
  bool single = take_next();
  while (take_next()) single = false;
  return single;
}

}  // namespace

zmq::socket_t client_socket(zmq::context_t& context, const std::string& endpoint, std::size_t max_message_bytes) {
  zmq::socket_t socket(context, zmq::socket_type::router);
  socket.set(zmq::sockopt::router_mandatory, true);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(max_message_bytes));
  socket.set(zmq::sockopt::rcvhwm, kReceiveQueue);
  socket.set(zmq::sockopt::rcvbuf, kKernelBufferBytes);
  socket.set(zmq::sockopt::sndhwm, kSendQueue);
  socket.set(zmq::sockopt::tcp_maxrt, kUnreadMs);
  socket.set(zmq::sockopt::linger, kFarewellMs);
  listen_at(socket, endpoint, "--listen");
  return socket;
}

zmq::socket_t worker_socket(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t socket = router_socket(context);
  socket.bind(kWorkersLink);
  if (!endpoint.empty()) listen_at(socket, endpoint, "--worker-listen");
  return socket;
}

bool receive_from(zmq::socket_t& router, std::string& peer, zmq::message_t& frame, ClientMemory* memory) {
  while (try_receive(router, frame)) {
    if (take_single(router, peer, frame, memory)) return true;
  }
  return false;
}

void await_from(zmq::socket_t& router, std::string& peer, zmq::message_t& frame, ClientMemory& memory) {
  do {
    receive(router, frame);
  } while (!take_single(router, peer, frame, &memory));
}

bool send_to_client(zmq::socket_t& socket, ClientMemory& memory, const SessionId& id, wire::Bytes message) {
  auto frame = memory.message(std::move(message));
  return frame && try_send_to(socket, id, *std::move(frame));
}

Receiver::Receiver(zmq::context_t& context, zmq::socket_t clients, zmq::socket_t workers, IntakeOptions options,
                   ClientMemory& memory, Gauges& gauges, WorkerEvents events)
    : clients_(std::move(clients)),
      memory_(memory),
      workers_(std::move(workers)),
      pipeline_(pull_socket(context, kReceiverLink)),
      committer_(push_socket(context, kCommitterLink)),
      events_(std::move(events)),
      intake_(std::move(options), *this, gauges) {}

bool Receiver::run(std::chrono::milliseconds stop_timeout) {
  using Clock = std::chrono::steady_clock;
  std::optional<TimePoint> deadline;
  TimePoint next = Clock::now();
  std::vector<zmq::pollitem_t> items = {{clients_.handle(), 0, ZMQ_POLLIN, 0},
                                        {workers_.handle(), 0, ZMQ_POLLIN, 0},
                                        {pipeline_.handle(), 0, ZMQ_POLLIN, 0}};
  for (;;) {
    wait(items, next);
    const TimePoint now = Clock::now();
    take_from_clients(now);
    take_from_workers(now);
    take_from_pipeline(now);
    if (intake_.stopping() && !deadline) deadline = now + stop_timeout;
    next = intake_.settle(Clock::now());
    for (const WorkerId& worker : std::exchange(unreachable_, {})) intake_.on_worker_lost(worker);
    if (!deadline) continue;
    if (intake_.idle()) return true;
    if (now >= *deadline) return false;
    next = std::min(next, *deadline);
  }
}

void Receiver::take_from_clients(TimePoint now) {
  SessionId id;
  for (int i = 0; i < kBurst; ++i) {
    zmq::message_t frame;
    if (!receive_from(clients_, id, frame, &memory_)) return;
    intake_.on_client(id, std::move(frame), now);
  }
}

void Receiver::take_from_workers(TimePoint now) {
  WorkerId id;
  zmq::message_t frame;
  while (receive_from(workers_, id, frame)) intake_.on_worker(id, view(frame), now);
}

void Receiver::take_from_pipeline(TimePoint now) {
  zmq::message_t message;
  while (try_receive(pipeline_, message)) intake_.on_pipeline(view(message), now);
}

void Receiver::to_client(const SessionId& session, const wire::Bytes& message) {
  (void)send_to_client(clients_, memory_, session, message);
}

void Receiver::to_worker(const WorkerId& worker, wire::BytesView message) { to_worker(worker, message, {}); }

void Receiver::to_worker(const WorkerId& worker, wire::BytesView message, zmq::message_t rows) {
  if (!send_to(workers_, worker, message, std::move(rows))) unreachable_.push_back(worker);
}

void Receiver::to_committer(wire::BytesView message) { send(committer_, message); }

}  // namespace accrue::ingest
