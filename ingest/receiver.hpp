// The ingest thread's sockets: a ROUTER that clients speak to, another for workers, and the link to the committer. It
// decides nothing; Intake does.
//
// Construct on the thread that starts up (binding may fail, and says so), then call run() on the thread that is to own
// it; run() returns when everything taken is durable after a stop, or when a stop has waited too long.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "ingest/client_memory.hpp"
#include "ingest/intake.hpp"

namespace accrue::ingest {

inline constexpr const char* kReceiverLink = "inproc://receiver";
inline constexpr const char* kCommitterLink = "inproc://committer";

// A bound ROUTER socket for clients. Throws std::runtime_error that says what to do when it cannot be bound.
zmq::socket_t client_socket(zmq::context_t& context, const std::string& endpoint, std::size_t max_message_bytes);

// Takes the one frame of a peer's message, or false when there is none to be had. A message of several frames is
// dropped: the protocol has none, and nothing is kept of it.
// Those of clients are accounted for in `memory`.
[[nodiscard]] bool receive_from(zmq::socket_t& router, std::string& peer, zmq::message_t& frame,
                                ClientMemory* memory = nullptr);
// The same, waiting for it. Throws zmq::error_t, ETERM, when the context is shut down.
void await_from(zmq::socket_t& router, std::string& peer, zmq::message_t& frame, ClientMemory& memory);

// Sends without ever blocking; false when the client is gone or does not read, or too much is on its way already.
bool send_to_client(zmq::socket_t& socket, ClientMemory& memory, const SessionId& id, wire::Bytes message);

// As client_socket(), for workers; those of this process are found at kWorkersLink, others at `endpoint` unless it is
// empty.
zmq::socket_t worker_socket(zmq::context_t& context, const std::string& endpoint);

// Told on the ingest thread; a name is the one the worker gave itself.
struct WorkerEvents {
  std::function<void(const std::string& name)> joined;
  std::function<void(const std::string& name, const std::string& why)> lost;
};

class Receiver final : private Outbox {
 public:
  // The sockets are bound; the links' other ends may come up later.
  Receiver(zmq::context_t& context, zmq::socket_t clients, zmq::socket_t workers, IntakeOptions options,
           ClientMemory& memory, Gauges& gauges, WorkerEvents events);

  void recover(RecoveredStream stream) { intake_.recover(std::move(stream)); }

  // Serves until a Stop arrives on kReceiverLink. True when all that was accepted is durable.
  [[nodiscard]] bool run(std::chrono::milliseconds stop_timeout);

 private:
  void to_client(const SessionId& session, const wire::Bytes& message) override;
  void to_worker(const WorkerId& worker, wire::BytesView message) override;
  void to_worker(const WorkerId& worker, wire::BytesView message, zmq::message_t rows) override;
  void to_committer(wire::BytesView message) override;
  void worker_joined(const std::string& name) override { events_.joined(name); }
  void worker_lost(const std::string& name, const std::string& why) override { events_.lost(name, why); }

  void take_from_clients(TimePoint now);
  void take_from_workers(TimePoint now);
  void take_from_pipeline(TimePoint now);

  zmq::socket_t clients_;
  ClientMemory& memory_;
  zmq::socket_t workers_;
  zmq::socket_t pipeline_;
  zmq::socket_t committer_;
  const WorkerEvents events_;
  std::vector<WorkerId> unreachable_;  // that Intake has not been told of
  Intake intake_;
};

}  // namespace accrue::ingest
