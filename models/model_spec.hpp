// What a model is to be: a name, a learner's name, and settings as a user gives them (--set key=value), which the
// learner, the transforms and the model itself each read their part of (settings.hpp). A plain value.
#pragma once

#include <string>
#include <vector>

namespace accrue::models {

struct Setting {
  std::string key;
  std::string value;

  bool operator==(const Setting&) const = default;
};

struct ModelSpec {
  std::string name;
  std::string learner = "least_squares";
  std::vector<Setting> settings = {};

  bool operator==(const ModelSpec&) const = default;
};

}  // namespace accrue::models
