#include "models/adwin.hpp"

#include <algorithm>
#include <cmath>

namespace accrue::models {
namespace {

// ln(2 ln(n) / kDelta) for windows of n = 10^10 rows, which is more than any: the logarithm hardly grows with n.
constexpr double kConfidence = 26.8556156;

}  // namespace

double Adwin::bucket_rows(std::size_t level) { return static_cast<double>(std::uint64_t{kBucketRows} << level); }

bool Adwin::finish_bucket() {
  add_bucket(filling_);
  filling_ = {};
  filling_rows_ = 0;
  Change change = find_change();
  for (; change == Change::kFall; change = find_change()) {
    drop_oldest();
  }
  if (change == Change::kRise) {
    reset();
    return true;
  }
  return false;
}

void Adwin::add_bucket(Sums bucket) {
  for (std::size_t i = 0; i < kMaxLevels; ++i) {
    if (i == levels_.size()) {
      levels_.emplace_back();
    }
    Level& level = levels_[i];
    level.buckets[level.count++] = bucket;
    if (level.count <= kBucketsPerLevel) {
      return;
    }
    bucket = level.buckets[0];
    bucket += level.buckets[1];
    std::copy(level.buckets.begin() + 2, level.buckets.end(), level.buckets.begin());
    level.count -= 2;
  }
}

void Adwin::drop_oldest() {
  Level& level = levels_.back();
  std::copy(level.buckets.begin() + 1, level.buckets.end(), level.buckets.begin());
  if (--level.count == 0) {
    levels_.pop_back();
  }
}

Adwin::Change Adwin::find_change() {
  double rows = 0;
  Sums all;
  for (std::size_t i = levels_.size(); i-- > 0;) {
    rows += bucket_rows(i) * static_cast<double>(levels_[i].count);
    for (std::size_t k = 0; k < levels_[i].count; ++k) {
      all += levels_[i].buckets[k];
    }
  }
  self_weighted_mean_ = all.squares / all.sum;

  // Cut into an older part of n0 rows and a newer one of n1, n = n0 + n1, the means differ by chance by at most
  //   sqrt(2 variance confidence n / (n0 n1)) + 2/3 confidence n / (n0 n1).
  // Both sides times n0 n1, there is neither root nor division in the loop.
  const double by_chance = 2 * kConfidence * std::max(0.0, all.squares - all.sum * (all.sum / rows));
  const double always = 2 * kConfidence / 3 * rows;
  Change change = Change::kNone;
  double old_rows = 0;
  double old_sum = 0;
  for (std::size_t i = levels_.size(); i-- > 0;) {
    for (std::size_t k = 0; k < levels_[i].count; ++k) {
      old_rows += bucket_rows(i);
      old_sum += levels_[i].buckets[k].sum;
      const double new_rows = rows - old_rows;
      const double rise = (all.sum - old_sum) * old_rows - old_sum * new_rows;
      const double beyond = std::abs(rise) - always;
      if (beyond <= 0 || beyond * beyond <= by_chance * old_rows * new_rows) [[likely]] {
        continue;
      }
      if (rise > 0) {
        return Change::kRise;
      }
      change = Change::kFall;
    }
  }
  return change;
}

std::uint64_t Adwin::window_rows() const {
  std::uint64_t rows = filling_rows_;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    rows += levels_[i].count * (std::uint64_t{kBucketRows} << i);
  }
  return rows;
}

void Adwin::encode(StateWriter& writer) const {
  const auto put = [&](const Sums& sums) {
    writer.put_double(sums.sum);
    writer.put_double(sums.squares);
  };
  writer.put_count(filling_rows_);
  put(filling_);
  writer.put_count(levels_.size());
  for (const Level& level : levels_) {
    writer.put_count(level.count);
    std::for_each(level.buckets.begin(), level.buckets.begin() + static_cast<std::ptrdiff_t>(level.count), put);
  }
}

bool Adwin::decode_sums(StateReader& reader, double rows, Sums& sums) {
  return reader.get_double(0, rows, sums.sum) && reader.get_double(0, sums.sum, sums.squares);
}

DecodeError Adwin::decode(StateReader& reader) {
  reset();
  std::uint64_t levels = 0;
  std::uint64_t filling_rows = 0;
  if (!reader.get_count_up_to(kBucketRows - 1, filling_rows) ||
      !decode_sums(reader, static_cast<double>(filling_rows), filling_) ||
      !reader.get_count_up_to(kMaxLevels, levels) || !reader.holds(levels)) {
    return DecodeError::kInvalid;
  }
  filling_rows_ = static_cast<std::size_t>(filling_rows);
  levels_.resize(static_cast<std::size_t>(levels));
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    std::uint64_t count = 0;
    if (!reader.get_count_up_to(kBucketsPerLevel, count) || count == 0) {
      return DecodeError::kInvalid;
    }
    levels_[i].count = static_cast<std::size_t>(count);
    for (std::size_t k = 0; k < levels_[i].count; ++k) {
      if (!decode_sums(reader, bucket_rows(i), levels_[i].buckets[k])) {
        return DecodeError::kInvalid;
      }
    }
  }
  if (find_change() != Change::kNone) {
    return DecodeError::kInvalid;
  }
  return DecodeError::kNone;
}

}  // namespace accrue::models
