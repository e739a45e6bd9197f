#include "models/learners.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "models/adaptive.hpp"
#include "models/least_squares.hpp"
#include "models/per_key.hpp"
#include "models/sgd.hpp"

namespace accrue::models {
namespace {

std::unique_ptr<Learner> make_exact(std::size_t features, Settings& settings) {
  const bool by_key = settings.choice("group_by", {"none", "key"}) == "key";
  return by_key ? make_per_key(features, settings) : make_least_squares(features, settings);
}

constexpr std::array kKinds = {
    LearnerKind{"least_squares", "the exact fit of all rows, with standard errors; the default", false, make_exact},
    LearnerKind{"adaptive", "the best predictions without tuning, on steady streams and on those that drift", true,
                make_adaptive},
    LearnerKind{"bayesian", "least squares under a prior: usable from the first row, with predictive variances", false,
                make_bayesian},
    LearnerKind{"sgd", "thousands to a million features, mostly zeros, or a loss other than the square", false,
                make_sgd},
    LearnerKind{"passive_aggressive", "fits every row as it comes, to within epsilon: follows what changes", false,
                make_passive_aggressive},
    LearnerKind{"quantile", "the median or another quantile of the target, not its mean", false, make_quantile},
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
