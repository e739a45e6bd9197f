#include "models/evidence.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "models/block_math.hpp"
#include "models/require.hpp"

namespace accrue::models {
namespace {

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

// Scratch for a block of so many columns, kStride apart and aligned to lines of the cache. One for each thread: what
// every learner would need to itself is only ever in use by the one that learns.
template <class Real>
Real* scratch_block(std::size_t columns) {
  constexpr std::size_t kLine = 64;
  thread_local std::vector<Real> numbers;
  const std::size_t size = columns * WaitingRows::kStride * sizeof(Real);
  if (numbers.size() * sizeof(Real) < size + kLine) {
    numbers.resize((size + kLine) / sizeof(Real) + 1);
  }
  void* start = numbers.data();
  std::size_t space = size + kLine;
  return static_cast<Real*>(std::align(kLine, size, start, space));
}

// The rows [first, first + roots.size()), each multiplied by its root.
template <class Real>
void lay_out(const WaitingRows& rows, std::size_t first, std::span<const Real> roots, std::size_t columns, Real* block,
             std::size_t stride) {
  if (rows.intercept()) {
    std::copy(roots.begin(), roots.end(), block);
    block += stride;
    --columns;
  }
  const bool plain = std::all_of(roots.begin(), roots.end(), [](Real root) { return root == 1; });
  for (std::size_t k = 0; k < columns; ++k, block += stride) {
    const double* column = rows.column(k) + first;
    if (plain) {
      std::copy(column, column + roots.size(), block);
      continue;
    }
    for (std::size_t i = 0; i < roots.size(); ++i) {
      block[i] = roots[i] * column[i];
    }
  }
}

// Whether they cost less row by row: whatever its rows, a block costs some 50 ns for each column and each four before
// it, a row by itself one or less for each column and each one before it.
bool are_few(std::size_t rows, std::size_t columns) {
  constexpr std::size_t kAlwaysMany = 16;
  return rows == 1 || rows < std::min(columns / 8, kAlwaysMany);
}

}  // namespace

// So that a stream of few rows takes little, of which there may be many.
void WaitingRows::make_room(std::size_t rows) {
  if (rows <= stride_) {
    return;
  }
  const std::size_t stride = rows > kMax / 2 ? kStride : std::bit_ceil(rows);
  std::vector<double> roomier(width() * stride + kMaxVector);  // what is read behind a column is there
  for (std::size_t k = 0; k < width() && count_ > 0; ++k) {
    std::copy_n(column(k), count_, roomier.data() + k * stride);
  }
  numbers_ = std::move(roomier);
  stride_ = stride;
}

void WaitingRows::append(const Forgetting& forgetting, const RowsView& rows, std::size_t first, std::size_t count) {
  make_room(count_ + count);
  lay_out_columns(rows.row(first), rows.stride, features_ + 1, count, mutable_column(0) + count_, stride_);
  double* const weights = mutable_column(features_ + 1) + count_;
  double* const clocks = mutable_column(features_ + 2) + count_;
  for (std::size_t i = 0; i < count; ++i) {
    weights[i] = rows.weight(first + i);
    clocks[i] = forgetting.clock(rows, first + i);
  }
  count_ += count;
}

void WaitingRows::encode(StateWriter& writer) const {
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t k = 0; k < width(); ++k) {
      writer.put_double(column(k)[i]);
    }
  }
}

bool WaitingRows::decode(StateReader& reader, std::size_t count) {
  count_ = 0;
  make_room(count);
  count_ = count;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k <= features_; ++k) {
      if (!reader.get_double(-kMaxMagnitude, kMaxMagnitude, mutable_column(k)[i])) {
        return false;
      }
    }
    if (!reader.get_double(0, kMaxMagnitude, mutable_column(features_ + 1)[i]) ||
        !reader.get_double(-kMaxStateMagnitude, kMaxStateMagnitude, mutable_column(features_ + 2)[i])) {
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
bool Evidence<Real>::advance(const Forgetting& forgetting, double to) {
  if (!(to > clock)) {
    return false;
  }
  const double steps = forgetting.epoch(to) - forgetting.epoch(clock);
  clock = to;
  if (steps > 0) {
    factor.scale(halved(steps));
    amount.scale(halved(2 * steps));
  }
  return steps > 0;
}

template <class Real>
void Evidence<Real>::fold(const Forgetting& forgetting, const WaitingRows& rows, std::size_t first, std::size_t last) {
  const std::size_t count = last - first;
  const std::span<const double> clocks = rows.clocks().subspan(first, count);
  advance(forgetting, *std::max_element(clocks.begin(), clocks.end()));
  std::array<double, WaitingRows::kMax> kept_roots;
  forgetting.root_weights(clocks, forgetting.epoch(clock), kept_roots.data());
  std::array<Real, WaitingRows::kMax> roots;
  Amount sum;
  for (std::size_t i = 0; i < count; ++i) {
    const double weight = rows.weight(first + i);
    const double kept = kept_roots[i] * kept_roots[i];
    roots[i] = weight == 1 ? kept_roots[i] : kept_roots[i] * std::sqrt(static_cast<Real>(weight));
    sum.rows += kept;
    sum.positive_rows += weight > 0 ? kept : 0;
    sum.weights += kept * weight;
  }
  amount.add(sum);
  const std::span<const Real> used(roots.data(), count);
  Real* const block = scratch_block<Real>(factor.columns());
  if (are_few(count, factor.columns())) {
    for (std::size_t i = 0; i < count; ++i) {
      lay_out(rows, first + i, used.subspan(i, 1), factor.columns(), block, 1);
      factor.fold_row(block);
    }
  } else {
    lay_out(rows, first, used, factor.columns(), block, WaitingRows::kStride);
    factor.fold_block(block, count, WaitingRows::kStride);
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
void Evidence<Real>::settle(double root) {
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
void Memory<Real>::fold(const WaitingRows& rows) {
  if (rows.count() == 0) {
    return;
  }
  Evidence<Real>& evidence = part(rows.clock(0));
  evidence.fold(forgetting_, rows, 0, rows.count());
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
void Memory<Real>::total(Evidence<Real>& all, double newest) const {
  newest = std::max(newest, this->newest());
  const auto first = std::find_if(parts_.begin(), parts_.end(),
                                  [&](const Evidence<Real>& pane) { return !forgetting_.is_gone(pane.clock, newest); });
  if (first == parts_.end()) {
    all = Evidence<Real>(columns());
  } else {
    all = *first;
    for (auto next = std::next(first); next != parts_.end(); ++next) {
      all.merge(forgetting_, *next);
    }
  }
  all.advance(forgetting_, newest);
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
