#include "ingest/client_memory.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace accrue::ingest {
namespace {

constexpr std::size_t kMaxDescriptors = 65'536;  // a connection beyond them is not seen

// What may come in between two looks: faster than any sender on one machine, by a factor of two.
constexpr std::uint64_t kFastestBytesPerMs = 4u << 20;
constexpr std::chrono::milliseconds kShortestWait{1};
constexpr std::chrono::milliseconds kLongestWait{100};

constexpr std::size_t kOverheadBytes = 256;  // of an unsent message: its place in the queue, its header, this account
constexpr std::size_t kSmallMessageBytes = 65'536;

// The length of a frame's header (ZMTP 3: rfc.zeromq.org/spec/23).
std::uint64_t header_bytes(std::size_t frame_bytes) { return frame_bytes > 255 ? 9 : 2; }

std::uint16_t local_port(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return address.sin_family == AF_INET ? ntohs(address.sin_port) : std::uint16_t{0};
}

// How many bytes have come from a connection, those included that the kernel still has and ZeroMQ reads next; nothing
// where the descriptor is none.
std::optional<std::uint64_t> bytes_come_from(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  constexpr std::uint8_t kListening = 10;  // TCP_LISTEN of <netinet/tcp.h>, which cannot be included beside linux/tcp.h
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (info.tcpi_state == kListening) return std::nullopt;
  return info.tcpi_bytes_received;
}

std::uint64_t inode_of(int descriptor) {
  struct stat facts {};
  return ::fstat(descriptor, &facts) == 0 ? facts.st_ino : 0;
}

}  // namespace

ClientMemory::ClientMemory(ClientMemoryOptions options, Gauges& gauges, OnClosed on_closed)
    : options_(options),
      gauges_(gauges),
      on_closed_(std::move(on_closed)),
      taken_(kMaxDescriptors),
      unsent_bytes_(std::make_shared<std::atomic<std::uint64_t>>(0)),
      thread_([this] { run(); }) {}

ClientMemory::~ClientMemory() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void ClientMemory::watch(const std::string& endpoint) {
  if (!endpoint.starts_with("tcp://")) return;
  const auto port = static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
  const std::scoped_lock lock(mutex_);
  ports_.insert(port);
}

void ClientMemory::took(zmq::message_t& frame) {
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  if (descriptor < 0 || descriptor >= static_cast<int>(kMaxDescriptors)) return;
  taken_[static_cast<std::size_t>(descriptor)] += frame.size() + header_bytes(frame.size());
}

std::optional<zmq::message_t> ClientMemory::message(wire::Bytes answer) {
  const std::size_t bytes = answer.size() + kOverheadBytes;
  const std::size_t limit = answer.size() <= kSmallMessageBytes ? options_.outgoing_bytes
                                                                : options_.outgoing_bytes - options_.outgoing_bytes / 4;
  if (*unsent_bytes_ + bytes > limit) return std::nullopt;
  struct Account {
    wire::Bytes answer;
    std::shared_ptr<std::atomic<std::uint64_t>> unsent_bytes;
    std::size_t bytes;
  };
  auto account = std::make_unique<Account>(Account{std::move(answer), unsent_bytes_, bytes});
  *unsent_bytes_ += bytes;
  const auto has_left = [](void*, void* hint) {
    const std::unique_ptr<Account> left(static_cast<Account*>(hint));
    *left->unsent_bytes -= left->bytes;
  };
  zmq::message_t message(account->answer.data(), account->answer.size(), has_left, account.get());
  static_cast<void>(account.release());  // to the message, whose last copy deletes it
  return message;
}

void ClientMemory::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::uint64_t held = look() + gauges_.outstanding_bytes;
    for (std::uint64_t given = 1; held > options_.incoming_bytes && given > 0; held -= given) given = close_largest();
    crowded_ = held > options_.incoming_bytes / 2;
    const std::uint64_t room = options_.incoming_bytes - std::min<std::uint64_t>(held, options_.incoming_bytes);
    const std::chrono::milliseconds wait(room / kFastestBytesPerMs);
    stop_.wait_for(lock, std::clamp(wait, kShortestWait, kLongestWait));
  }
}

std::uint64_t ClientMemory::look() {
  for (auto& [descriptor, connection] : connections_) connection.unread = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int descriptor = std::atoi(entry.path().filename().c_str());
    if (descriptor < static_cast<int>(kMaxDescriptors)) look_at(descriptor);
  }
  std::uint64_t unread = 0;
  for (const auto& [descriptor, connection] : connections_) unread += connection.unread;
  gauges_.unread_bytes = unread;
  gauges_.unsent_bytes = unsent_bytes_->load();
  return unread;
}

void ClientMemory::look_at(int descriptor) {
  const std::uint64_t taken = taken_[static_cast<std::size_t>(descriptor)];
  const auto come = bytes_come_from(descriptor);
  if (!come || !ports_.contains(local_port(descriptor))) return;
  Connection& connection = connections_[descriptor];
  if (const std::uint64_t inode = inode_of(descriptor); connection.inode != inode) {
    connection = {.inode = inode, .taken_before = connection.taken_last};
  }
  connection.taken_last = taken;
  if (connection.closed) return;
  // Its predecessor's last messages may have been taken after the last look at that.
  connection.taken_before = std::max(connection.taken_before, taken - std::min(taken, *come));
  connection.unread = *come - (taken - connection.taken_before);
}

std::uint64_t ClientMemory::close_largest() {
  const auto largest = std::max_element(connections_.begin(), connections_.end(),
                                        [](const auto& a, const auto& b) { return a.second.unread < b.second.unread; });
  if (largest == connections_.end() || largest->second.unread == 0) return 0;
  auto& [descriptor, connection] = *largest;
  if (inode_of(descriptor) == connection.inode) ::shutdown(descriptor, SHUT_RDWR);
  connection.closed = true;  // ZeroMQ gives its memory back, and the descriptor
  on_closed_(connection.unread);
  return std::exchange(connection.unread, 0);
}

}  // namespace accrue::ingest
