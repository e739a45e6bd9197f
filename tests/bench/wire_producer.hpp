// A producer that speaks the protocol by hand, of which a thousand can share one thread. It sends as its credit allows
// and sends nothing again.
//
// One thread. Errors: std::runtime_error when the daemon refuses anything or is silent.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <span>
#include <stdexcept>
#include <string>

#include <zmq.hpp>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/messages.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::bench {

class WireProducer {
 public:
  // `most_outstanding` keeps below the daemon's credit where many share it.
  WireProducer(zmq::context_t& context, const std::string& endpoint, const std::string& producer,
               const std::string& stream, const wire::StreamSpec& spec, std::uint64_t most_outstanding = ~0ull)
      : socket_(context, zmq::socket_type::dealer), most_outstanding_(most_outstanding) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(std::chrono::milliseconds(tests::kPatience).count()));
    socket_.connect(endpoint);
    say(wire::Hello{producer, true});
    say(wire::Open{stream, spec});
    while (stream_id_ == 0) wait();
  }

  // False while the credit is used up.
  [[nodiscard]] bool try_send(std::span<const double> values, std::size_t count) {
    const wire::BytesView rows = std::as_bytes(values);
    take_what_has_come();
    const std::size_t bytes = wire::kBatchHeaderBytes + rows.size();
    if (outstanding_bytes_ > 0 && outstanding_bytes_ + bytes > std::min(window_bytes_, most_outstanding_)) return false;
    const auto header = wire::batch_header(stream_id_, ++sent_, wire::DataType::kFloat64,
                                           static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(rows.size()));
    zmq::message_t message(bytes);
    std::memcpy(message.data(), header.data(), header.size());
    std::memcpy(message.data<std::byte>() + header.size(), rows.data(), rows.size());
    socket_.send(std::move(message), zmq::send_flags::none);
    outstanding_.push_back(bytes);
    outstanding_bytes_ += bytes;
    return true;
  }

  bool idle() const { return outstanding_.empty(); }
  void ask_flush() { say(wire::Flush{stream_id_}); }
  void await_durable() {
    while (!idle()) wait();
  }
  void flush() {
    ask_flush();
    await_durable();
  }

  // Until the daemon has said something.
  void wait() {
    if (!socket_.recv(message_)) throw std::runtime_error("the daemon is silent");
    read();
  }

 private:
  template <class Message>
  void say(const Message& message) {
    const wire::Bytes bytes = wire::encode(message);
    socket_.send(zmq::const_buffer(bytes.data(), bytes.size()), zmq::send_flags::none);
  }

  void take_what_has_come() {
    while (socket_.recv(message_, zmq::recv_flags::dontwait)) read();
  }

  void read() {
    if (frame_.parse({message_.data<std::byte>(), message_.size()}, wire::Sender::kTrusted) !=
        wire::DecodeError::kNone) {
      throw std::runtime_error("the daemon sent what cannot be read");
    }
    if (wire::Opened opened; frame_.type() == opened.kType && frame_.read(opened) == wire::DecodeError::kNone) {
      stream_id_ = opened.stream_id;
      window_bytes_ = opened.window_bytes;
    } else if (wire::Ack ack; frame_.type() == ack.kType && frame_.read(ack) == wire::DecodeError::kNone) {
      window_bytes_ = ack.window_bytes;
      for (; durable_ < ack.durable; ++durable_) {
        outstanding_bytes_ -= outstanding_.front();
        outstanding_.pop_front();
      }
    } else if (wire::Error error; frame_.type() == error.kType && frame_.read(error) == wire::DecodeError::kNone) {
      throw std::runtime_error("the daemon refused: " + error.text);
    }
  }

  zmq::socket_t socket_;
  std::uint64_t most_outstanding_;
  zmq::message_t message_;
  wire::Frame frame_;
  std::uint64_t stream_id_ = 0;
  std::uint64_t window_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t durable_ = 0;
  std::deque<std::size_t> outstanding_;  // bytes of each batch that is not durable
  std::size_t outstanding_bytes_ = 0;
};

}  // namespace accrue::bench
