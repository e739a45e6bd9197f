#include "daemon/http/call.hpp"

#include <algorithm>
#include <charconv>

#include "daemon/http/row_body.hpp"

namespace accrue::daemon::http {

void Call::allow_parameters(std::initializer_list<const char*> names) const {
  for (const auto& parameter : parameters) {
    const std::string& name = parameter.first;
    const auto is_it = [&](const char* known) { return name == known; };
    if (std::ranges::none_of(names, is_it)) throw Problem(400, "unknown_parameter", name + ": no such parameter", name);
  }
}

std::string Call::text(const std::string& parameter) const {
  const auto found = parameters.find(parameter);
  return found == parameters.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> Call::number(const std::string& parameter) const {
  const std::string given = text(parameter);
  if (given.empty()) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc() || end != given.data() + given.size()) {
    throw bad_field(parameter, "must be a whole number that is not negative");
  }
  return value;
}

JsonBodies::Body JsonBodies::read(const Call& call) {
  const std::string type = media_type(call.header("Content-Type"));
  if (type != kJsonType) {
    throw Problem(415, "unsupported_media_type", "the body must be application/json, not '" + type + "'",
                  "Content-Type");
  }
  std::string text;
  call.read_body([&](std::string_view piece) { append_json(text, piece); });
  Body body;
  if (text.size() > kSmallBytes) {
    large_.acquire();
    body.permit.reset(&large_);
  }
  body.json = parse_json(text);
  if (!body.json.is_object()) throw bad_field("body", "must be an object");
  return body;
}

}  // namespace accrue::daemon::http
