#include "models/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace accrue::models {
namespace {

template <class Number>
std::optional<Number> read(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end || text.empty()) {
    return std::nullopt;
  }
  return number;
}

[[noreturn]] void refuse(std::string_view key, const std::string& value, const std::string& wanted) {
  throw std::invalid_argument(std::string(key) + " must be " + wanted + ", not '" + value + "'");
}

std::string listed(const auto& names) {
  std::string text;
  for (const auto& name : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text;
}

}  // namespace

std::string shortest(double number) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

Settings::Settings(std::vector<Setting> settings) {
  for (Setting& setting : settings) {
    const auto same = [&](const Entry& entry) { return entry.setting.key == setting.key; };
    if (std::any_of(entries_.begin(), entries_.end(), same)) {
      throw std::invalid_argument("'" + setting.key + "' is set twice");
    }
    entries_.push_back({std::move(setting)});
  }
}

const std::string* Settings::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
    known_.emplace_back(key);
  }
  for (Entry& entry : entries_) {
    if (entry.setting.key == key) {
      entry.asked_for = true;
      return &entry.setting.value;
    }
  }
  return nullptr;
}

double Settings::number(std::string_view key, double otherwise, double lowest, double highest) {
  const std::string* value = find(key);
  if (!value) {
    return otherwise;
  }
  const std::optional<double> number = read<double>(*value);
  if (!number || !(*number >= lowest && *number <= highest)) {
    refuse(key, *value, "a number from " + shortest(lowest) + " to " + shortest(highest));
  }
  return *number;
}

std::uint64_t Settings::count(std::string_view key, std::uint64_t otherwise, std::uint64_t lowest,
                              std::uint64_t highest) {
  const std::string* value = find(key);
  if (!value) {
    return otherwise;
  }
  const std::optional<std::uint64_t> number = read<std::uint64_t>(*value);
  if (!number || *number < lowest || *number > highest) {
    refuse(key, *value, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  }
  return *number;
}

bool Settings::flag(std::string_view key, bool otherwise) {
  const std::string* value = find(key);
  if (!value) {
    return otherwise;
  }
  if (*value != "true" && *value != "false") {
    refuse(key, *value, "true or false");
  }
  return *value == "true";
}

std::string Settings::choice(std::string_view key, std::initializer_list<std::string_view> choices) {
  const std::string* value = find(key);
  if (!value) {
    return std::string(*choices.begin());
  }
  if (std::find(choices.begin(), choices.end(), *value) == choices.end()) {
    refuse(key, *value, "one of " + listed(choices));
  }
  return *value;
}

std::optional<std::string> Settings::text(std::string_view key) {
  const std::string* value = find(key);
  return value ? std::optional(*value) : std::nullopt;
}

void Settings::finish(std::string_view of) const {
  for (const Entry& entry : entries_) {
    if (!entry.asked_for) {
      throw std::invalid_argument("'" + entry.setting.key + "' is not a setting of " + std::string(of) +
                                  ", which has " + listed(known_));
    }
  }
}

}  // namespace accrue::models
