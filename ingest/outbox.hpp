// Where the words of the ingest side go: to clients, workers and the committer. The receiver implements it with
// sockets, tests with lists.
#pragma once

#include <cstdint>

#include <zmq.hpp>

#include "ingest/stream.hpp"
#include "ingest/wire/codec.hpp"

namespace accrue::ingest {

class Outbox {
 public:
  virtual ~Outbox() = default;

  // Sending never blocks. What a client cannot be sent is lost: it asks again.
  virtual void to_client(const SessionId& session, const wire::Bytes& message) = 0;
  virtual void to_worker(std::uint32_t worker, const wire::Bytes& message) = 0;
  virtual void to_worker(std::uint32_t worker, const wire::Bytes& message, zmq::message_t rows) = 0;
  virtual void to_committer(const wire::Bytes& message) = 0;
};

}  // namespace accrue::ingest
