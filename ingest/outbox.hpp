// Where the words of the ingest side go: to clients, workers and the committer. The receiver implements it with
// sockets, tests with lists.
#pragma once

#include <string>

#include <zmq.hpp>

#include "ingest/stream.hpp"
#include "ingest/wire/codec.hpp"

namespace accrue::ingest {

class Outbox {
 public:
  virtual ~Outbox() = default;

  // Sending never blocks. What a client cannot be sent is lost: it asks again. A worker whose connection is gone is
  // reported to Intake, afterwards.
  virtual void to_client(const SessionId& session, const wire::Bytes& message) = 0;
  virtual void to_worker(const WorkerId& worker, wire::BytesView message) = 0;
  virtual void to_worker(const WorkerId& worker, wire::BytesView message, zmq::message_t rows) = 0;
  virtual void to_committer(wire::BytesView message) = 0;

  // For whoever watches over the workers.
  virtual void worker_joined(const std::string& name) = 0;
  virtual void worker_lost(const std::string& name, const std::string& why) = 0;
};

}  // namespace accrue::ingest
