#include "models/evidence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "models/require.hpp"

namespace accrue::models {
namespace {

// Between columns of a block: not a power of two, which would put all columns into the same sets of the cache.
constexpr std::size_t kStride = WaitingRows::kMax + 8;

// The doubles that add up to a Real, the largest first: two where a long double has 64 bits of mantissa.
template <class Real>
constexpr int kPieces = (std::numeric_limits<Real>::digits + 52) / 53;

template <class Real>
void put_real(StateWriter& writer, Real value) {
  for (int piece = 0; piece < kPieces<Real>; ++piece) {
    const auto rounded = static_cast<double>(value);
    writer.put_double(rounded);
    value -= rounded;
  }
}

template <class Real>
[[nodiscard]] bool get_real(StateReader& reader, Real& value) {
  std::array<double, kPieces<Real>> pieces;
  if (!reader.get_doubles(-kMaxStateMagnitude, kMaxStateMagnitude, pieces)) {
    return false;
  }
  value = 0;
  for (std::size_t i = pieces.size(); i-- > 0;) {
    value += pieces[i];
    if (static_cast<double>(value) != pieces[i]) {
      return false;
    }
  }
  return true;
}

[[nodiscard]] bool get_amount(StateReader& reader, Amount& amount) {
  return reader.get_double(0, kMaxStateMagnitude, amount.rows) &&
         reader.get_double(0, amount.rows, amount.positive_rows) &&
         reader.get_double(0, kMaxStateMagnitude, amount.weights);
}

// A column-major block of the rows, each multiplied by its root.
template <class Real>
void lay_out(const WaitingRows& rows, std::size_t first, std::span<const Real> roots, std::size_t columns, Real* block,
             std::size_t stride) {
  const std::size_t intercept = rows.intercept() ? 1 : 0;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const double* row = rows.row(first + i);
    Real* to = block + i;
    if (rows.intercept()) {
      *to = roots[i];
      to += stride;
    }
    for (std::size_t k = 0; k + intercept < columns; ++k) {
      to[k * stride] = roots[i] * row[k];
    }
  }
}

}  // namespace

void WaitingRows::append(const double* x_and_target, double weight, double clock) {
  double* to = numbers_.data() + count_ * width();
  std::copy(x_and_target, x_and_target + features_ + 1, to);
  to[features_ + 1] = weight;
  to[features_ + 2] = clock;
  ++count_;
}

bool WaitingRows::decode(StateReader& reader, std::size_t count) {
  count_ = count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<double> row = std::span(numbers_).subspan(i * width(), width());
    if (!reader.get_doubles(-kMaxMagnitude, kMaxMagnitude, row.first(features_ + 1)) ||
        !reader.get_double(0, kMaxMagnitude, row[features_ + 1]) ||
        !reader.get_double(-kMaxStateMagnitude, kMaxStateMagnitude, row[features_ + 2])) {
      return false;
    }
  }
  return true;
}

void Amount::add(const Amount& other) {
  rows += other.rows;
  positive_rows += other.positive_rows;
  weights += other.weights;
}

void Amount::scale(double keep) {
  rows *= keep;
  positive_rows *= keep;
  weights *= keep;
}

template <class Real>
std::size_t Evidence<Real>::block_size(std::size_t columns) {
  return columns * kStride;
}

template <class Real>
void Evidence<Real>::advance(const Forgetting& forgetting, double to) {
  if (!(to > clock)) {
    return;
  }
  const double steps = forgetting.epoch(to) - forgetting.epoch(clock);
  clock = to;
  if (steps > 0) {
    factor.scale(halved(steps));
    amount.scale(halved(2 * steps));
  }
}

template <class Real>
void Evidence<Real>::fold(const Forgetting& forgetting, const WaitingRows& rows, std::size_t first, std::size_t last,
                          std::span<Real> scratch) {
  for (std::size_t i = first; i < last; ++i) {
    advance(forgetting, rows.clock(i));
  }
  const double epoch = forgetting.epoch(clock);
  std::array<Real, WaitingRows::kMax> roots;
  for (std::size_t i = first; i < last; ++i) {
    const double weight = rows.weight(i);
    const double kept_root = forgetting.root_weight(rows.clock(i), epoch);
    const double kept = kept_root * kept_root;
    roots[i - first] = kept_root * std::sqrt(static_cast<Real>(weight));
    amount.add({kept, weight > 0 ? kept : 0, kept * weight});
  }
  const std::span<const Real> used = std::span(roots).first(last - first);
  if (used.size() == 1) {
    lay_out(rows, first, used, factor.columns(), scratch.data(), 1);
    factor.fold_row(scratch.data());
  } else {
    lay_out(rows, first, used, factor.columns(), scratch.data(), kStride);
    factor.fold_block(scratch.data(), used.size(), kStride);
  }
}

template <class Real>
void Evidence<Real>::merge(const Forgetting& forgetting, const Evidence& other) {
  advance(forgetting, other.clock);
  if (forgetting.epoch(other.clock) == forgetting.epoch(clock)) {
    factor.merge(other.factor);
    amount.add(other.amount);
    return;
  }
  Evidence advanced = other;
  advanced.advance(forgetting, clock);
  factor.merge(advanced.factor);
  amount.add(advanced.amount);
}

template <class Real>
void Evidence<Real>::scale(double keep) {
  factor.scale(std::sqrt(static_cast<Real>(keep)));
  amount.scale(keep);
}

