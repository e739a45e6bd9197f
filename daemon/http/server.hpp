// Serves the routes by HTTP/1.1 (cpp-httplib), on threads of its own. Rows wait for none of them.
//
// Construct on the thread that starts up (binding may fail, and says so). Then run() on one thread, stop() on any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/config.hpp"
#include "daemon/http/call.hpp"

namespace accrue::daemon::http {

inline constexpr int kThreads = 24;  // requests served at once, listeners to events among them; others wait

class Server {
 public:
  // Throws std::runtime_error that says what to do when the address cannot be had.
  Server(const HttpAddress& address, std::vector<Route> routes);
  ~Server();

  const std::string& url() const;  // "http://127.0.0.1:7702"

  void run();   // until stop(), and until the requests at hand are answered
  void stop();  // once; run() was called, or is about to be

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace accrue::daemon::http
