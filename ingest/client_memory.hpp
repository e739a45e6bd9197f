// What the client sockets keep in memory inside ZeroMQ, where no option of it bounds bytes: messages that have not come
// whole or have not been taken, and messages to clients that have not left.
//
// Incoming: for each TCP connection to a watched endpoint, the kernel tells how many bytes have come, and we know how
// many of them have come to us as messages; the rest is in ZeroMQ's memory, or will be in a moment. A thread of its own
// looks at that often enough for the fastest sender, and when all of it together, beside the batches that are held, is
// more than its share, closes the connection that has most. That is who sends messages without an end, or faster than
// they are served: a client that keeps to its credit has its share. What a connection says for ZeroMQ's own sake counts
// as unread, which is some 200 bytes each. Connections by ipc:// are not seen.
//
// Outgoing: what would be more than its share is not sent, as if the client did not read; large messages leave a
// quarter to small ones.
//
// Any thread may call anything. A message may outlive this.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <zmq.hpp>

#include "ingest/gauges.hpp"
#include "ingest/wire/codec.hpp"

namespace accrue::ingest {

struct ClientMemoryOptions {
  std::size_t incoming_bytes = 640u << 20;  // unread messages, and batches that are not durable
  std::size_t outgoing_bytes = 128u << 20;  // unsent messages
};

class ClientMemory {
 public:
  // Is told, on a thread of this class, of a connection that has been closed and of what it held.
  using OnClosed = std::function<void(std::size_t unread_bytes)>;

  // `gauges` outlives this, but not necessarily the messages.
  ClientMemory(ClientMemoryOptions options, Gauges& gauges, OnClosed on_closed);
  ~ClientMemory();

  // An endpoint that a client socket is bound to.
  void watch(const std::string& endpoint);

  // Every frame that was taken from a client socket.
  void took(zmq::message_t& frame);

  // More than half of the share of what comes in is taken: large questions had better be left unanswered.
  bool crowded() const { return crowded_; }

  // `answer` as a message to a client, of which account is kept until it has left; none when there is no room for it.
  [[nodiscard]] std::optional<zmq::message_t> message(wire::Bytes answer);

 private:
  struct Connection {
    std::uint64_t inode = 0;
    std::uint64_t taken_before = 0;  // from those that had the descriptor before
    std::uint64_t taken_last = 0;    // at the last look
    std::uint64_t unread = 0;
    bool closed = false;  // by us
  };

  void run();
  std::uint64_t look();  // updates connections_; returns how much is unread
  void look_at(int descriptor);
  [[nodiscard]] std::uint64_t close_largest();  // how much it had unread

  const ClientMemoryOptions options_;
  Gauges& gauges_;
  const OnClosed on_closed_;
  std::atomic<bool> crowded_ = false;
  std::vector<std::atomic<std::uint64_t>> taken_;  // bytes, by the descriptor they came from
  std::shared_ptr<std::atomic<std::uint64_t>> unsent_bytes_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::set<std::uint16_t> ports_;  // watched
  std::unordered_map<int, Connection> connections_;
  std::thread thread_;
};

}  // namespace accrue::ingest
