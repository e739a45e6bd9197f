// Requests to a daemon's HTTP address, as tests make them. One thread at a time.
#pragma once

#include <stdexcept>
#include <string>

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

}  // namespace accrue::tests
