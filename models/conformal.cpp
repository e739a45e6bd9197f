#include "models/conformal.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/error_means.hpp"

namespace accrue::models {

double Conformal::remains_after(std::uint64_t half_lives) {
  constexpr std::uint64_t kMost = 1'000;  // far below what matters, still above zero
  return std::ldexp(1.0, -static_cast<int>(std::min(half_lives, kMost)));
}

void Conformal::begin(std::uint64_t half_life) {
  residuals_.scale(remains_after(half_life - half_life_));
  half_life_ = half_life;
}

void Conformal::refresh() {
  recent_ = half_width(kLevel);
  stale_in_ = static_cast<std::uint64_t>(std::clamp(residuals_.weight() / kMaxStale, 1.0, kMaxStale));
}

void Conformal::add(std::span<const double> residuals, std::uint64_t first_index) {
  residuals_.add(residuals, weight_at(first_index));
  stale_in_ -= residuals.size();
  if (stale_in_ == 0) {
    refresh();
  }
}

void Conformal::merge(const Conformal& other) {
  if (other.half_life_ > half_life_) {
    begin(other.half_life_);
  }
  QuantileSketch residuals = other.residuals_;
  if (half_life_ > other.half_life_) {
    residuals.scale(remains_after(half_life_ - other.half_life_));
  }
  residuals_.merge(residuals);
  refresh();
}

std::optional<double> Conformal::half_width(double level) const {
  const double rank = level * (residuals_.weight() + 1);
  return rank <= residuals_.weight() ? std::optional(residuals_.value_at(rank)) : std::nullopt;
}

void Conformal::encode(StateWriter& writer) const {
  writer.put_count(half_life_);
  writer.put_count(recent_ ? 1 : 0);
  writer.put_double(recent_.value_or(0));
  writer.put_count(stale_in_);
  residuals_.encode(writer);
}

DecodeError Conformal::decode(StateReader& reader) {
  Conformal conformal;
  bool known = false;
  double recent = 0;
  if (!reader.get_count(conformal.half_life_) || !reader.get_flag(known) ||                   //
      !reader.get_double(0, kMaxError, recent) || (!known && recent != 0) ||                  //
      !reader.get_count_up_to(static_cast<std::uint64_t>(kMaxStale), conformal.stale_in_) ||  //
      conformal.stale_in_ == 0 || conformal.residuals_.decode(reader) != DecodeError::kNone) {
    return DecodeError::kInvalid;
  }
  conformal.recent_ = known ? std::optional(recent) : std::nullopt;
  *this = std::move(conformal);
  return DecodeError::kNone;
}

}  // namespace accrue::models
