// What HTTP answers where it cannot do what it is asked: problem details (RFC 9457), which name the field at fault.
// A value; it is thrown by whoever finds the problem and written by the server.
#pragma once

#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "ingest/wire/messages.hpp"

namespace accrue::daemon::http {

using Json = nlohmann::ordered_json;

inline constexpr const char* kJsonType = "application/json";
inline constexpr const char* kProblemType = "application/problem+json";

class Problem : public std::runtime_error {
 public:
  // `code` is for programs, as the protocol's error codes are: "unknown_stream". `field` is empty where none is at
  // fault; otherwise a member of the body ("rows[2].age"), a parameter or a header.
  Problem(int status, std::string code, const std::string& detail, std::string field = {})
      : std::runtime_error(detail), status_(status), code_(std::move(code)), field_(std::move(field)) {}

  int status() const { return status_; }
  const std::string& field() const { return field_; }

  Json body() const;
  Json more = Json::object();  // further members of the body

 private:
  int status_;
  std::string code_;
  std::string field_;
};

// A refusal of the daemon's own sockets.
Problem problem_of(const wire::Error& error);

// Of a field whose value cannot be taken.
Problem bad_field(std::string field, const std::string& why);

}  // namespace accrue::daemon::http
