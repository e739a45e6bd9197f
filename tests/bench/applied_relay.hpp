// A hop between one client and the daemon's ingest socket, to see what the client library does not tell: when the
// daemon has said of a batch that it is applied. What is measured through it includes the hop, both ways.
//
// Its thread relays; next_applied() is for one other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include "ingest/wire/messages.hpp"
#include "tests/bench/rows.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::bench {

class AppliedRelay {
 public:
  explicit AppliedRelay(const std::string& daemon)
      : clients_(context_, zmq::socket_type::router), daemon_(context_, zmq::socket_type::dealer) {
    clients_.set(zmq::sockopt::linger, 0);
    daemon_.set(zmq::sockopt::linger, 0);
    clients_.bind("tcp://127.0.0.1:*");
    daemon_.connect(daemon);
    endpoint_ = clients_.get(zmq::sockopt::last_endpoint);
    thread_ = std::thread([this] { relay(); });
  }
  ~AppliedRelay() {
    stopping_ = true;
    thread_.join();
  }
  AppliedRelay(const AppliedRelay&) = delete;
  AppliedRelay& operator=(const AppliedRelay&) = delete;

  const std::string& endpoint() const { return endpoint_; }

  std::uint64_t applied() const {
    const std::lock_guard lock(mutex_);
    return applied_;
  }

  // When it was heard that a batch after `sequence` is applied.
  Clock::time_point applied_after(std::uint64_t sequence) const {
    std::unique_lock lock(mutex_);
    if (!heard_.wait_for(lock, tests::kPatience, [&] { return applied_ > sequence; })) {
      throw std::runtime_error("nothing is applied");
    }
    return at_;
  }

 private:
  void relay() {
    constexpr std::chrono::milliseconds kLook{100};  // whether to stop
    std::vector<zmq::pollitem_t> items = {{clients_.handle(), 0, ZMQ_POLLIN, 0}, {daemon_.handle(), 0, ZMQ_POLLIN, 0}};
    std::string client;
    zmq::message_t message;
    while (!stopping_) {
      zmq::poll(items, kLook);
      while (clients_.recv(message, zmq::recv_flags::dontwait)) {
        client = message.to_string();
        (void)clients_.recv(message);
        daemon_.send(std::move(message), zmq::send_flags::none);
      }
      while (daemon_.recv(message, zmq::recv_flags::dontwait)) {
        note(message);
        clients_.send(zmq::buffer(client), zmq::send_flags::sndmore);
        clients_.send(std::move(message), zmq::send_flags::none);
      }
    }
  }

  void note(const zmq::message_t& message) {
    const auto now = Clock::now();
    if (frame_.parse({message.data<std::byte>(), message.size()}) != wire::DecodeError::kNone) return;
    wire::Ack ack;
    if (frame_.type() != ack.kType || frame_.read(ack) != wire::DecodeError::kNone) return;
    const std::lock_guard lock(mutex_);
    if (ack.applied <= applied_) return;
    applied_ = ack.applied;
    at_ = now;
    heard_.notify_all();
  }

  zmq::context_t context_;
  zmq::socket_t clients_;
  zmq::socket_t daemon_;
  std::string endpoint_;
  wire::Frame frame_;
  mutable std::mutex mutex_;
  mutable std::condition_variable heard_;
  std::uint64_t applied_ = 0;
  Clock::time_point at_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace accrue::bench
