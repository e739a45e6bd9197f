// Losses that a linear model may be fitted to, and the closed form of how far a row moves its own prediction. Pure
// functions: any thread may call them.
//
// A step of plain gradient descent overshoots the target when the row's weight or its features are large. A step here
// follows the gradient all the way instead: the prediction p moves as dp/dh = -pull * slope(p) says, for h from 0 to
// the row's weight, where pull says how much the prediction answers to a unit of gradient. The solution never passes
// the point where the loss is least, and a row of weight 2 does what the same row twice would.
// Units: predictions and targets in those of the target.
// Source: Karampatziakis and Langford, "Online importance weight aware updates", UAI 2011.
#pragma once

#include <algorithm>
#include <cmath>

namespace accrue::models {

struct Loss {
  enum class Kind {
    kSquared,             // (p - y)^2 / 2
    kHuber,               // squared where |p - y| <= parameter, linear beyond
    kEpsilonInsensitive,  // max(0, |p - y| - parameter)
    kQuantile,            // (parameter - [y < p]) * (y - p): the pinball, least at that quantile of the targets
  };

  Kind kind = Kind::kSquared;
  double parameter = 0;

  bool operator==(const Loss&) const = default;

  /// The derivative by the prediction.
  double slope(double prediction, double target) const {
    const double error = prediction - target;
    switch (kind) {
      case Kind::kSquared: return error;
      case Kind::kHuber: return std::clamp(error, -parameter, parameter);
      case Kind::kEpsilonInsensitive: return std::abs(error) > parameter ? std::copysign(1.0, error) : 0.0;
      case Kind::kQuantile: return error == 0 ? 0.0 : (error > 0 ? 1.0 : 0.0) - parameter;
    }
    return 0;
  }

  /// What the prediction moves by under that weight times pull >= 0.
  double travel(double prediction, double target, double pull) const {
    const double way = target - prediction;
    switch (kind) {
      case Kind::kSquared: return -std::expm1(-pull) * way;
      case Kind::kHuber: {
        const double straight = std::max(0.0, std::abs(way) - parameter);  // at speed `parameter`, then ever slower
        const double length = pull * parameter <= straight
                                  ? pull * parameter
                                  : straight - std::expm1(straight / parameter - pull) * (std::abs(way) - straight);
        return std::copysign(length, way);
      }
      case Kind::kEpsilonInsensitive:
        return std::copysign(std::min(pull, std::max(0.0, std::abs(way) - parameter)), way);
      case Kind::kQuantile: return way > 0 ? std::min(pull * parameter, way) : std::max(pull * (parameter - 1), way);
    }
    return 0;
  }
};

}  // namespace accrue::models
