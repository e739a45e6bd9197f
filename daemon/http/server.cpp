#include "daemon/http/server.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <httplib.h>
#include <sys/socket.h>
#include <zmq.hpp>

#include "daemon/http/server_connection.hpp"
#include "daemon/log.hpp"

namespace accrue::daemon::http {
namespace {

constexpr std::chrono::seconds kKeepAlive{2};  // an idle connection holds a thread, and the daemon's stop, for so long
constexpr std::size_t kRequestsOfConnection = 1'000;
constexpr std::size_t kMaxPathBytes = 1'024;

// What stands in a path for the names in a route's: "/v1/streams/{stream}". Empty where the path is not of the route.
std::optional<std::map<std::string, std::string>> names_in(std::string_view path, std::string_view route) {
  std::map<std::string, std::string> names;
  while (!path.empty() && !route.empty()) {
    const std::string_view part = path.substr(0, path.find('/', 1));
    const std::string_view of_route = route.substr(0, route.find('/', 1));
    if (!of_route.starts_with("/{")) {
      if (part != of_route) return std::nullopt;
    } else {
      if (part.size() < 2) return std::nullopt;
      names[std::string(of_route.substr(2, of_route.size() - 3))] = part.substr(1);
    }
    path.remove_prefix(part.size());
    route.remove_prefix(of_route.size());
  }
  if (!path.empty() || !route.empty()) return std::nullopt;
  return names;
}

struct Found {
  const Route* route = nullptr;
  std::map<std::string, std::string> names;
  std::string other_methods;  // that there are for this path, where none is of this method
};

Found find(const std::vector<Route>& routes, const httplib::Request& request) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  Found found;
  for (const Route& route : routes) {
    auto names = names_in(request.path, route.path);
    if (!names) continue;
    if (route.method == method) return {&route, *std::move(names), {}};
    found.other_methods += (found.other_methods.empty() ? "" : ", ") + route.method;
  }
  return found;
}

// The library says nothing to handlers of the connection. A thread serves one at a time.
thread_local ServerConnection* connection_at_hand = nullptr;

bool has_body(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding")) return true;
  const std::size_t lengths = request.get_header_value_count("Content-Length");
  return lengths > 1 || (lengths == 1 && request.get_header_value("Content-Length") != "0");
}

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
                                            return sink.is_writable() && sink.write(piece.data(), piece.size());
                                          });
  } else if (!answer.text.empty()) {
    response.set_content(answer.text, answer.type);
  } else if (answer.status != 204) {
    response.set_content(answer.json.dump(-1, ' ', false, Json::error_handler_t::replace), answer.type);
  }
}

// What the library itself refuses.
Problem bad_head(int status) {
  return {status, "bad_request",
          "the request cannot be taken: it begins with a line of HTTP/1.1 and with headers, which have at most " +
              std::to_string(ServerConnection::kMaxHeadBytes) + " bytes, of them 8192 a line, and come within " +
              std::to_string(ServerConnection::kSilence.count()) + " s"};
}

// Does what is asked, whatever is thrown.
void serve(const Found& found, const httplib::Request& request, httplib::Response& response,
           const httplib::ContentReader* body) {
  Call call;
  call.path = found.names;
  for (const auto& [name, value] : request.params) call.parameters[name] = value;
  call.header = [&](const char* name) { return request.get_header_value(name); };
  call.read_body = [&](const std::function<void(std::string_view)>& take) {
    if (!body || !has_body(request)) return;
    const bool whole = (*body)([&](const char* data, std::size_t size) {
      take({data, size});
      return true;
    });
    if (!whole) throw Problem(400, "incomplete_body", "the body ended early, or came too slowly");
    connection_at_hand->body_was_read();
  };
  try {
    write(found.route->handle(call), response);
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

// The library's server, on connections that have limits.
struct Server::Parts final : httplib::Server {
  std::vector<Route> routes;
  std::string url;
  std::atomic<bool> stopping{false};
  std::atomic<bool> ended{false};

  // Before the library would read a body that is for nobody.
  HandlerResponse refuse_where_nothing_is(const httplib::Request& request, httplib::Response& response) const {
    if (request.path.size() > kMaxPathBytes) {
      write(Problem(414, "path_too_long", "a path has at most " + std::to_string(kMaxPathBytes) + " bytes"), response);
      return HandlerResponse::Handled;
    }
    const Found found = find(routes, request);
    if (found.route) return HandlerResponse::Unhandled;
    if (found.other_methods.empty()) {
      write(Problem(404, "not_found", "there is nothing at " + request.path + "; /openapi.json lists what there is"),
            response);
    } else {
      response.set_header("Allow", found.other_methods);
      write(Problem(405, "method_not_allowed", request.path + " is for " + found.other_methods), response);
    }
    return HandlerResponse::Handled;
  }

  void serve_all() {
    const std::string anything = R"([\s\S]*)";
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& body) {
      serve(find(routes, request), request, response, &body);
    };
    Get(anything, [this](const httplib::Request& request, httplib::Response& response) {
      serve(find(routes, request), request, response, nullptr);
    });
    Post(anything, with_body);
    Delete(anything, with_body);
  }

  bool process_and_close_socket(socket_t socket) override {
    ServerConnection connection(socket);
    connection_at_hand = &connection;
    const auto head_was_read = [&](httplib::Request& request) {
      request.ranges.clear();  // a few kilobytes of them ask for an answer thousands of times over
      connection.head_was_read(has_body(request));
    };
    std::size_t left = kRequestsOfConnection;
    bool goes_on = true;
    while (goes_on && !stopping && connection.await_request(kKeepAlive)) {
      bool client_closes = false;
      const bool answered = process_request(connection, --left == 0, client_closes, head_was_read);
      goes_on = answered && !client_closes && left > 0 && connection.at_end_of_request();
    }
    connection_at_hand = nullptr;
    return true;
  }
};

Server::Server(const HttpAddress& address, std::vector<Route> routes) : parts_(std::make_unique<Parts>()) {
  Parts& http = *parts_;
  http.routes = std::move(routes);
  http.serve_all();
  http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // which the library owns
  http.set_keep_alive_timeout(kKeepAlive.count());                         // which answers say
  http.set_keep_alive_max_count(kRequestsOfConnection);
  http.set_tcp_nodelay(true);
  // Not the library's own, which would let two daemons share a port.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  http.set_pre_routing_handler([&http](const httplib::Request& request, httplib::Response& response) {
    return http.refuse_where_nothing_is(request, response);
  });
  http.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) write(bad_head(response.status), response);
  });
  http.set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    if (connection_at_hand->at_end_of_request()) return;
    response.headers.erase("Keep-Alive");
    response.headers.erase("Connection");
    response.set_header("Connection", "close");
  });
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
  http.url = "http://" + address.host + ":" + std::to_string(port);
}

Server::~Server() = default;

const std::string& Server::url() const { return parts_->url; }

void Server::run() {
  if (!parts_->listen_after_bind()) log_error("http_ended", {{"reason", "no more connections can be accepted"}});
  parts_->ended = true;
}

// The library forgets a stop that comes before it runs.
void Server::stop() {
  parts_->stopping = true;
  while (!parts_->is_running() && !parts_->ended) std::this_thread::yield();
  parts_->httplib::Server::stop();
}

}  // namespace accrue::daemon::http
