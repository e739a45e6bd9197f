// A connected DEALER socket as this client uses them, and an event to wake its poll: nothing waits unless it is told
// to, nothing lingers, and an interrupted system call is made again. One thread at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <zmq.hpp>

#include "client/src/outbound.hpp"
#include "client/src/shared_frame.hpp"

namespace accrue::client {

inline constexpr std::size_t kMaxReplyBytes = 67'108'864;  // of one message from the daemon

class DealerSocket {
 public:
  // Connects in the background. Throws Error::kInvalid when `endpoint` is not one.
  DealerSocket(zmq::context_t& context, const std::string& endpoint);

  // Hands the frame over without a copy. False while there is no connection or it takes no more: it was not sent.
  [[nodiscard]] bool send(const SharedFrame& frame);

  // The next part of a message, if one has come, or comes by the deadline.
  std::optional<zmq::message_t> receive();
  std::optional<zmq::message_t> receive(Clock::time_point deadline);

  // Closing waits for at most so long until everything handed over is on its way.
  void linger(std::chrono::milliseconds time) { socket_.set(zmq::sockopt::linger, static_cast<int>(time.count())); }

  void* handle() { return socket_.handle(); }

 private:
  zmq::socket_t socket_;
};

// Made readable by any thread, waited for by one.
class WakeEvent {
 public:
  WakeEvent();
  ~WakeEvent();
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  void set();
  void clear();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Returns when there is something to receive, when something can be sent (if `writable`), when `event` (if any) is set,
// or at `deadline`.
void wait_for(DealerSocket& socket, bool writable, const WakeEvent* event, Clock::time_point deadline);

}  // namespace accrue::client
