// A connection that speaks ZeroMQ's own protocol (ZMTP 3.0, rfc.zeromq.org/spec/23) byte by byte, to do what no ZeroMQ
// socket would: stop in the middle of a message, never end one, never read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace accrue::tests {

class ZmtpConnection {
 public:
  // To an endpoint of the form tcp://ADDRESS:PORT; throws when there is no connection to be had.
  explicit ZmtpConnection(const std::string& endpoint) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const std::size_t host = endpoint.find("//") + 2;
    const std::size_t colon = endpoint.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1))));
    ::inet_pton(AF_INET, endpoint.substr(host, colon - host).c_str(), &address.sin_addr);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::runtime_error("cannot connect to " + endpoint);
    }
    greet();
  }
  ~ZmtpConnection() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  ZmtpConnection(ZmtpConnection&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ZmtpConnection(const ZmtpConnection&) = delete;
  ZmtpConnection& operator=(const ZmtpConnection&) = delete;
  ZmtpConnection& operator=(ZmtpConnection&&) = delete;

  int descriptor() const { return descriptor_; }

  // What announces a frame of `size` bytes, and whether it is to be one of several.
  enum class Frame : std::uint8_t { kLast = 0, kMore = 1 };
  static std::vector<std::byte> header(std::uint64_t size, Frame frame) {
    constexpr std::uint8_t kLong = 2;
    std::vector<std::byte> bytes = {static_cast<std::byte>(kLong | static_cast<std::uint8_t>(frame))};
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(size >> shift));
    return bytes;
  }

  // Sends as many of the bytes as the connection takes at once: how many. Nothing once the daemon has closed it.
  std::size_t send_some(std::span<const std::byte> bytes) const {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EINTR) return 0;
    closed_ = true;
    return 0;
  }
  bool closed() const { return closed_; }

 private:
  void send_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the daemon does not want to be greeted");
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }

  // The greeting of mechanism NULL, and READY as a DEALER. The daemon's own greeting is never read.
  void greet() {
    std::array<std::byte, 64> greeting{};
    greeting[0] = std::byte{0xff};
    greeting[9] = std::byte{0x7f};
    greeting[10] = std::byte{3};
    const std::string mechanism = "NULL";
    for (std::size_t i = 0; i < mechanism.size(); ++i) greeting[12 + i] = static_cast<std::byte>(mechanism[i]);
    send_all(greeting);
    using namespace std::string_literals;
    const std::string ready = "\x05READY\x0bSocket-Type\0\0\0\x06"s + "DEALER"s;
    const std::string command = std::string{'\x04', static_cast<char>(ready.size())} + ready;
    send_all(std::as_bytes(std::span(command)));
  }

  int descriptor_;
  mutable bool closed_ = false;
};

}  // namespace accrue::tests
