// What a linear model has to say of itself: coefficients, how far each can be trusted, how well they fit. A plain
// value.
//
// Coefficients are those of the features that the learner sees: of all, or where there may be a million, of those whose
// coefficient is not zero. What a learner does not know it leaves empty: standard
// errors and what follows from the residuals come from learners that keep a factor of their rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace accrue::models {

struct Estimate {
  double value;
  std::optional<double> std_error;  // nothing when columns depend on each other or no degrees of freedom are left
  std::optional<double> t;          // value / std_error
};

/// With ridge the standard errors are those of the penalised problem (the posterior standard deviations under the prior
/// that the penalty stands for); rank and condition are always those of the data.
struct Summary {
  std::uint64_t rows = 0;
  std::optional<Estimate> intercept;
  std::vector<Estimate> coefficients;
  std::vector<std::uint32_t> columns;  // of the coefficients, increasing, where those that are zero are left out
  std::vector<double> feature_means;   // weighted; empty without an intercept
  std::optional<double> residual_std;  // sqrt(weighted squared residuals / (rows of positive weight - rank))
  std::optional<double> r2;            // about the mean with an intercept, about zero without
  std::size_t rank = 0;                // of the features and the intercept
  std::optional<double> condition;     // of the columns scaled to norm 1; nothing when they depend on each other
};

}  // namespace accrue::models
