// Joins the conversation (Session) to a socket, and lets callers wait for what comes of it. One background thread owns
// the socket; it sleeps until the daemon speaks, a time comes, or a caller has something for it.
//
// Threads: every method may be called from any thread; one mutex guards the session. The destructor does not wait for
// anything to become durable.
//
// Errors: accrue::Error. Whoever waits gets the failure of the session or of its stream at once, and kTimeout when its
// patience is over; after that everything is as it was.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <zmq.hpp>

#include "accrue/client.hpp"
#include "client/src/patience.hpp"
#include "client/src/session.hpp"
#include "client/src/socket.hpp"

namespace accrue::client {

class Connection {
 public:
  // `options` as given by the user, with endpoint and producer filled in.
  Connection(zmq::context_t& context, const ClientOptions& options, bool ephemeral);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The stream, open. With a specification it is created when it is new.
  std::shared_ptr<Channel> open(const std::string& name, const std::optional<wire::StreamSpec>& spec);
  void drop(const std::string& name);
  // Returns the epoch in which it is done. `done` is what the stream is then, for the message of the timeout.
  std::uint64_t ask(const std::string& name, Request::What what, const std::string& done);

  // Takes all of the rows or, throwing, none.
  void push(Channel& channel, std::span<const double> rows);
  void push(Channel& channel, std::span<const float> rows);
  void push(Channel& channel, const SparseRow& row);
  bool try_push(Channel& channel, std::span<const double> rows);
  bool try_push(Channel& channel, std::span<const float> rows);
  FlushReport flush(Channel& channel, std::chrono::milliseconds timeout);
  FlushReport progress(const Channel& channel) const;

  // The daemon's greeting, waited for, and its number: 1, 2 ... for every one there has been.
  struct Greeting {
    wire::Welcome welcome;
    std::uint64_t number = 0;
  };
  Greeting greeting(Patience& patience);

  // Somebody misses the daemon: find out soon whether it is still the same.
  void probe();

  // What is wrong at the moment, to be appended to a message; empty when nothing is.
  std::string trouble() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  void run();
  bool sleep_and_serve();
  void transmit();
  void receive();
  void reconnect(Clock::time_point now);
  void say_goodbye();

  template <class Rows>
  void push_any(Channel& channel, const Rows& rows);
  template <class Rows>
  bool try_push_any(Channel& channel, const Rows& rows);
  bool has_room(std::size_t bytes) const { return session_.kept_bytes() + bytes <= max_kept_bytes_; }
  template <class Rows>
  void append(Channel& channel, const Rows& rows);
  void wake_by(Clock::time_point time);
  Error too_many_at_once(std::size_t bytes) const;
  void throw_if_failed(const std::optional<Error>& failure) const;
  template <class Done, class Late>
  void await(Lock& lock, Patience& patience, const std::optional<Error>& failure, Done done, Late late) const;

  zmq::context_t& context_;
  const std::string endpoint_;
  const std::chrono::milliseconds timeout_;
  const std::size_t max_kept_bytes_;

  mutable std::mutex mutex_;  // guards the next four
  mutable std::condition_variable changed_;
  Session session_;
  Clock::time_point wakes_at_ = Clock::time_point::min();  // the thread will look at the session by then without help
  bool stopping_ = false;

  WakeEvent wake_;
  std::optional<DealerSocket> socket_;  // the thread's, once it runs
  std::deque<SharedFrame> unsent_;      // the thread's: what the socket did not take yet
  std::thread thread_;
};

}  // namespace accrue::client
