// The daemon put together: data directory, store, recovery, and the threads (receiver, workers, committer, query
// service) with the links between them.
//
// Construct, run() and destroy on one thread. The constructor throws std::runtime_error with what to do about it when
// the daemon cannot start; nothing is then left running.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/config.hpp"

namespace accrue::daemon {

class Pipeline {
 public:
  explicit Pipeline(const Config& config);
  ~Pipeline();

  const std::string& endpoint() const;
  std::string http_url() const;  // empty where HTTP is not served  // where it listens, an ephemeral port resolved

  // Serves until `wait_for_stop` returns. True when everything that was accepted is durable.
  bool run(const std::function<void()>& wait_for_stop);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace accrue::daemon
