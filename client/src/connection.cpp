#include "client/src/connection.hpp"

#include <csignal>
#include <exception>
#include <utility>

namespace accrue::client {
namespace {

constexpr std::chrono::milliseconds kByeLinger{100};
constexpr std::size_t kMebibyte = 1'048'576;
constexpr int kReceivedAtOnce = 256;  // messages, before sending gets its turn

// Signals are for the threads of the program that uses this library.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

std::string in_seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(std::chrono::duration<double>(time).count());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace

Connection::Connection(zmq::context_t& context, const ClientOptions& options, bool ephemeral)
    : context_(context),
      endpoint_(options.endpoint),
      timeout_(options.timeout),
      max_kept_bytes_(options.max_unacknowledged_mb * kMebibyte),
      session_({.endpoint = options.endpoint,
                .producer = options.producer,
                .ephemeral = ephemeral,
                .batch_rows = options.batch_rows,
                .batch_linger = std::chrono::milliseconds(options.batch_linger_ms)}) {
  reconnect(Clock::now());  // here, so that a wrong endpoint is the constructor's error
  thread_ = std::thread([this] { run(); });
}

Connection::~Connection() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake_by(Clock::time_point::min());
  }
  thread_.join();
}

// ---- the thread ----

void Connection::run() {
  block_signals();
  try {
    while (sleep_and_serve()) {
    }
    say_goodbye();
  } catch (const std::exception& error) {  // no socket to be had: too many open files, no memory
    const Lock lock(mutex_);
    session_.fail(std::string("the connection to accrued cannot go on: ") + error.what());
    changed_.notify_all();
  }
  socket_.reset();
}

bool Connection::sleep_and_serve() {
  Clock::time_point sleep_until;
  {
    const Lock lock(mutex_);
    if (stopping_) return false;
    const Clock::time_point now = Clock::now();
    if (session_.lost(now)) reconnect(now);
    session_.collect(now, unsent_);
    sleep_until = wakes_at_ = session_.deadline();
  }
  transmit();
  wait_for(*socket_, !unsent_.empty(), &wake_, sleep_until);
  {
    const Lock lock(mutex_);
    wakes_at_ = Clock::time_point::min();
    wake_.clear();
  }
  receive();
  return true;
}

void Connection::transmit() {
  while (!unsent_.empty() && socket_->send(unsent_.front())) unsent_.pop_front();
}

void Connection::receive() {
  for (int i = 0; i < kReceivedAtOnce; ++i) {
    const std::optional<zmq::message_t> message = socket_->receive();
    if (!message) return;
    const Lock lock(mutex_);
    session_.receive({message->data<std::byte>(), message->size()}, Clock::now());
    changed_.notify_all();
  }
}

// A new socket, not only a new connection: nothing that was said on the old one can be heard on it.
void Connection::reconnect(Clock::time_point now) {
  socket_.emplace(context_, endpoint_);
  unsent_.clear();
  session_.restart(now);
}

void Connection::say_goodbye() {
  const Lock lock(mutex_);
  const std::optional<SharedFrame> bye = session_.goodbye();
  if (bye && socket_->send(*bye)) socket_->linger(kByeLinger);
}

// ---- the callers ----

// With the mutex held. Spares the system call when the thread is awake or will be in time.
void Connection::wake_by(Clock::time_point time) {
  if (time >= wakes_at_) return;
  wakes_at_ = time;
  wake_.set();
}

// `late` makes the message of the timeout.
template <class Done, class Late>
void Connection::await(Lock& lock, Patience& patience, const std::optional<Error>& failure, Done done,
                       Late late) const {
  while (!done()) {
    throw_if_failed(failure);
    if (patience.over()) throw Error(Error::Kind::kTimeout, late() + session_.trouble());
    changed_.wait_until(lock, patience.next_look());
  }
}

void Connection::throw_if_failed(const std::optional<Error>& failure) const {
  if (failure) throw *failure;
  if (session_.failure()) throw *session_.failure();
}

std::shared_ptr<Channel> Connection::open(const std::string& name, const std::optional<wire::StreamSpec>& spec) {
  Lock lock(mutex_);
  throw_if_failed(std::nullopt);
  std::shared_ptr<Channel> channel = session_.open(name, spec);
  wake_by(Clock::time_point::min());
  Patience patience(timeout_);
  await(
      lock, patience, channel->failure, [&] { return channel->outbound.has_value(); },
      [&] { return "stream '" + name + "' could not be opened within " + in_seconds(timeout_); });
  return channel;
}

