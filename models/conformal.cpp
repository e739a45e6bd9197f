#include "models/conformal.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/error_means.hpp"

namespace accrue::models {
namespace {

// What a residual counts after so many half-lives.
double remains_after(std::uint64_t half_lives) {
  constexpr std::uint64_t kMost = 1'000;  // far below what matters, still above zero
  return std::ldexp(1.0, -static_cast<int>(std::min(half_lives, kMost)));
}

}  // namespace

void Conformal::begin(std::uint64_t half_life) {
  if (half_life > half_life_) {
    residuals_.scale(remains_after(half_life - half_life_));
    half_life_ = half_life;
  }
}

void Conformal::refresh() {
  recent_ = half_width(kLevel);
  stale_in_ = static_cast<std::uint64_t>(std::clamp(residuals_.weight() / kMaxStale, 1.0, kMaxStale));
}

void Conformal::add(double residual, std::uint64_t index) {
  const std::uint64_t half_life = index / kHalfLifeRows;
  begin(half_life);
  residuals_.add(residual, half_life == half_life_ ? 1 : remains_after(half_life_ - half_life));
  if (--stale_in_ == 0) {
    refresh();
  }
}

void Conformal::merge(const Conformal& other) {
  begin(other.half_life_);
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
