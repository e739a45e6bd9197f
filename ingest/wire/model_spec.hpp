// A model of a stream as it is asked for: which learner is to learn, and how. What learners and settings there are is
// not known here: the daemon checks that. A value; no thread-safety of its own.
#pragma once

#include <string>
#include <tuple>
#include <vector>

namespace accrue::wire {

// key=value, as a user gives it.
struct Setting {
  std::string key;
  std::string value;

  bool operator==(const Setting&) const = default;
  auto fields() { return std::tie(key, value); }
};

struct ModelSpec {
  std::string name;
  std::string learner;
  std::vector<Setting> settings = {};

  bool operator==(const ModelSpec&) const = default;
  auto fields() { return std::tie(name, learner, settings); }
};

// What is wrong with a specification, as a sentence for its author; empty when nothing is.
[[nodiscard]] std::string problem_with(const ModelSpec& spec);

// 1 to 128 letters, digits, '_', '-' or '.', as names of streams and of models are.
[[nodiscard]] bool is_plain_name(const std::string& name);

// For people: "name (learner key=value ...)", as many as there is room for.
[[nodiscard]] std::string listed(const std::vector<ModelSpec>& models);

}  // namespace accrue::wire
