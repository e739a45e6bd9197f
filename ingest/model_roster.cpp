#include "ingest/model_roster.hpp"

#include <iterator>
#include <utility>

#include "ingest/wire/limits.hpp"

namespace accrue::ingest {

using wire::ErrorCode;

ModelRoster::ModelRoster(std::vector<std::string> models, std::string champion)
    : models_(std::move(models)), champion_(std::move(champion)) {}

void ModelRoster::ask(ModelRequest request) { waiting_.push_back(std::move(request)); }

std::optional<ModelRoster::Problem> ModelRoster::problem_with(const ModelChange& change,
                                                              const std::string& stream) const {
  const std::string of_stream = "stream '" + stream + "'";
  const std::string model = "model '" + change.model.name.substr(0, wire::kMaxNameBytes) + "'";
  if (change.kind == ModelChange::Kind::kAdd) {
    if (has(change.model.name)) return Problem{ErrorCode::kModelExists, of_stream + " has a " + model + " already"};
    if (models_.size() < wire::kMaxModels) return std::nullopt;
    return Problem{ErrorCode::kTooMany, of_stream + " has its " + std::to_string(wire::kMaxModels) + " models already"};
  }
  if (!has(change.model.name)) {
    std::string names;
    for (const std::string& name : models_) names += (names.empty() ? "" : ", ") + name;
    return Problem{ErrorCode::kUnknownModel, of_stream + " has no " + model + "; it has " + names};
  }
  if (change.kind == ModelChange::Kind::kPromote || change.model.name != champion_) return std::nullopt;
  return Problem{ErrorCode::kBadSpec, model + " is the champion of " + of_stream + ": promote another, then drop it"};
}

bool ModelRoster::repeated(const ModelChange& change) const {
  for (std::size_t i = applied_; i-- > 0;) {
    const ModelChange& before = waiting_[i].change;
    const bool says_nothing = before.kind == ModelChange::Kind::kPromote && change.kind != before.kind;
    if (before.model.name == change.model.name && !says_nothing) return before == change;
  }
  return false;
}

void ModelRoster::refuse_next() { waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(applied_)); }

void ModelRoster::apply_next() {
  const auto& [kind, model] = waiting_.at(applied_++).change;
  switch (kind) {
    case ModelChange::Kind::kAdd:
      if (!has(model.name)) models_.push_back(model.name);  // or it is repeated
      break;
    case ModelChange::Kind::kDrop: std::erase(models_, model.name); break;
    case ModelChange::Kind::kPromote: champion_ = model.name; break;
  }
}

void ModelRoster::cut() { cut_ = applied_; }

std::vector<ModelRequest> ModelRoster::made_durable() {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(cut_);
  std::vector<ModelRequest> durable(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  applied_ -= cut_;
  cut_ = 0;
  return durable;
}

std::vector<ModelRequest> ModelRoster::take_waiting() {
  applied_ = cut_ = 0;
  return std::exchange(waiting_, {});
}

}  // namespace accrue::ingest
