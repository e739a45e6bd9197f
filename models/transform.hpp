// Transform: makes the features of a row into others, in place; one link of the chain in transforms.hpp.
//
// What every transform keeps to:
// - Transform, then learn: a row is transformed with what was learned from the rows before it.
// - Finite values within kMaxMagnitude come out as such. A missing value (NaN) makes every column missing that is
//   computed from it, whatever the other values are, unless to take missing values is what the transform is for.
// - The same rows, sights and merges in the same order give the same bits, with or without an encode and decode
//   between, on one machine and build (log1p is as exact as the machine's library).
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Shapes: x[0] to x[columns that go in - 1], and room behind them for the columns that come out.
// Errors: makers throw std::invalid_argument; decode answers DecodeError, and a transform that could not be decoded is
// only good for destruction; a transform of another kind is a broken invariant (require.hpp).
#pragma once

#include <memory>

#include "models/state_codec.hpp"

namespace accrue::models {

class Transform {
 public:
  virtual ~Transform() = default;

  virtual std::unique_ptr<Transform> clone() const = 0;

  virtual void transform(double* x) const = 0;
  /// Transforms the row as transform would, then learns it as it went in.
  virtual void learn(double* x, double /*weight*/) { transform(x); }

  /// From the next row on transforms with what the others, of the same kind and columns, had learned besides its own
  /// rows; what it saw of others before is forgotten. It learns nothing by it.
  virtual void see(const Transform& /*others*/) {}
  /// Learns all that the other has learned. Forgets what either has seen of others.
  virtual void merge(const Transform& /*other*/) {}

  /// The state alone: what it was made from is known to whoever decodes it, into a new transform of the same.
  virtual void encode(StateWriter& /*writer*/) const {}
  [[nodiscard]] virtual DecodeError decode(StateReader& /*reader*/) { return DecodeError::kNone; }

 protected:
  Transform() = default;
  Transform(const Transform&) = default;
  Transform(Transform&&) = default;
  Transform& operator=(const Transform&) = default;
  Transform& operator=(Transform&&) = default;
};

}  // namespace accrue::models