template <class Real>
void Evidence<Real>::settle(const Forgetting& forgetting) {
  const double root = forgetting.root_weight(clock, forgetting.epoch(clock));
  if (root != 1) {
    factor.scale(1 / static_cast<Real>(root));
    amount.scale(1 / (root * root));
  }
}

template <class Real>
Memory<Real>::Memory(std::size_t columns, const Forgetting& forgetting)
    : forgetting_(forgetting), parts_(1, Evidence<Real>(columns)) {}

template <class Real>
Evidence<Real>& Memory<Real>::part(double clock) {
  if (forgetting_.way != Forgetting::Way::kWindow) {
    return parts_.front();
  }
  if (newest() == Evidence<Real>::kNoClock) {
    parts_.front().clock = clock;
  }
  const auto found = std::lower_bound(parts_.begin(), parts_.end(), clock,
                                      [](const Evidence<Real>& pane, double at) { return pane.clock < at; });
  if (found != parts_.end() && found->clock == clock) {
    return *found;
  }
  const auto added = parts_.insert(found, Evidence<Real>(columns()));
  added->clock = clock;
  return *added;
}

template <class Real>
void Memory<Real>::drop_gone() {
  const auto first = std::find_if(parts_.begin(), parts_.end(), [&](const Evidence<Real>& pane) {
    return !forgetting_.is_gone(pane.clock, newest());
  });
  parts_.erase(parts_.begin(), first);
}

template <class Real>
void Memory<Real>::fold(const WaitingRows& rows, std::span<Real> scratch) {
  if (rows.count() == 0) {
    return;
  }
  Evidence<Real>& evidence = part(rows.clock(0));
  evidence.fold(forgetting_, rows, 0, rows.count(), scratch);
  evidence.factor.scale(1);  // what encode could not store without loss becomes zero
  drop_gone();
}

template <class Real>
void Memory<Real>::merge(const Memory& other) {
  for (const Evidence<Real>& evidence : other.parts_) {
    if (evidence.clock != Evidence<Real>::kNoClock) {
      Evidence<Real>& own = part(evidence.clock);
      own.merge(forgetting_, evidence);
      own.factor.scale(1);
    }
  }
  drop_gone();
}

template <class Real>
void Memory<Real>::scale(double keep) {
  for (Evidence<Real>& evidence : parts_) {
    evidence.scale(keep);
  }
}

template <class Real>
Evidence<Real> Memory<Real>::total(double newest) const {
  newest = std::max(newest, this->newest());
  const auto first = std::find_if(parts_.begin(), parts_.end(),
                                  [&](const Evidence<Real>& pane) { return !forgetting_.is_gone(pane.clock, newest); });
  Evidence<Real> sum = first == parts_.end() ? Evidence<Real>(columns()) : *first;
  for (auto next = first; next != parts_.end() && ++next != parts_.end();) {
    sum.merge(forgetting_, *next);
  }
  sum.advance(forgetting_, newest);
  return sum;
}

template <class Real>
void Memory<Real>::encode(StateWriter& writer) const {
  writer.put_count(parts_.size());
  for (const Evidence<Real>& evidence : parts_) {
    writer.put_double(evidence.clock);
    writer.put_double(evidence.amount.rows);
    writer.put_double(evidence.amount.positive_rows);
    writer.put_double(evidence.amount.weights);
    for (const Real value : evidence.factor.packed()) {
      put_real(writer, value);
    }
  }
}

template <class Real>
bool Memory<Real>::decode(StateReader& reader) {
  const std::size_t width = columns();
  std::uint64_t count = 0;
  const double most = forgetting_.way == Forgetting::Way::kWindow ? forgetting_.panes() : 1;
  if (!reader.get_count_up_to(static_cast<std::uint64_t>(most), count) || count == 0) {
    return false;
  }
  parts_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    const double lowest = i == 0 ? -kMaxStateMagnitude : parts_.back().clock;
    Evidence<Real> evidence(0);
    if (!reader.get_double(lowest, kMaxStateMagnitude, evidence.clock) || !get_amount(reader, evidence.amount) ||
        !reader.holds(kPieces<Real> * BasicFactor<Real>::packed_size(width))) {
      return false;
    }
    evidence.factor = BasicFactor<Real>(width);
    if ((i > 0 && evidence.clock == lowest) || !decode_factor(reader, evidence.factor)) {
      return false;
    }
    parts_.push_back(std::move(evidence));
  }
  return !forgetting_.is_gone(parts_.front().clock, newest());
}

template <class Real>
bool decode_factor(StateReader& reader, BasicFactor<Real>& factor) {
  const std::size_t columns = factor.columns();
  std::vector<Real> packed(BasicFactor<Real>::packed_size(columns));
  if (!reader.holds(kPieces<Real> * packed.size()) ||
      !std::all_of(packed.begin(), packed.end(), [&](Real& value) { return get_real(reader, value); })) {
    return false;
  }
  factor = BasicFactor<Real>(columns, std::move(packed));
  for (std::size_t k = 0; k < columns; ++k) {
    if (factor.diagonal(k) < 0) {
      return false;
    }
  }
  return true;
}

template struct Evidence<double>;
template struct Evidence<long double>;
template class Memory<double>;
template class Memory<long double>;
template bool decode_factor(StateReader&, BasicFactor<double>&);
template bool decode_factor(StateReader&, BasicFactor<long double>&);

}  // namespace accrue::models
