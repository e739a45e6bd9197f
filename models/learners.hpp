// The learners there are, by name. Functions are re-entrant; a new learner is made known in learners.cpp alone.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "models/learner.hpp"
#include "models/settings.hpp"

namespace accrue::models {

struct LearnerKind {
  std::string_view name;
  std::string_view what;  // one line for help texts: when to choose it
  bool clips;             // whether its models clip unless told otherwise (model.hpp)
  /// Asks for the settings that are the learner's own. Throws std::invalid_argument for what it cannot be.
  std::unique_ptr<Learner> (*make)(std::size_t features, Settings& settings);
};

/// All of them, the default first.
std::span<const LearnerKind> learner_kinds();

/// Throws std::invalid_argument that names the learners there are.
const LearnerKind& learner_kind(std::string_view name);

}  // namespace accrue::models
