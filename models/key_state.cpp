#include "models/key_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "models/require.hpp"
#include "models/rows.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kMaxColumns = kMaxFeatures + 2;  // intercept and target

std::vector<double> without_zeros_at_its_end(std::span<const double> packed) {
  const auto last = std::find_if(packed.rbegin(), packed.rend(), [](double value) { return value != 0; });
  return {packed.begin(), last.base()};
}

}  // namespace

KeyState::KeyState(const KeyOrigin& from, double of, const Factor& factor)
    : origin(from), key(of), columns(factor.columns()), packed(without_zeros_at_its_end(factor.packed())) {}

Factor KeyState::factor(double kept_now) const {
  std::vector<double> whole = packed;
  whole.resize(Factor::packed_size(columns));
  Factor factor(columns, std::move(whole));
  if (kept_now != origin.kept) {
    factor.scale(std::sqrt(kept_now / origin.kept));
  }
  return factor;
}

bool KeyState::is_of_the_same(const KeyState& other) const {
  return origin.beginning == other.origin.beginning && key == other.key && columns == other.columns;
}

void KeyState::merge(const KeyState& other) {
  require(is_of_the_same(other), "merged states of keys are of the same");
  const double kept = std::min(origin.kept, other.origin.kept);
  Factor both = factor(kept);
  both.merge(other.factor(kept));
  *this = KeyState({origin.beginning, kept}, key, both);
}

std::vector<std::byte> KeyState::encode() const {
  StateWriter writer;
  writer.put_count(origin.beginning);
  writer.put_double(origin.kept);
  writer.put_double(key);
  writer.put_count(columns);
  writer.put_count(packed.size());
  writer.put_doubles(packed);
  return std::move(writer).finish();
}

DecodeError KeyState::decode(std::span<const std::byte> state, std::optional<KeyState>& out) {
  out.reset();
  StateReader reader;
  if (const DecodeError damage = reader.open(state); damage != DecodeError::kNone) {
    return damage;
  }
  KeyState read;
  std::uint64_t columns = 0;
  std::uint64_t numbers = 0;
  if (!reader.get_count(read.origin.beginning) ||
      !reader.get_double(std::numeric_limits<double>::min(), 1, read.origin.kept) ||
      !reader.get_double(-kMaxMagnitude, kMaxMagnitude, read.key) ||  //
      !reader.get_count_up_to(kMaxColumns, columns) || columns < 2 ||
      !reader.get_count_up_to(Factor::packed_size(static_cast<std::size_t>(columns)), numbers) ||
      reader.remaining() != numbers * sizeof(double)) {
    return DecodeError::kInvalid;
  }
  read.columns = static_cast<std::size_t>(columns);
  read.packed.resize(static_cast<std::size_t>(numbers));
  if (!reader.get_doubles(-kMaxStateMagnitude, kMaxStateMagnitude, read.packed) ||
      (!read.packed.empty() && read.packed.back() == 0)) {
    return DecodeError::kInvalid;
  }
  const Factor factor = read.factor(read.origin.kept);
  for (std::size_t k = 0; k < read.columns; ++k) {
    if (factor.diagonal(k) < 0) {
      return DecodeError::kInvalid;
    }
  }
  out = std::move(read);
  return DecodeError::kNone;
}

}  // namespace accrue::models
