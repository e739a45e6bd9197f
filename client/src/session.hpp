// The client's side of the conversation on the ingest socket (ingest/wire/WIRE.md): what to say to the daemon and when,
// and what its answers mean. No socket, no thread, no clock: bytes and the time come in, frames go out.
//
// There is one way to recover from anything that happens to a connection: restart(), which greets and opens anew, and
// lets each stream go on from what the daemon says it has.
//
// Errors: what concerns one stream fails that stream (Channel::failure), what ends the conversation for good fails the
// session (failure()). Everything else is waited out, and trouble() says what it is for the message of a timeout.
//
// Threads: none of its own; the caller locks. A Channel belongs to its Session until it fails or is dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "accrue/client.hpp"
#include "client/src/outbound.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::client {

inline constexpr std::chrono::milliseconds kPingBusy{250};  // while anything is awaited; a Hello is repeated as often
inline constexpr std::chrono::milliseconds kPingIdle{5'000};
inline constexpr std::chrono::milliseconds kSilenceLimit{3'000};  // unanswered for so long: the connection is dead
inline constexpr std::chrono::milliseconds kHelloPause{50};       // at least, between two greetings
inline constexpr std::chrono::milliseconds kOpenPause{200};       // after the daemon's disk failed to make the stream
inline constexpr std::chrono::milliseconds kOpenAgain{1'000};  // the answer was lost: the daemon drops what queues up

// One stream as this client sends to it.
struct Channel {
  enum class Phase : std::uint8_t {
    kUnopened,  // Open is to be sent
    kOpening,   // Open is sent
    kSettling,  // opened; batches of an earlier process under this producer's name are not durable yet
    kOpen,
    kFailed,  // for good; `failure` says why
  };

  explicit Channel(std::string stream) : name(std::move(stream)) {}

  const std::string name;
  std::optional<wire::StreamSpec> asked;  // to create it with
  Phase phase = Phase::kUnopened;
  Clock::time_point open_at{};         // while kUnopened: not before; while kOpening: again
  std::optional<wire::Opened> opened;  // the first answer; its spec stays
  std::optional<Outbound> outbound;    // once it has been open
  std::optional<Error> failure;
};

// A stream to be dropped, rolled back or given other models. Its caller alone holds it: nothing is done for one who has
// given up waiting.
struct Order {
  std::string name;
  int sent = 0;  // times; the answer to an earlier one may have been lost
  bool due = true;
  bool done = false;
  std::optional<Error> failure;
};
struct Drop : Order {};
struct Request : Order {
  using What = std::variant<wire::Rollback, wire::AddModel, wire::DropModel, wire::PromoteModel>;
  What what;
  std::uint64_t number = 0;     // of what, and of its answer
  std::uint64_t new_epoch = 0;  // when it is done; 0 where that was before the answer
};

class Session {
 public:
  struct Options {
    std::string endpoint;  // for messages
    std::string producer;
    bool ephemeral = false;
    std::size_t batch_rows = 0;
    std::chrono::milliseconds batch_linger{0};
  };
  explicit Session(Options options) : options_(std::move(options)) {}

  // ---- the connection ----
  void restart(Clock::time_point now);  // on a new connection
  void receive(wire::BytesView bytes, Clock::time_point now);
  void collect(Clock::time_point now, std::deque<SharedFrame>& frames);  // appends what is to be sent by now
  bool lost(Clock::time_point now) const;                                // the connection is of no use any more
  Clock::time_point deadline() const;                                    // when to call collect() and lost() again
  std::optional<SharedFrame> goodbye() const;                            // when everything is durable
  void fail(const std::string& message) { failure_.emplace(Error::Kind::kRefused, message); }

  // ---- the callers ----
  std::shared_ptr<Channel> open(const std::string& name, const std::optional<wire::StreamSpec>& spec);
  std::shared_ptr<Drop> drop(const std::string& name);
  std::shared_ptr<Request> ask(const std::string& name, Request::What what);
  template <class Rows>
  void append(Channel& channel, const Rows& rows, Clock::time_point now) {  // as Outbound takes them
    channel.outbound->append(rows, now);
    kept_bytes_ += channel.outbound->bytes_of(rows);
  }
  std::size_t kept_bytes() const { return kept_bytes_; }
  void ping_now() { probing_ = true; }

  // The last greeting's answer, and how many there have been: after a new one, queries go to a new place.
  const std::optional<wire::Welcome>& welcome() const { return welcome_; }
  std::uint64_t welcomes() const { return welcomes_; }

  const std::optional<Error>& failure() const { return failure_; }
  std::string trouble() const;

 private:
  enum class Phase : std::uint8_t { kGreeting, kReady };

  void on(const wire::Welcome& welcome, Clock::time_point now);
  void on(const wire::Opened& opened, Clock::time_point now);
  void on(const wire::Ack& ack, Clock::time_point now);
  void on(const wire::RowsRejected& rejected, Clock::time_point now);
  void on(const wire::Pong&, Clock::time_point) {}
  void on(const wire::Error& error, Clock::time_point now);
  void on(const wire::Dropped& dropped, Clock::time_point now);
  void on(const wire::RolledBack& rolled_back, Clock::time_point) { answer(rolled_back.request, rolled_back.epoch); }
  void on(const wire::ModelsChanged& changed, Clock::time_point) { answer(changed.request, changed.epoch); }
  template <class Message>
  void read(Clock::time_point now);  // the message in frame_

  void collect(Channel& channel, Clock::time_point now, std::deque<SharedFrame>& frames);
  void start(Channel& channel);
  void on_stream_error(Channel& channel, const wire::Error& error, Clock::time_point now);
  void on_drop_error(const wire::Error& error);
  void answer(std::uint64_t request, std::uint64_t epoch);
  void on_request_error(const wire::Error& error);
  template <class Kind, class Visit>
  static void for_each(std::vector<std::weak_ptr<Kind>>& orders, Visit visit);
  template <class Kind>
  static bool any_waited_for(const std::vector<std::weak_ptr<Kind>>& orders);
  static void unopen(Channel& channel, Clock::time_point open_at);  // Open is to be sent, again perhaps
  void fail(Channel& channel, Error error);
  void fail_unreadable(const std::string& reason);
  bool busy() const;
  std::shared_ptr<Channel> find(const std::string& name) const;
  std::shared_ptr<Channel> find_opened(const std::string& name) const;  // and open as far as the daemon knows
  std::shared_ptr<Channel> find(std::uint64_t stream_id) const;

  Options options_;
  wire::Frame frame_;
  Phase phase_ = Phase::kGreeting;
  std::vector<std::shared_ptr<Channel>> channels_;
  std::vector<std::weak_ptr<Drop>> drops_;
  std::vector<std::weak_ptr<Request>> requests_;
  std::uint64_t last_request_ = 0;
  std::size_t kept_bytes_ = 0;

  std::optional<wire::Welcome> welcome_;
  std::uint64_t welcomes_ = 0;
  std::optional<Error> failure_;
  std::string trouble_;  // what the daemon last said that only time can mend

  Clock::time_point greet_or_ping_at_;
  Clock::time_point last_hello_ = Clock::time_point::min();
  std::optional<Clock::time_point> unanswered_since_;
  bool session_unknown_ = false;  // the daemon does not know this connection
  bool probing_ = false;
};

}  // namespace accrue::client
