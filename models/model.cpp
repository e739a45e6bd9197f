#include "models/model.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace accrue::models {

Model::Model(const LeastSquaresOptions& options) : learner_(options) {}

Model::Model(LeastSquares learner, const ProgressiveError& error) : learner_(std::move(learner)), error_(error) {}

void Model::learn(const RowsView& rows) {
  std::array<double, LeastSquares::kMaxBlock> predictions;
  for (std::size_t first = 0; first < rows.count; first += predictions.size()) {
    const RowsView part = rows.slice(first, std::min(predictions.size(), rows.count - first));
    learner_.partial_fit(part, predictions);
    for (std::size_t i = 0; i < part.count; ++i) {
      error_.add(predictions[i], part.target(i), part.weight(i));
    }
  }
}

std::vector<std::byte> Model::share() const {
  Model own = *this;
  own.merge(Model(learner_.options()));  // folds the pending rows in, and forgets the others
  return own.encode();
}

DecodeError Model::see(std::span<const std::span<const std::byte>> shares) {
  std::optional<Model> others;
  for (const std::span<const std::byte> share : shares) {
    std::optional<Model> other;
    if (const DecodeError damage = decode(share, other); damage != DecodeError::kNone) {
      return damage;
    }
    if (other->learner_.options() != learner_.options()) {
      return DecodeError::kInvalid;
    }
    if (others) {
      others->merge(*other);
    } else {
      others = std::move(other);
    }
  }
  if (others) {
    learner_.see(others->learner_);
    error_.see(others->error_);
  }
  return DecodeError::kNone;
}

void Model::merge(const Model& other) {
  learner_.merge(other.learner_);
  error_.merge(other.error_);
}

std::vector<std::byte> Model::encode() const {
  StateWriter writer(learner_.sees_others() ? kStateVersionWithOthers : kStateVersion);
  learner_.encode(writer);
  error_.encode(writer);
  return std::move(writer).finish();
}

DecodeError Model::decode(std::span<const std::byte> state, std::optional<Model>& out) {
  out.reset();
  StateReader reader;
  if (const DecodeError damage = reader.open(state); damage != DecodeError::kNone) {
    return damage;
  }
  std::optional<LeastSquares> learner;
  if (const DecodeError damage = LeastSquares::decode(reader, learner); damage != DecodeError::kNone) {
    return damage;
  }
  std::optional<ProgressiveError> error;
  if (const DecodeError damage = ProgressiveError::decode(reader, error); damage != DecodeError::kNone) {
    return damage;
  }
  if (reader.remaining() != 0 || error->n() != learner->rows()) {
    return DecodeError::kInvalid;
  }
  out = Model(*std::move(learner), *error);
  return DecodeError::kNone;
}

}  // namespace accrue::models
