// The sockets and the loops of the worker's and the committer's thread. They decide nothing; Worker and Committer do.
//
// Construct anywhere, call run() on the thread that is to own it; it returns after a Stop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <zmq.hpp>

#include "daemon/committer.hpp"
#include "daemon/worker.hpp"

namespace accrue::daemon {

class WorkerLoop {
 public:
  WorkerLoop(zmq::context_t& context, std::uint32_t index);
  void run();

 private:
  zmq::socket_t inbox_;
  zmq::socket_t receiver_;
  zmq::socket_t committer_;
  Worker worker_;
};

class CommitterLoop {
 public:
  CommitterLoop(zmq::context_t& context, std::unique_ptr<Store> store, CommitterOptions options, SnapshotBoard& board,
                Health& health);

  void know(std::uint64_t stream_id, const std::string& name, const wire::StreamSpec& spec) {
    committer_.know(stream_id, name, spec);
  }
  void run();

 private:
  zmq::socket_t inbox_;
  zmq::socket_t receiver_;
  Committer committer_;
};

}  // namespace accrue::daemon
