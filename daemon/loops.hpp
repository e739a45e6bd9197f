// The sockets and the loops of the worker's and the committer's thread. They decide nothing; Worker and Committer do.
//
// Construct anywhere, call run() on the thread that is to own it.
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
  // The receiver is at `endpoint`, now or later; `name` is how this worker is known there.
  WorkerLoop(zmq::context_t& context, std::string endpoint, std::string name);

  // Works until the file descriptor can be read; joins anew whenever the receiver has lost sight of it. Throws
  // std::runtime_error with the reason when it is dismissed.
  void run(int stop);

 private:
  bool work(int stop);

  zmq::context_t& context_;
  const std::string endpoint_;
  const std::string name_;
};

class CommitterLoop {
 public:
  CommitterLoop(zmq::context_t& context, std::unique_ptr<Store> store, CommitterOptions options,
                const Publication& told);

  void know(std::uint64_t stream_id, const std::string& name, const wire::StreamSpec& spec) {
    committer_.know(stream_id, name, spec);
  }
  void run();  // until a Stop

 private:
  zmq::socket_t inbox_;
  zmq::socket_t receiver_;
  Committer committer_;
};

}  // namespace accrue::daemon
