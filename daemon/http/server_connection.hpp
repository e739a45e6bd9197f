// A client's connection as the library reads and writes it, within limits of what comes: of a request's head, its line
// and its headers, the library itself would take into memory whatever a client sends, for as long as it sends, and a
// body that nobody has read would be taken for the next request.
//
// One thread: that which serves the connection. Errors: reading and writing end in -1, as the library expects.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include <httplib.h>

namespace accrue::daemon::http {

class ServerConnection final : public httplib::Stream {
 public:
  static constexpr std::size_t kMaxHeadBytes = 32'768;
  static constexpr std::chrono::seconds kSilence{5};  // a head comes whole within it; and the next part of a body
  static constexpr std::chrono::seconds kLinger{1};   // so long it listens to one that has been answered and goes on

  explicit ServerConnection(socket_t socket) : socket_(socket) {}
  ~ServerConnection() override;  // closes the socket
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // False when no request begins in this time.
  bool await_request(std::chrono::milliseconds patience);
  void head_was_read(bool has_body);
  void body_was_read() { at_end_of_request_ = true; }
  // What comes next is another request.
  bool at_end_of_request() const { return at_end_of_request_; }

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}  // nobody asks
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool is_ready(short event, Clock::time_point deadline) const;
  Clock::time_point read_deadline() const;

  const socket_t socket_;
  std::array<char, 16'384> buffer_{};
  std::size_t begin_ = 0, end_ = 0;  // of what is in the buffer and not read yet
  bool reads_head_ = false;
  std::size_t head_bytes_ = 0;
  Clock::time_point head_deadline_{};
  bool at_end_of_request_ = true;
};

}  // namespace accrue::daemon::http
