// A peer of the daemon that speaks the protocol by hand, well or badly.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include <zmq.hpp>

#include "ingest/wire/messages.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::tests {

class Peer {
 public:
  explicit Peer(const std::string& endpoint) : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    socket_.connect(endpoint);
  }

  void send(wire::BytesView bytes) { (void)socket_.send(zmq::const_buffer(bytes.data(), bytes.size())); }
  void send_frames(int count) {
    for (int i = 0; i < count; ++i) {
      (void)socket_.send(zmq::str_buffer("x"), i + 1 < count ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }
  template <class Message>
  void say(const Message& message) {
    send(wire::encode(message));
  }

  // Waits for the next message. It is good until the one after.
  const wire::Frame& receive() {
    if (!socket_.recv(message_)) throw std::runtime_error("the daemon is silent");
    if (frame_.parse({message_.data<std::byte>(), message_.size()}) != wire::DecodeError::kNone) {
      throw std::runtime_error("the daemon sent what cannot be read");
    }
    return frame_;
  }

  // The next message of this type; others are passed over.
  template <class Message>
  Message expect() {
    for (;;) {
      Message message;
      if (receive().type() == Message::kType && frame_.read(message) == wire::DecodeError::kNone) return message;
    }
  }

  // Says Hello and opens the stream "s"; answers its id.
  std::uint64_t join(const std::string& producer, const wire::StreamSpec& spec = {.features = {"x"}, .target = "y"}) {
    say(wire::Hello{producer, true});
    say(wire::Open{"s", spec});
    return expect<wire::Opened>().stream_id;
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
  zmq::message_t message_;
  wire::Frame frame_;
};

}  // namespace accrue::tests
