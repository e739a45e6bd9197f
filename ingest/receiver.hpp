// The ingest thread's sockets: a ROUTER that clients speak to, and the links to workers and committer. It decides
// nothing; Intake does.
//
// Construct on the thread that starts up (binding may fail, and says so), then call run() on the thread that is to own
// it; run() returns when everything taken is durable after a stop, or when a stop has waited too long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "ingest/client_memory.hpp"
#include "ingest/intake.hpp"

namespace accrue::ingest {

inline constexpr const char* kReceiverLink = "inproc://receiver";
inline constexpr const char* kCommitterLink = "inproc://committer";
std::string worker_link(std::uint32_t worker);

// A bound ROUTER socket for clients, served by one network thread of the context (a bit mask, as ZMQ_AFFINITY takes
// it). Throws std::runtime_error that says what to do when it cannot be bound.
zmq::socket_t client_socket(zmq::context_t& context, const std::string& endpoint, std::size_t max_message_bytes,
                            std::uint64_t network_thread);

// Takes the one frame of a client's message, or false when there is none to be had. A message of several frames is
// dropped: the protocol has none, and nothing is kept of it.
[[nodiscard]] bool receive_from_client(zmq::socket_t& socket, ClientMemory& memory, SessionId& id,
                                       zmq::message_t& frame);

// Sends without ever blocking; false when the client is gone or does not read, or too much is on its way already.
bool send_to_client(zmq::socket_t& socket, ClientMemory& memory, const SessionId& id, wire::Bytes message);

class Receiver final : private Outbox {
 public:
  // `socket` is bound; the links' other ends may come up later.
  Receiver(zmq::context_t& context, zmq::socket_t socket, IntakeOptions options, ClientMemory& memory, Gauges& gauges);

  void recover(const RecoveredStream& stream) { intake_.recover(stream); }

  // Serves until a Stop arrives on kReceiverLink. True when all that was accepted is durable.
  [[nodiscard]] bool run(std::chrono::milliseconds stop_timeout);

 private:
  void to_client(const SessionId& session, const wire::Bytes& message) override;
  void to_worker(std::uint32_t worker, const wire::Bytes& message) override;
  void to_worker(std::uint32_t worker, const wire::Bytes& message, zmq::message_t rows) override;
  void to_committer(const wire::Bytes& message) override;

  void take_from_clients(TimePoint now);
  void take_from_pipeline();

  zmq::socket_t clients_;
  ClientMemory& memory_;
  zmq::socket_t pipeline_;
  zmq::socket_t committer_;
  std::vector<zmq::socket_t> workers_;
  Intake intake_;
};

}  // namespace accrue::ingest
