// The transforms that change what columns there are.
#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "models/rows.hpp"
#include "models/settings.hpp"
#include "models/transforms/makers.hpp"
#include "models/vector_math.hpp"

namespace accrue::models {
namespace {

// To be asked before memory is taken for so many.
void check_width(std::size_t columns) {
  if (columns > kMaxFeatures) {
    throw std::invalid_argument("it would make a row " + std::to_string(columns) + " columns wide, and " +
                                std::to_string(kMaxFeatures) + " is the most: list the columns that it is to be of");
  }
}

class Polynomial final : public Transform {
 public:
  Polynomial(Columns columns, std::size_t width) : columns_(std::move(columns)), width_(width) {}

  std::unique_ptr<Transform> clone() const override { return std::make_unique<Polynomial>(*this); }

  void transform(double* x) const override {
    double* product = x + width_;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      for (std::size_t j = i; j < columns_.size(); ++j) {
        *product++ = clipped(x[columns_[i]] * x[columns_[j]], -kMaxMagnitude, kMaxMagnitude);
      }
    }
  }

 private:
  Columns columns_;
  std::size_t width_;
};

class Select final : public Transform {
 public:
  explicit Select(Columns columns) : columns_(std::move(columns)) {}

  std::unique_ptr<Transform> clone() const override { return std::make_unique<Select>(*this); }

  void transform(double* x) const override {
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      x[k] = x[columns_[k]];
    }
  }

 private:
  Columns columns_;
};

// FNV-1a, whose lowest bits are then made to depend on all others (the finaliser of MurmurHash3). Models that are
// stored depend on every bit of it.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  }
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  return hash ^ hash >> 33;
}

class Hash final : public Transform {
 public:
  struct Hashed {
    std::size_t column;
    std::size_t bucket;
    double sign;
  };

  Hash(std::vector<Hashed> hashed, Columns kept, std::size_t buckets)
      : hashed_(std::move(hashed)), kept_(std::move(kept)), buckets_(buckets) {}

  std::unique_ptr<Transform> clone() const override { return std::make_unique<Hash>(*this); }

  void transform(double* x) const override {
    std::array<double, kMaxFeatures> sums;
    std::fill_n(sums.begin(), buckets_, 0.0);
    for (const Hashed& hashed : hashed_) {
      sums[hashed.bucket] += hashed.sign * x[hashed.column];
    }
    for (std::size_t k = 0; k < kept_.size(); ++k) {
      x[k] = x[kept_[k]];
    }
    for (std::size_t bucket = 0; bucket < buckets_; ++bucket) {
      x[kept_.size() + bucket] = clipped(sums[bucket], -kMaxMagnitude, kMaxMagnitude);
    }
  }

 private:
  std::vector<Hashed> hashed_;
  Columns kept_;
  std::size_t buckets_;
};

Names names_of(const Columns& columns, const Names& names) {
  Names chosen;
  for (const std::size_t column : columns) {
    chosen.push_back(names[column]);
  }
  return chosen;
}

}  // namespace

std::unique_ptr<Transform> make_polynomial(Arguments /*arguments*/, Columns columns, Names& names) {
  const std::size_t width = names.size();
  check_width(width + columns.size() * (columns.size() + 1) / 2);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    names.push_back(names[columns[i]] + "^2");
    for (std::size_t j = i + 1; j < columns.size(); ++j) {
      names.push_back(names[columns[i]] + "*" + names[columns[j]]);
    }
  }
  return std::make_unique<Polynomial>(std::move(columns), width);
}

std::unique_ptr<Transform> make_select(Arguments /*arguments*/, Columns columns, Names& names) {
  names = names_of(columns, names);
  return std::make_unique<Select>(std::move(columns));
}

std::unique_ptr<Transform> make_hash(Arguments arguments, Columns columns, Names& names) {
  constexpr std::string_view kBuckets = "the number of buckets";
  const auto buckets =
      static_cast<std::size_t>(Settings({{std::string(kBuckets), arguments[0]}}).count(kBuckets, 1, 1, kMaxFeatures));
  check_width(names.size() - columns.size() + buckets);
  std::vector<Hash::Hashed> hashed;
  for (const std::size_t column : columns) {
    const std::uint64_t hash = hash_of(names[column]);
    hashed.push_back({column, static_cast<std::size_t>((hash >> 1) % buckets), (hash & 1) == 0 ? 1.0 : -1.0});
  }
  Columns kept;
  for (std::size_t column = 0; column < names.size(); ++column) {
    if (!std::binary_search(columns.begin(), columns.end(), column)) {
      kept.push_back(column);
    }
  }
  names = names_of(kept, names);
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    names.push_back("hash" + std::to_string(bucket));
  }
  return std::make_unique<Hash>(std::move(hashed), std::move(kept), buckets);
}

}  // namespace accrue::models
