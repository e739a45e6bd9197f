#include "daemon/http/server_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace accrue::daemon::http {

// A client that is still sending when its connection is reset may never see what it was answered.
ServerConnection::~ServerConnection() {
  if (!at_end_of_request_) {
    ::shutdown(socket_, SHUT_WR);
    const auto deadline = Clock::now() + kLinger;
    while (Clock::now() < deadline && is_ready(POLLIN, deadline) &&
           ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) > 0) {
    }
  }
  ::close(socket_);
}

bool ServerConnection::await_request(std::chrono::milliseconds patience) {
  if (begin_ == end_ && !is_ready(POLLIN, Clock::now() + patience)) return false;
  reads_head_ = true;
  head_bytes_ = 0;
  head_deadline_ = Clock::now() + kSilence;
  at_end_of_request_ = false;
  return true;
}

void ServerConnection::head_was_read(bool has_body) {
  reads_head_ = false;
  at_end_of_request_ = !has_body;
}

bool ServerConnection::is_ready(short event, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd item{socket_, event, 0};
    const int ready = ::poll(&item, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

ServerConnection::Clock::time_point ServerConnection::read_deadline() const {
  return reads_head_ ? head_deadline_ : Clock::now() + kSilence;
}

bool ServerConnection::is_readable() const { return begin_ < end_ || is_ready(POLLIN, read_deadline()); }

// Nor is it where the other side has closed: a listener to events who left is found out so.
bool ServerConnection::is_writable() const {
  if (!is_ready(POLLOUT, Clock::now() + kSilence)) return false;
  char next = 0;
  const ssize_t peeked = ::recv(socket_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return peeked > 0 || (peeked < 0 && (errno == EAGAIN || errno == EINTR));
}

ssize_t ServerConnection::read(char* to, std::size_t size) {
  if (reads_head_ && head_bytes_ == kMaxHeadBytes) return -1;
  if (begin_ == end_) {
    if (!is_readable()) return -1;
    const ssize_t received = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (received <= 0) return received;
    begin_ = 0;
    end_ = static_cast<std::size_t>(received);
  }
  size = std::min(size, end_ - begin_);
  if (reads_head_) {
    size = std::min(size, kMaxHeadBytes - head_bytes_);
    head_bytes_ += size;
  }
  std::memcpy(to, buffer_.data() + begin_, size);
  begin_ += size;
  return static_cast<ssize_t>(size);
}

ssize_t ServerConnection::write(const char* from, std::size_t size) {
  if (!is_ready(POLLOUT, Clock::now() + kSilence)) return -1;
  return ::send(socket_, from, size, MSG_NOSIGNAL);
}

}  // namespace accrue::daemon::http
