#include "daemon/http/server.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <regex>
#include <stdexcept>
#include <thread>
#include <utility>

#include <httplib.h>
#include <sys/socket.h>
#include <zmq.hpp>

#include "daemon/log.hpp"

namespace accrue::daemon::http {
namespace {

constexpr int kKeepAliveSeconds = 2;  // an idle connection holds a thread, and the daemon's stop, for so long
constexpr std::size_t kRequestsOfConnection = 1'000;
constexpr int kSilenceSeconds = 5;  // in the middle of a request or an answer

const std::regex& names_in_path() {
  static const std::regex names(R"(\{([a-z_]+)\})");
  return names;
}

// "/v1/streams/{stream}" as the library has it, and the names in their order.
struct Pattern {
  explicit Pattern(const std::string& path) : regex(std::regex_replace(path, names_in_path(), "([^/]+)")) {
    for (std::sregex_iterator at(path.begin(), path.end(), names_in_path()), end; at != end; ++at) {
      names.push_back((*at)[1]);
    }
  }
  std::string regex;
  std::vector<std::string> names;
};

void write(const Problem& problem, httplib::Response& response) {
  response.status = problem.status();
  response.set_content(problem.body().dump(-1, ' ', false, Json::error_handler_t::replace), kProblemType);
}

void write(Answer&& answer, httplib::Response& response) {
  response.status = answer.status;
  if (!answer.location.empty()) response.set_header("Location", answer.location);
  if (answer.next_piece) {
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider(answer.type,
                                          [next = std::move(answer.next_piece)](std::size_t, httplib::DataSink& sink) {
                                            const std::string piece = next();
                                            if (piece.empty()) {
                                              sink.done();
                                              return true;
                                            }
                                            return sink.write(piece.data(), piece.size());
                                          });
  } else if (!answer.text.empty()) {
    response.set_content(answer.text, answer.type);
  } else if (answer.status != 204) {
    response.set_content(answer.json.dump(-1, ' ', false, Json::error_handler_t::replace), answer.type);
  }
}

// Does what is asked, whatever is thrown.
void serve(const Route& route, const std::vector<std::string>& names, const httplib::Request& request,
           httplib::Response& response, const httplib::ContentReader* body) {
  Call call;
  for (std::size_t i = 0; i < names.size(); ++i) call.path[names[i]] = request.matches[i + 1];
  for (const auto& [name, value] : request.params) call.parameters[name] = value;
  call.header = [&](const char* name) { return request.get_header_value(name); };
  call.read_body = [&](const std::function<void(std::string_view)>& take) {
    const bool whole = body && (*body)([&](const char* data, std::size_t size) {
                         take({data, size});
                         return true;
                       });
    if (!whole) throw Problem(400, "incomplete_body", "the body ended early, or came too slowly");
  };
  try {
    write(route.handle(call), response);
  } catch (const Problem& problem) {
    write(problem, response);
  } catch (const zmq::error_t& error) {  // the sockets are closed already
    write(Problem(503, "shutting_down", std::string("accrued is stopping: ") + error.what()), response);
  } catch (const std::exception& error) {
    log_error("http_failed", {{"method", request.method}, {"path", request.path}, {"reason", error.what()}});
    write(Problem(500, "internal", "accrued failed to answer; its log says more"), response);
  }
}

}  // namespace

struct Server::Parts {
  httplib::Server http;
  std::vector<Route> routes;
  std::string url;
  std::atomic<bool> ended{false};

  void add(const Route& route) {
    const Pattern pattern(route.path);
    const auto handler = [&route, names = pattern.names](const httplib::Request& request, httplib::Response& response) {
      serve(route, names, request, response, nullptr);
    };
    const auto with_body = [&route, names = pattern.names](const httplib::Request& request, httplib::Response& response,
                                                           const httplib::ContentReader& body) {
      serve(route, names, request, response, &body);
    };
    if (route.method == "GET") http.Get(pattern.regex, handler);
    if (route.method == "POST") http.Post(pattern.regex, with_body);
    if (route.method == "DELETE") http.Delete(pattern.regex, handler);
  }

  // What the library itself refuses: no route, a malformed request, a failed read.
  void explain(const httplib::Request& request, httplib::Response& response) const {
    if (!response.body.empty()) return;
    std::string allowed;
    for (const Route& route : routes) {
      if (!std::regex_match(request.path, std::regex(Pattern(route.path).regex))) continue;
      allowed += (allowed.empty() ? "" : ", ") + route.method;
    }
    if (response.status == 404 && !allowed.empty()) {
      response.set_header("Allow", allowed);
      write(Problem(405, "method_not_allowed", request.path + " is for " + allowed), response);
    } else if (response.status == 404) {
      write(Problem(404, "not_found", "there is nothing at " + request.path + "; /openapi.json lists what there is"),
            response);
    } else {
      write(Problem(response.status, "bad_request", "the request cannot be taken"), response);
    }
  }
};

Server::Server(const HttpAddress& address, std::vector<Route> routes) : parts_(std::make_unique<Parts>()) {
  httplib::Server& http = parts_->http;
  parts_->routes = std::move(routes);
  for (const Route& route : parts_->routes) parts_->add(route);
  http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // which the library owns
  http.set_keep_alive_max_count(kRequestsOfConnection);
  http.set_keep_alive_timeout(kKeepAliveSeconds);
  http.set_read_timeout(kSilenceSeconds);
  http.set_write_timeout(kSilenceSeconds);
  http.set_tcp_nodelay(true);
  // Not the library's own, which would let two daemons share a port.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  http.set_error_handler(
      [this](const httplib::Request& request, httplib::Response& response) { parts_->explain(request, response); });
  http.set_logger([](const httplib::Request& request, const httplib::Response& response) {
    log_debug("http", {{"method", request.method}, {"path", request.path}, {"status", response.status}});
  });
  errno = 0;
  const int port = address.port == 0 ? http.bind_to_any_port(address.host)
                                     : (http.bind_to_port(address.host, address.port) ? address.port : -1);
  if (port < 0) {
    throw std::runtime_error("cannot listen on http://" + address.host + ":" + std::to_string(address.port) + ": " +
                             std::strerror(errno) +
                             " (if another program has it, choose another with --http-listen, or none)");
  }
  parts_->url = "http://" + address.host + ":" + std::to_string(port);
}

Server::~Server() = default;

const std::string& Server::url() const { return parts_->url; }

void Server::run() {
  parts_->http.listen_after_bind();
  parts_->ended = true;
}

// The library forgets a stop that comes before it runs.
void Server::stop() {
  while (!parts_->http.is_running() && !parts_->ended) std::this_thread::yield();
  parts_->http.stop();
}

}  // namespace accrue::daemon::http
