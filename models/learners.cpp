#include "models/learners.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "models/least_squares.hpp"

namespace accrue::models {
namespace {

constexpr std::array kKinds = {
    LearnerKind{"least_squares", "the exact fit of all rows, with standard errors; the default", make_least_squares},
    LearnerKind{"bayesian", "least squares under a prior: usable from the first row, with predictive variances",
                make_bayesian},
};

}  // namespace

std::span<const LearnerKind> learner_kinds() { return kKinds; }

const LearnerKind& learner_kind(std::string_view name) {
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const LearnerKind& kind) { return kind.name == name; });
  if (found != kKinds.end()) {
    return *found;
  }
  std::string names;
  for (const LearnerKind& kind : kKinds) {
    names += names.empty() ? "" : ", ";
    names += kind.name;
  }
  throw std::invalid_argument("there is no learner '" + std::string(name.substr(0, 128)) + "': it is one of " + names);
}

}  // namespace accrue::models
