#include "models/adwin.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/block_math.hpp"

namespace accrue::models {
namespace {

// ln(2 ln(n) / kDelta) for windows of n = 10^10 rows, which is more than any: the logarithm hardly grows with n.
constexpr double kConfidence = 26.8556156;

}  // namespace

double Adwin::bucket_rows(std::size_t level) { return static_cast<double>(std::uint64_t{kBucketRows} << level); }

bool Adwin::add(std::span<const double> errors) {
  Sums filling = filling_;
  for (const double error : errors) {
    filling += {error, error * error};
  }
  filling_ = filling;
  filling_rows_ += errors.size();
  return filling_rows_ == kBucketRows && finish_bucket();
}

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
    drop(level, 2);
  }
}

void Adwin::drop(Level& level, std::size_t buckets) {
  const auto kept = std::copy(level.buckets.begin() + static_cast<std::ptrdiff_t>(buckets), level.buckets.end(),
                              level.buckets.begin());
  std::fill(kept, level.buckets.end(), Sums{});
  level.count -= buckets;
}

void Adwin::drop_oldest() {
  Level& level = levels_.back();
  drop(level, 1);
  if (level.count == 0) {
    levels_.pop_back();
  }
}

Adwin::Change Adwin::find_change() {
  // The cuts, from old to new: rows of the older part and their sum. Of a level all places are written, and those that
  // hold no bucket then overwritten by what comes next: a number of turns that nobody can foretell costs more.
  constexpr std::size_t kRoom = (kMaxLevels + 1) * kBucketsPerLevel + kMaxVector;
  std::array<double, kRoom> cut_rows;
  std::array<double, kRoom> cut_sums;
  std::size_t cuts = 0;
  double rows = 0;
  Sums all;
  for (std::size_t i = levels_.size(); i-- > 0;) {
    const Level& level = levels_[i];
    Sums of_level;
    for (std::size_t k = 0; k < kBucketsPerLevel; ++k) {
      of_level += level.buckets[k];
      cut_rows[cuts + k] = rows + bucket_rows(i) * static_cast<double>(k + 1);
      cut_sums[cuts + k] = all.sum + of_level.sum;
    }
    cuts += level.count;
    rows += bucket_rows(i) * static_cast<double>(level.count);
    all += of_level;
  }
  std::fill_n(cut_rows.begin() + static_cast<std::ptrdiff_t>(cuts), kMaxVector, 0);
  std::fill_n(cut_sums.begin() + static_cast<std::ptrdiff_t>(cuts), kMaxVector, 0);
  self_weighted_mean_ = all.squares / all.sum;

  // With an older part of n0 rows and a newer one of n1, n = n0 + n1, the means differ by chance by at most
  //   sqrt(2 variance confidence n / (n0 n1)) + 2/3 confidence n / (n0 n1).
  // Both sides times n0 n1 / n, it is the older part's sum that differs from n0 times the mean of all.
  const double mean = all.sum / rows;
  const CutBounds bounds{.rows = rows,
                         .mean = mean,
                         .always = 2 * kConfidence / 3,
                         .by_chance = 2 * kConfidence * std::max(0.0, all.squares - all.sum * mean) / (rows * rows)};
  std::array<double, kRoom> beyond;  // their bound
  if (!cuts_beyond(cut_rows.data(), cut_sums.data(), cuts, bounds, beyond.data())) [[likely]] {
    return Change::kNone;
  }
  for (std::size_t i = 0; i < cuts; ++i) {
    if (beyond[i] > 0 && mean * cut_rows[i] > cut_sums[i]) {
      return Change::kRise;
    }
  }
  return Change::kFall;
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
