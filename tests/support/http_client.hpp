// Requests to a daemon's HTTP address, as tests make them. One thread at a time.
#pragma once

#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace accrue::tests {

using Json = nlohmann::ordered_json;

struct HttpAnswer {
  int status = 0;
  std::string type;
  Json json;  // null where the body is none
  std::string text;
  httplib::Headers headers;
};

class HttpClient {
 public:
  explicit HttpClient(const std::string& url) : client_(url) { client_.set_read_timeout(60); }

  HttpAnswer get(const std::string& path) { return answer(client_.Get(path)); }
  HttpAnswer remove(const std::string& path) { return answer(client_.Delete(path)); }
  HttpAnswer post(const std::string& path, const std::string& body, const std::string& type = "application/json",
                  const httplib::Headers& headers = {}) {
    return answer(client_.Post(path, headers, body, type));
  }
  HttpAnswer send(const std::string& path, const Json& body) { return post(path, body.dump()); }

  httplib::Client& client() { return client_; }

 private:
  static HttpAnswer answer(const httplib::Result& result) {
    if (!result) throw std::runtime_error("no answer by HTTP: " + to_string(result.error()));
    Json json = Json::parse(result->body, nullptr, false);
    return {result->status, result->get_header_value("Content-Type"), json.is_discarded() ? Json() : json, result->body,
            result->headers};
  }

  httplib::Client client_;
};

// A server-sent event.
struct Heard {
  std::string id, event;
  Json data;
};

// Listens to events until `enough` says so of an event, which is the last that is given.
inline std::vector<Heard> listen(
    const std::string& url, const std::string& path, const std::string& last_id,
    const std::function<bool(const Heard&)>& enough, const std::function<void()>& when_connected = [] {}) {
  HttpClient http(url);
  std::vector<Heard> heard;
  std::string text;
  bool connected = false;
  const auto receive = [&](const char* data, std::size_t size) {
    text.append(data, size);
    if (!std::exchange(connected, true)) when_connected();
    for (std::size_t end; (end = text.find("\n\n")) != std::string::npos; text.erase(0, end + 2)) {
      std::istringstream lines(text.substr(0, end));
      Heard one;
      for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("id: ")) one.id = line.substr(4);
        if (line.starts_with("event: ")) one.event = line.substr(7);
        if (line.starts_with("data: ")) one.data = Json::parse(line.substr(6));
      }
      if (one.event.empty()) continue;
      heard.push_back(one);
      if (enough(one)) return false;
    }
    return true;
  };
  httplib::Headers headers;
  if (!last_id.empty()) headers.emplace("Last-Event-ID", last_id);
  (void)http.client().Get(path, headers, receive);
  return heard;
}

}  // namespace accrue::tests
