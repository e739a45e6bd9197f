#include "daemon/http/call.hpp"

#include <algorithm>
#include <charconv>

#include "daemon/http/row_body.hpp"

namespace accrue::daemon::http {

void Call::allow_parameters(std::initializer_list<const char*> names) const {
  for (const auto& [name, value] : parameters) {
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

Json Call::json_body(std::size_t max_bytes) const {
  const std::string type = media_type(header("Content-Type"));
  if (type != kJsonType) {
    throw Problem(415, "unsupported_media_type", "the body must be application/json, not '" + type + "'",
                  "Content-Type");
  }
  std::string text;
  read_body([&](std::string_view piece) {
    text.append(piece);
    if (text.size() <= max_bytes) return;
    throw Problem(413, "body_too_large",
                  "a body has at most " + std::to_string(max_bytes) + " bytes (max_message_mb): ask in parts");
  });
  Json json = parse_json(text);
  if (!json.is_object()) throw bad_field("body", "must be an object");
  return json;
}

}  // namespace accrue::daemon::http
