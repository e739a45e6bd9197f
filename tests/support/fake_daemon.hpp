// A daemon that does what the test says and nothing by itself: ROUTER sockets on loopback that speak accrue's protocol.
// A test waits for each message it expects by type and answers it; a message it does not expect is an exception, and so
// is silence. Heartbeats are answered in passing. One thread at a time.
#pragma once

#include <chrono>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "ingest/wire/queries.hpp"

namespace accrue::test {

// One socket of the daemon.
class ScriptedRouter {
 public:
  ScriptedRouter() { listen("tcp://127.0.0.1:*"); }

  const std::string& endpoint() const { return endpoint_; }

  // Returns when the address is free.
  void close() {
    socket_.close();
    context_.close();
  }

  // Binds the same address again; every connection there was is forgotten.
  void bind_again() {
    close();
    peer_.clear();
    listen(endpoint_);
  }

  // The next message other than a heartbeat. What it points to stays until the next message.
  template <class Message>
  Message expect() {
    while (true) {
      receive();
      if (frame_.type() == Message::kType) return read<Message>();
      if (frame_.type() == wire::Ping::kType) {
        send(wire::Pong{});
      } else if (frame_.type() != wire::Hello::kType ||
                 peer_ != greeted_) {  // a Hello is repeated until it is answered
        throw std::runtime_error("expected message type " + std::to_string(Message::kType) + ", got " +
                                 std::to_string(frame_.type()));
      }
    }
  }

  // The same, but not even a heartbeat may come before it.
  template <class Message>
  Message expect_first() {
    receive();
    if (frame_.type() != Message::kType) throw std::runtime_error("got message type " + std::to_string(frame_.type()));
    return read<Message>();
  }

  // Waits until somebody says Hello who has not been greeted yet. Whoever says anything else is told that it is
  // unknown.
  wire::Hello expect_newcomer() {
    while (true) {
      receive();
      if (frame_.type() == wire::Hello::kType) {
        if (peer_ != greeted_) break;
        continue;  // repeated before the answer came
      }
      try {
        send(wire::Error{.request = 0, .code = wire::ErrorCode::kNoSession, .about = "", .text = "who are you?"});
      } catch (const zmq::error_t&) {
        // It has gone.
      }
    }
    greeted_ = peer_;
    return read<wire::Hello>();
  }

  // Waits for the heartbeat after the next: between the two the peer had nothing else to say.
  void expect_only_heartbeats() {
    for (int i = 0; i < 2; ++i) {
      expect<wire::Ping>();
      send(wire::Pong{});
    }
  }

  // To whom was heard last.
  template <class Message>
  void send(const Message& message) {
    send_bytes(wire::encode(message));
  }
  void send_bytes(wire::BytesView bytes) {
    socket_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
    socket_.send(zmq::buffer(bytes.data(), bytes.size()));
  }

 private:
  void listen(const std::string& endpoint) {
    context_ = zmq::context_t();
    socket_ = zmq::socket_t(context_, zmq::socket_type::router);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::router_mandatory, true);
    socket_.set(zmq::sockopt::rcvtimeo, 20'000);
    socket_.bind(endpoint);
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
  }

  void receive() {
    zmq::message_t peer;
    if (!socket_.recv(peer)) throw std::runtime_error("the client is silent");
    peer_ = peer.to_string();
    if (!socket_.recv(payload_) || payload_.more()) throw std::runtime_error("not one payload frame");
    const wire::DecodeError error = frame_.parse({payload_.data<std::byte>(), payload_.size()});
    if (error != wire::DecodeError::kNone) throw std::runtime_error(to_string(error));
  }

  template <class Message>
  Message read() {
    Message message;
    if (frame_.read(message) != wire::DecodeError::kNone) throw std::runtime_error("a message with wrong fields");
    return message;
  }

  zmq::context_t context_;
  zmq::socket_t socket_;
  std::string endpoint_;
  std::string peer_;
  std::string greeted_;
  zmq::message_t payload_;
  wire::Frame frame_;
};

struct FakeDaemon {
  ScriptedRouter ingest;
  ScriptedRouter queries;
  std::uint64_t max_message_bytes = 1'048'576;

  // Waits for a new connection's Hello and answers it.
  wire::Hello welcome() {
    wire::Hello hello = ingest.expect_newcomer();
    ingest.send(
        wire::Welcome{.version = "test", .query_endpoint = queries.endpoint(), .max_message_bytes = max_message_bytes});
    return hello;
  }
};

inline std::vector<double> values_of(const wire::Rows& rows) {
  std::vector<double> values(rows.bin.size() / sizeof(double));
  std::memcpy(values.data(), rows.bin.data(), values.size() * sizeof(double));
  return values;
}

}  // namespace accrue::test
