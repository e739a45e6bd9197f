// Sets of one least-squares model, as many tests make them and look into them.
#pragma once

#include "models/least_squares.hpp"
#include "models/model_set.hpp"

namespace accrue::tests {

inline models::ModelSpec least_squares_spec(const models::LeastSquaresOptions& options) {
  models::ModelSpec spec{.name = "least_squares"};
  if (!options.intercept) spec.settings.push_back({"intercept", "false"});
  if (options.ridge != 0) spec.settings.push_back({"ridge", models::shortest(options.ridge)});
  return spec;
}

inline models::ModelSet least_squares_set(const models::LeastSquaresOptions& options) {
  const models::ModelSpec spec = least_squares_spec(options);
  return {options.features, {&spec, 1}};
}

inline const models::LeastSquares& learner_of(const models::ModelSet& set) {
  return dynamic_cast<const models::LeastSquares&>(set.champion().learner());
}

}  // namespace accrue::tests
