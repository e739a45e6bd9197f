// Messages between the daemon's own parts, over ZeroMQ sockets without high-water marks (clients' credit bounds what is
// under way): PUSH to PULL between threads, DEALER to ROUTER between workers and the receiver, who may be threads of
// one process or processes of their own. A socket belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "ingest/wire/codec.hpp"

namespace accrue::ingest {

zmq::socket_t pull_socket(zmq::context_t& context, const std::string& endpoint);  // binds
zmq::socket_t push_socket(zmq::context_t& context, const std::string& endpoint);  // connects, before or after the bind

// The receiver's end of its links to workers, and a worker's. A connection over a network that takes no data for 10 s
// is closed, and made anew by the worker's end.
inline constexpr const char* kWorkersLink = "inproc://workers";
inline constexpr std::int64_t kMaxWorkerMessageBytes = 64 << 20;  // a state of 1,024 features takes 7 MiB
zmq::socket_t router_socket(zmq::context_t& context);             // not bound yet
zmq::socket_t dealer_socket(zmq::context_t& context, const std::string& endpoint);  // connects, before or after

void send(zmq::socket_t& socket, wire::BytesView message);

// Over a router, to the peer of this routing id; `payload` is the message's second frame unless it is empty. False when
// the peer is not connected.
[[nodiscard]] bool send_to(zmq::socket_t& router, const std::string& peer, wire::BytesView message,
                           zmq::message_t payload = {});

// The same without ever waiting, and of one frame: false, too, when the peer's queue is full.
[[nodiscard]] bool try_send_to(zmq::socket_t& router, const std::string& peer, zmq::message_t frame);

// The next frame, if there is one; a message's second frame is there as soon as its first is. Retries EINTR.
[[nodiscard]] bool try_receive(zmq::socket_t& socket, zmq::message_t& frame);
// The same, waiting for it. Throws zmq::error_t, ETERM, when the context is shut down.
void receive(zmq::socket_t& socket, zmq::message_t& frame);

// As zmq::poll, but an interruption counts as a time-out, and there is one only where it is given.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;
void wait(std::vector<zmq::pollitem_t>& items, Deadline deadline = std::nullopt);

inline wire::BytesView view(const zmq::message_t& frame) { return {frame.data<std::byte>(), frame.size()}; }

}  // namespace accrue::ingest
