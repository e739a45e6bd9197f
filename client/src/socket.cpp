#include "client/src/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace accrue::client {
namespace {

constexpr int kReconnectMs = 50;
constexpr int kReconnectMaxMs = 1'000;

// Makes the call again for as long as a signal interrupts it. cppzmq has failures as exceptions.
template <class Call>
auto uninterrupted(Call call) {
  while (true) {
    try {
      return call();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

zmq::message_t without_copy(const SharedFrame& frame) {
  void* const share = frame.share();
  try {
    return {frame->data(), frame->size(), SharedFrame::give_back, share};  // by the last copy of the message
  } catch (...) {
    SharedFrame::give_back(nullptr, share);
    throw;
  }
}

int milliseconds_until(Clock::time_point deadline) {
  constexpr Clock::duration kLongest = std::chrono::minutes(1);  // the caller looks for itself, and waits again
  const Clock::duration left = std::clamp(deadline - Clock::now(), Clock::duration::zero(), kLongest);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

}  // namespace

DealerSocket::DealerSocket(zmq::context_t& context, const std::string& endpoint)
    : socket_(context, zmq::socket_type::dealer) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::immediate, true);  // nothing is queued to a peer that is not there
  socket_.set(zmq::sockopt::sndhwm, 0);        // the daemon's credit bounds what is sent
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kMaxReplyBytes));
  socket_.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
  socket_.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
  try {
    uninterrupted([&] { socket_.connect(endpoint); });
  } catch (const zmq::error_t& error) {
    throw Error(Error::Kind::kInvalid, "cannot connect to '" + endpoint + "': " + error.what() +
                                           " (an endpoint looks like tcp://127.0.0.1:7700)");
  }
}

bool DealerSocket::send(const SharedFrame& frame) {
  zmq::message_t message = without_copy(frame);
  return uninterrupted([&] { return socket_.send(message, zmq::send_flags::dontwait); }).has_value();
}

std::optional<zmq::message_t> DealerSocket::receive() {
  zmq::message_t message;
  const auto size = uninterrupted([&] { return socket_.recv(message, zmq::recv_flags::dontwait); });
  if (!size) return std::nullopt;
  return message;
}

std::optional<zmq::message_t> DealerSocket::receive(Clock::time_point deadline) {
  zmq::message_t message;
  const auto size = uninterrupted([&] {
    socket_.set(zmq::sockopt::rcvtimeo, milliseconds_until(deadline));
    return socket_.recv(message);
  });
  if (!size) return std::nullopt;
  return message;
}

WakeEvent::WakeEvent() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
}

WakeEvent::~WakeEvent() { close(descriptor_); }

void WakeEvent::set() { eventfd_write(descriptor_, 1); }  // can only fail when it is set already

void WakeEvent::clear() {
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
}

void wait_for(DealerSocket& socket, bool writable, const WakeEvent* event, Clock::time_point deadline) {
  const short wanted = static_cast<short>(writable ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN);
  std::array<zmq::pollitem_t, 2> items{{{socket.handle(), 0, wanted, 0}, {nullptr, -1, ZMQ_POLLIN, 0}}};
  if (event) items[1].fd = event->descriptor();
  try {
    zmq::poll(items.data(), event ? 2 : 1, std::chrono::milliseconds(milliseconds_until(deadline)));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
}

}  // namespace accrue::client
