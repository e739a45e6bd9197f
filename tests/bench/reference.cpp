// The other side of the references that accrue is measured beside: takes messages as well as ZeroMQ or TCP can, and
// learns nothing. It says where it listens and serves until it is killed.
//   bench_reference router ANSWER_BYTES   a ROUTER that answers every message with so many bytes
//   bench_reference tcp                   frames of a 32-bit length and a body, counted; the count is the answer to EOF
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.hpp>

namespace {

void say_listening(const std::string& endpoint) {
  std::printf("%s\n", endpoint.c_str());
  std::fflush(stdout);
}

[[noreturn]] void serve_zeromq(std::size_t answer_bytes) {
  zmq::context_t context;
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::sndhwm, 0);  // a ROUTER drops what is above it
  router.bind("tcp://127.0.0.1:*");
  say_listening(router.get(zmq::sockopt::last_endpoint));
  const std::vector<char> answer(answer_bytes, 'a');
  zmq::message_t peer;
  zmq::message_t body;
  for (;;) {
    (void)router.recv(peer);
    (void)router.recv(body);
    router.send(peer, zmq::send_flags::sndmore);
    router.send(zmq::buffer(answer), zmq::send_flags::none);
  }
}

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

// False when the connection ends first.
bool read_all(int connection, void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = ::recv(connection, at, size, 0);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

[[noreturn]] void serve_tcp() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  check(::listen(listener, 1) == 0, "listen");
  check(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  say_listening(std::to_string(ntohs(address.sin_port)));
  std::vector<char> body;
  for (;;) {
    const int connection = ::accept(listener, nullptr, nullptr);
    check(connection >= 0, "accept");
    std::uint64_t count = 0;
    std::uint32_t length = 0;
    while (read_all(connection, &length, sizeof length)) {
      if (body.size() < length) body.resize(length);
      if (!read_all(connection, body.data(), length)) break;
      ++count;
    }
    check(::send(connection, &count, sizeof count, MSG_NOSIGNAL) == sizeof count, "send");
    ::close(connection);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::strcmp(argv[1], "router") == 0) serve_zeromq(std::stoul(argv[2]));
    if (argc == 2 && std::strcmp(argv[1], "tcp") == 0) serve_tcp();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_reference: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "usage: bench_reference router ANSWER_BYTES | tcp\n");
  return 2;
}
