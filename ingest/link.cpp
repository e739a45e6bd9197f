#include "ingest/link.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

// ThreadSanitizer does not see the hand-over inside libzmq, which is not instrumented; these two calls say what it
// does.
#if defined(__SANITIZE_THREAD__)
#define ACCRUE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACCRUE_TSAN 1
#endif
#endif
#ifdef ACCRUE_TSAN
#include <sanitizer/tsan_interface.h>
namespace {
int hand_over = 0;
void about_to_send() { __tsan_release(&hand_over); }
void just_received() { __tsan_acquire(&hand_over); }
}  // namespace
#else
namespace {
void about_to_send() {}
void just_received() {}
}  // namespace
#endif

namespace accrue::ingest {
namespace {

constexpr int kNetworkPatienceMs = 10'000;
constexpr int kFarewellMs = 200;  // for a worker's last word to leave

bool received(zmq::socket_t& socket, zmq::message_t& frame, zmq::recv_flags flags) {
  for (;;) {
    try {
      if (!socket.recv(frame, flags)) return false;
      just_received();
      return true;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

}  // namespace

zmq::socket_t pull_socket(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t socket(context, zmq::socket_type::pull);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
  socket.bind(endpoint);
  return socket;
}

zmq::socket_t push_socket(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t socket(context, zmq::socket_type::push);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
  socket.connect(endpoint);
  return socket;
}

zmq::socket_t router_socket(zmq::context_t& context) {
  zmq::socket_t socket(context, zmq::socket_type::router);
  socket.set(zmq::sockopt::router_mandatory, true);
  socket.set(zmq::sockopt::maxmsgsize, kMaxWorkerMessageBytes);
  socket.set(zmq::sockopt::tcp_maxrt, kNetworkPatienceMs);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
  return socket;
}

zmq::socket_t dealer_socket(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::tcp_maxrt, kNetworkPatienceMs);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, kFarewellMs);
  socket.connect(endpoint);
  return socket;
}

void send(zmq::socket_t& socket, wire::BytesView message) {
  about_to_send();
  (void)socket.send(zmq::const_buffer(message.data(), message.size()), zmq::send_flags::none);
}

bool send_to(zmq::socket_t& router, const std::string& peer, wire::BytesView message, zmq::message_t payload) {
  about_to_send();
  try {
    (void)router.send(zmq::buffer(peer), zmq::send_flags::sndmore);
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return false;
    throw;
  }
  const bool alone = payload.empty();
  (void)router.send(zmq::const_buffer(message.data(), message.size()),
                    alone ? zmq::send_flags::none : zmq::send_flags::sndmore);
  if (!alone) (void)router.send(std::move(payload), zmq::send_flags::none);
  return true;
}

bool try_send_to(zmq::socket_t& router, const std::string& peer, zmq::message_t frame) {
  about_to_send();
  try {
    // When the peer's queue is full or the peer is gone, it is the routing id that is refused.
    if (!router.send(zmq::buffer(peer), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) return false;
    return router.send(frame, zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH || error.num() == EINTR) return false;
    throw;
  }
}

bool try_receive(zmq::socket_t& socket, zmq::message_t& frame) {
  return received(socket, frame, zmq::recv_flags::dontwait);
}

void receive(zmq::socket_t& socket, zmq::message_t& frame) { (void)received(socket, frame, zmq::recv_flags::none); }

void wait(std::vector<zmq::pollitem_t>& items, Deadline deadline) {
  using std::chrono::milliseconds;
  milliseconds timeout{-1};
  if (deadline) {
    const auto left = std::chrono::ceil<milliseconds>(*deadline - std::chrono::steady_clock::now());
    timeout = std::max(left, milliseconds(0));
  }
  try {
    zmq::poll(items, timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
}

}  // namespace accrue::ingest
