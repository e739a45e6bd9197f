#include "ingest/link.hpp"

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

void send(zmq::socket_t& socket, wire::BytesView message) {
  about_to_send();
  (void)socket.send(zmq::const_buffer(message.data(), message.size()), zmq::send_flags::none);
}

void send(zmq::socket_t& socket, wire::BytesView message, zmq::message_t payload) {
  about_to_send();
  (void)socket.send(zmq::const_buffer(message.data(), message.size()), zmq::send_flags::sndmore);
  (void)socket.send(std::move(payload), zmq::send_flags::none);
}

bool try_receive(zmq::socket_t& socket, zmq::message_t& frame) {
  for (;;) {
    try {
      if (!socket.recv(frame, zmq::recv_flags::dontwait)) return false;
      just_received();
      return true;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

void wait(std::vector<zmq::pollitem_t>& items, std::chrono::milliseconds timeout) {
  try {
    zmq::poll(items, timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
}

}  // namespace accrue::ingest
