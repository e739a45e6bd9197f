// Settings: the key=value pairs of a model, read one by one by those whose they are.
//
// Whoever builds a model asks for each setting that it knows, and at the end finish() refuses what nobody has asked
// for. So the list of what may be set is the code that reads it, and a misspelt key is never ignored.
//
// Threads: a value without locks. Errors: std::invalid_argument, which says the key, what it was, and what it may be.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/model_spec.hpp"

namespace accrue::models {

class Settings {
 public:
  /// A key that is given twice is refused.
  explicit Settings(std::vector<Setting> settings);

  /// A number from lowest to highest; `otherwise` where it is not set.
  double number(std::string_view key, double otherwise, double lowest, double highest);
  std::uint64_t count(std::string_view key, std::uint64_t otherwise, std::uint64_t lowest, std::uint64_t highest);
  /// "true" or "false".
  bool flag(std::string_view key, bool otherwise);
  /// One of `choices`; the first of them where it is not set.
  std::string choice(std::string_view key, std::initializer_list<std::string_view> choices);
  /// Any text.
  std::optional<std::string> text(std::string_view key);

  /// Refuses settings that nobody has asked for; `of` names whose they were, such as "learner sgd".
  void finish(std::string_view of) const;

 private:
  const std::string* find(std::string_view key);

  struct Entry {
    Setting setting;
    bool asked_for = false;
  };
  std::vector<Entry> entries_;
  std::vector<std::string> known_;  // keys asked for, in order
};

/// The shortest text that reads back as the same number.
std::string shortest(double number);

}  // namespace accrue::models