void Connection::drop(const std::string& name) {
  Lock lock(mutex_);
  throw_if_failed(std::nullopt);
  const std::shared_ptr<Drop> drop = session_.drop(name);
  wake_by(Clock::time_point::min());
  Patience patience(timeout_);
  await(
      lock, patience, drop->failure, [&] { return drop->done; },
      [&] { return "stream '" + name + "' was not dropped within " + in_seconds(timeout_); });
}

std::uint64_t Connection::ask(const std::string& name, Request::What what, const std::string& done) {
  Lock lock(mutex_);
  throw_if_failed(std::nullopt);
  const std::shared_ptr<Request> request = session_.ask(name, std::move(what));
  wake_by(Clock::time_point::min());
  Patience patience(timeout_);
  await(
      lock, patience, request->failure, [&] { return request->done; },
      [&] { return "stream '" + name + "' was not " + done + " within " + in_seconds(timeout_) + ", and may be yet"; });
  return request->new_epoch;
}

void Connection::push(Channel& channel, std::span<const double> rows) { push_any(channel, rows); }
void Connection::push(Channel& channel, std::span<const float> rows) { push_any(channel, rows); }
void Connection::push(Channel& channel, const SparseRow& row) { push_any(channel, row); }

template <class Rows>
void Connection::push_any(Channel& channel, const Rows& rows) {
  const std::size_t bytes = channel.outbound->bytes_of(rows);
  if (bytes > max_kept_bytes_) throw too_many_at_once(bytes);
  Lock lock(mutex_);
  throw_if_failed(channel.failure);
  if (!has_room(bytes)) {
    Patience patience(timeout_);
    await(
        lock, patience, channel.failure, [&] { return has_room(bytes); },
        [&] {
          return "no credit to push to stream '" + channel.name + "' for " + in_seconds(timeout_) + ": " +
                 std::to_string(session_.kept_bytes()) + " bytes of rows are waiting to become durable";
        });
    throw_if_failed(channel.failure);
  }
  append(channel, rows);
}

bool Connection::try_push(Channel& channel, std::span<const double> rows) { return try_push_any(channel, rows); }
bool Connection::try_push(Channel& channel, std::span<const float> rows) { return try_push_any(channel, rows); }

template <class Rows>
bool Connection::try_push_any(Channel& channel, const Rows& rows) {
  if (rows.size_bytes() > max_kept_bytes_) throw too_many_at_once(rows.size_bytes());
  const Lock lock(mutex_);
  throw_if_failed(channel.failure);
  if (!has_room(rows.size_bytes())) return false;
  append(channel, rows);
  return true;
}

Error Connection::too_many_at_once(std::size_t bytes) const {
  return {Error::Kind::kInvalid, std::to_string(bytes) + " bytes of rows at once are more than " +
                                     "max_unacknowledged_mb (" + std::to_string(max_kept_bytes_ / kMebibyte) +
                                     ") lets be kept: push them in pieces"};
}

template <class Rows>
void Connection::append(Channel& channel, const Rows& rows) {
  const Outbound& outbound = *channel.outbound;
  const bool something_waited = outbound.has_sealed() || outbound.waiting_since();
  session_.append(channel, rows, Clock::now());
  if (outbound.has_sealed()) {
    wake_by(Clock::time_point::min());
  } else if (!something_waited) {
    wake_by(session_.deadline());
  }
}

FlushReport Connection::flush(Channel& channel, std::chrono::milliseconds timeout) {
  Lock lock(mutex_);
  Outbound& outbound = *channel.outbound;
  const std::uint64_t last = outbound.request_flush();
  wake_by(Clock::time_point::min());
  Patience patience(timeout);
  await(
      lock, patience, channel.failure, [&] { return outbound.is_durable(last); },
      [&] {
        return std::to_string(outbound.kept_rows()) + " rows pushed to stream '" + channel.name +
               "' are not durable after " + in_seconds(timeout) + "; they stay queued, and flush() may be called again";
      });
  return outbound.report();
}

FlushReport Connection::progress(const Channel& channel) const {
  const Lock lock(mutex_);
  return channel.outbound->report();
}

Connection::Greeting Connection::greeting(Patience& patience) {
  Lock lock(mutex_);
  throw_if_failed(std::nullopt);
  await(
      lock, patience, std::nullopt, [&] { return session_.welcome().has_value(); },
      [&] { return std::string("no connection in time"); });
  return {.welcome = *session_.welcome(), .number = session_.welcomes()};
}

void Connection::probe() {
  const Lock lock(mutex_);
  session_.ping_now();
  wake_by(Clock::time_point::min());
}

std::string Connection::trouble() const {
  const Lock lock(mutex_);
  return session_.trouble();
}

}  // namespace accrue::client
