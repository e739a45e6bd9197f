// What an option of `accrue` may be, in words of our own. Functions are re-entrant.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace accrue::cli {

// One of a few words, or a number between two; what is allowed is said in words, not in CLI11's notation.
inline CLI::Validator one_of(std::vector<std::string> words) { return CLI::IsMember(std::move(words)).description(""); }

inline CLI::Validator between(double low, double high, const std::string& what) {
  const auto check = [low, high, what](const std::string& text) {
    double value = 0;
    const bool fits = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;  // a NaN does not
    return fits ? std::string() : "'" + text + "' is not " + what;
  };
  return CLI::Validator(check, "");
}

// CLI11 alone would take -1 for the largest number there is, 010 for 8, and a number that is too large for the largest.
inline CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const auto rewrite = [low, high](std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || value < low || value > high) {
      return "'" + text + "' is not a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    }
    text = std::to_string(value);
    return std::string();
  };
  return CLI::Validator(rewrite, "");
}

inline CLI::Validator count() { return whole_number(1, std::numeric_limits<std::uint32_t>::max()); }
inline CLI::Validator epoch_number() { return whole_number(1, std::numeric_limits<std::int64_t>::max()); }
inline CLI::Validator seed() { return whole_number(0, std::numeric_limits<std::uint64_t>::max()); }

// key=value.
inline CLI::Validator setting() {
  const auto check = [](const std::string& text) {
    const std::size_t at = text.find('=');
    return at != std::string::npos && at > 0 ? std::string() : "'" + text + "' is not key=value";
  };
  return CLI::Validator(check, "");
}

}  // namespace accrue::cli
