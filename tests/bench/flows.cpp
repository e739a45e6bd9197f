#include "tests/bench/flows.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zmq.hpp>

#include "ingest/wire/batch_frame.hpp"

namespace accrue::bench {
namespace {

using Header = std::array<std::byte, wire::kBatchHeaderBytes>;

Header header_of(std::uint64_t sequence, std::span<const double> rows, std::size_t count) {
  return wire::batch_header(1, sequence, wire::DataType::kFloat64, static_cast<std::uint32_t>(count),
                            static_cast<std::uint32_t>(rows.size_bytes()));
}

void write_message(std::byte* to, const Header& header, std::span<const double> rows) {
  std::memcpy(to, header.data(), header.size());
  std::memcpy(to + header.size(), rows.data(), rows.size_bytes());
}

// Buffers of one size, which are used again when what was in them has arrived; the one used last comes first.
class Pool {
 public:
  explicit Pool(std::size_t buffer_bytes) : buffer_bytes_(buffer_bytes) {}

  std::byte* take() {
    if (free_.empty()) {
      all_.push_back(std::make_unique<std::byte[]>(buffer_bytes_));
      free_.push_back(all_.back().get());
    }
    std::byte* buffer = free_.back();
    free_.pop_back();
    in_flight_.push_back(buffer);
    return buffer;
  }
  void oldest_has_arrived() {
    free_.push_back(in_flight_.front());
    in_flight_.pop_front();
  }
  std::size_t in_flight_bytes() const { return in_flight_.size() * buffer_bytes_; }
  bool idle() const { return in_flight_.empty(); }
  std::size_t buffer_bytes() const { return buffer_bytes_; }

 private:
  std::size_t buffer_bytes_;
  std::vector<std::unique_ptr<std::byte[]>> all_;
  std::vector<std::byte*> free_;
  std::deque<std::byte*> in_flight_;
};

double rate(std::size_t batches, std::size_t batch_rows, Clock::time_point begin) {
  return static_cast<double>(batches * batch_rows) / seconds_since(begin);
}

}  // namespace

Reference::Reference(const std::vector<std::string>& arguments)
    : process_([&] {
        std::vector<std::string> all = {BENCH_REFERENCE_PATH};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return all;
      }()) {
  const auto line = process_.read_line();
  if (!line) throw std::runtime_error("bench_reference did not start");
  endpoint_ = *line;
}

double accrue_flow(Stream& stream, const Rows& rows, std::size_t batch_rows, Seconds time) {
  const auto begin = Clock::now();
  std::size_t batches = 0;
  while (Clock::now() - begin < time) stream.push_rows(rows.batch(batches++, batch_rows));
  stream.flush();
  return rate(batches, batch_rows, begin);
}

double accrue_single_rows(Stream& stream, const Rows& rows, Seconds time) {
  constexpr std::size_t kBetweenLooks = 1'024;  // at the clock
  const auto begin = Clock::now();
  std::size_t count = 0;
  while (Clock::now() - begin < time) {
    for (std::size_t i = 0; i < kBetweenLooks; ++i) {
      const std::span<const double> row = rows.batch(count++, 1);
      stream.push(row.first(rows.features()), row.back());
    }
  }
  stream.flush();
  return rate(count, 1, begin);
}

double zeromq_flow(const std::string& endpoint, const Rows& rows, std::size_t batch_rows, Seconds time) {
  Pool pool(wire::kBatchHeaderBytes + batch_rows * rows.columns() * sizeof(double));  // outlives the socket
  zmq::context_t context;
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.set(zmq::sockopt::sndhwm, 0);  // the window bounds what is sent
  dealer.connect(endpoint);
  zmq::message_t acknowledgement;
  const auto take_acknowledgement = [&](zmq::recv_flags flags) {
    if (!dealer.recv(acknowledgement, flags)) return false;
    pool.oldest_has_arrived();
    return true;
  };
  const auto begin = Clock::now();
  std::size_t batches = 0;
  while (Clock::now() - begin < time) {
    while (pool.in_flight_bytes() + pool.buffer_bytes() > kWindowBytes) take_acknowledgement(zmq::recv_flags::none);
    while (take_acknowledgement(zmq::recv_flags::dontwait)) {
    }
    const std::span<const double> batch = rows.batch(batches, batch_rows);
    std::byte* buffer = pool.take();
    write_message(buffer, header_of(++batches, batch, batch_rows), batch);
    dealer.send(zmq::message_t(
                    buffer, pool.buffer_bytes(), [](void*, void*) {}, nullptr),
                zmq::send_flags::none);
  }
  while (!pool.idle()) take_acknowledgement(zmq::recv_flags::none);
  return rate(batches, batch_rows, begin);
}

double tcp_flow(const std::string& port, const Rows& rows, std::size_t batch_rows, Seconds time) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(port)));
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::generic_category(), "connect");
  }
  std::vector<std::byte> message(sizeof(std::uint32_t) + wire::kBatchHeaderBytes +
                                 batch_rows * rows.columns() * sizeof(double));
  const auto length = static_cast<std::uint32_t>(message.size() - sizeof(std::uint32_t));
  std::memcpy(message.data(), &length, sizeof length);
  const auto begin = Clock::now();
  std::size_t batches = 0;
  while (Clock::now() - begin < time) {
    const std::span<const double> batch = rows.batch(batches, batch_rows);
    write_message(message.data() + sizeof length, header_of(++batches, batch, batch_rows), batch);
    for (std::size_t sent = 0; sent < message.size();) {
      const ssize_t count = ::send(connection, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
      if (count < 0) throw std::system_error(errno, std::generic_category(), "send");
      sent += static_cast<std::size_t>(count);
    }
  }
  ::shutdown(connection, SHUT_WR);
  std::uint64_t arrived = 0;
  const bool answered = ::recv(connection, &arrived, sizeof arrived, MSG_WAITALL) == sizeof arrived;
  ::close(connection);
  if (!answered || arrived != batches) throw std::runtime_error("raw TCP lost messages");
  return rate(batches, batch_rows, begin);
}

double memcpy_flow(const Rows& rows, std::size_t batch_rows, Seconds time) {
  std::vector<std::byte> message(wire::kBatchHeaderBytes + batch_rows * rows.columns() * sizeof(double));
  const auto begin = Clock::now();
  std::size_t batches = 0;
  while (Clock::now() - begin < time) {
    const std::span<const double> batch = rows.batch(batches, batch_rows);
    write_message(message.data(), header_of(++batches, batch, batch_rows), batch);
    asm volatile("" : : "r"(message.data()) : "memory");  // every copy counts
  }
  return rate(batches, batch_rows, begin);
}

}  // namespace accrue::bench
