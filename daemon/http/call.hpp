// One HTTP request and its answer, without the library that speaks HTTP: what handlers see of it. A request belongs to
// its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>

#include "daemon/http/problem.hpp"

namespace accrue::daemon::http {

inline constexpr std::size_t kMaxJsonBytes = 1'048'576;  // of a body that has to be there whole

struct Call {
  std::map<std::string, std::string> path;              // what stands for the names in the route's path
  std::map<std::string, std::string> parameters;        // behind the question mark
  std::function<std::string(const char* name)> header;  // empty where there is none
  // Reads the body, a piece after the other. Throws what `take` throws.
  std::function<void(const std::function<void(std::string_view)>& take)> read_body;

  const std::string& stream() const { return path.at("stream"); }

  // Throws Problem for a parameter that is none of these.
  void allow_parameters(std::initializer_list<const char*> names) const;
  std::string text(const std::string& parameter) const;  // empty where it is not given
  std::optional<std::uint64_t> number(const std::string& parameter) const;
};

// Bodies that are an object of JSON. What a body becomes in memory is many times its size, so of those that are not
// small only a few are held at once: the others wait.
class JsonBodies {
 public:
  static constexpr std::size_t kSmallBytes = 65'536;
  static constexpr int kLargeAtOnce = 2;

  using Semaphore = std::counting_semaphore<kLargeAtOnce>;
  struct Release {
    void operator()(Semaphore* semaphore) const { semaphore->release(); }
  };
  struct Body {
    Json json;
    std::unique_ptr<Semaphore, Release> permit;  // of a large one
  };
  Body read(const Call& call);

 private:
  Semaphore large_{kLargeAtOnce};
};

struct Answer {
  int status = 200;
  Json json{};         // the body, unless `text` is
  std::string text{};  // of `type`
  std::string type = kJsonType;
  std::string location{};  // of what was made
  // Where it goes on for as long as the client listens: writes the next piece of the body, which may take a while;
  // empty when it is at its end.
  std::function<std::string()> next_piece{};
};

struct Route {
  std::string method;
  std::string path;  // "/v1/streams/{stream}/rows"
  std::function<Answer(const Call&)> handle;
};

}  // namespace accrue::daemon::http
