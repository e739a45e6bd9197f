// Messages between the daemon's own threads, over ZeroMQ inproc sockets: PUSH at the sender, PULL at the receiver, no
// high-water mark (clients' credit bounds what is under way). A socket belongs to one thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "ingest/wire/codec.hpp"

namespace accrue::ingest {

zmq::socket_t pull_socket(zmq::context_t& context, const std::string& endpoint);  // binds
zmq::socket_t push_socket(zmq::context_t& context, const std::string& endpoint);  // connects, before or after the bind

void send(zmq::socket_t& socket, wire::BytesView message);
void send(zmq::socket_t& socket, wire::BytesView message, zmq::message_t payload);

// The next frame, if there is one; a message's second frame is there as soon as its first is. Retries EINTR.
[[nodiscard]] bool try_receive(zmq::socket_t& socket, zmq::message_t& frame);

// As zmq::poll, but an interruption counts as a time-out.
void wait(std::vector<zmq::pollitem_t>& items, std::chrono::milliseconds timeout);

inline wire::BytesView view(const zmq::message_t& frame) { return {frame.data<std::byte>(), frame.size()}; }

}  // namespace accrue::ingest
