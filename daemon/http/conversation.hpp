// How an HTTP request has a word with the rest of the daemon: as any client does, by the protocol of
// ingest/wire/WIRE.md, over sockets of this process. So whatever holds for clients holds for HTTP, and rows wait for
// nobody.
//
// A Conversation belongs to one request and its thread. Errors: Problem, when the daemon stops or does not answer in
// time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <zmq.hpp>

#include "daemon/http/problem.hpp"
#include "ingest/wire/assert.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::daemon::http {

// Where the receiver and the query service can be spoken to within this process.
inline constexpr const char* kRowsLink = "inproc://http-rows";
inline constexpr const char* kQueryLink = "inproc://http-queries";

// What requests speak to, and when they are to give up: `stop` can be read once the daemon stops.
struct Inside {
  zmq::context_t& rows;     // the context of kRowsLink
  zmq::context_t& queries;  // ... of kQueryLink
  int stop;
  std::chrono::seconds patience{30};  // a request waits no longer
};

inline constexpr const char* kProducerPrefix = "http-";  // of what requests call themselves (wire::fresh_producer)

class Conversation {
 public:
  Conversation(zmq::context_t& context, const std::string& link, int stop, std::chrono::seconds patience);

  template <class Message>
  void say(const Message& message) {
    say_bytes(wire::encode(message));
  }
  void say_bytes(wire::BytesView message);

  // The next message. What is read of it lives until the one after. Pings the ingest socket while it waits, where
  // `ping` says so, as its sessions are forgotten when they fall silent.
  const wire::Frame& hear(bool ping = false);

  // Begins the patience anew: something was achieved.
  void patience_anew();

  template <class Message>
  static Message read(const wire::Frame& frame) {
    Message message;
    ACCRUE_ASSERT(frame.read(message) == wire::DecodeError::kNone);  // the daemon wrote it
    return message;
  }

 private:
  zmq::socket_t socket_;
  int stop_;
  std::chrono::seconds patience_;
  std::chrono::steady_clock::time_point deadline_;
  zmq::message_t message_;
  wire::Frame frame_;
};

// Asks what one message answers, and gives the answer to `use` while it lasts. Throws Problem where it is refused.
template <class Answer, class Question, class Use>
auto ask(Conversation& conversation, Question question, Use use) {
  if constexpr (requires { question.request; }) question.request = 1;
  conversation.say(question);
  for (;;) {
    const wire::Frame& frame = conversation.hear();
    if (frame.type() == wire::Error::kType) throw problem_of(Conversation::read<wire::Error>(frame));
    if (frame.type() == Answer::kType) return use(Conversation::read<Answer>(frame));
  }
}

// Likewise of the query socket, once.
template <class Answer, class Question, class Use>
auto ask(const Inside& inside, Question question, Use use) {
  Conversation conversation(inside.queries, kQueryLink, inside.stop, inside.patience);
  return ask<Answer>(conversation, std::move(question), std::move(use));
}

}  // namespace accrue::daemon::http
