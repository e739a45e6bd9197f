#include "models/transforms.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "models/require.hpp"
#include "models/transforms/grammar.hpp"
#include "models/transforms/makers.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kMostShown = 128;  // of a text, in messages
constexpr std::size_t kMostNamed = 32;   // columns, in messages

struct Kind {
  std::string_view name;
  std::size_t arguments;
  bool of_all_columns;  // where none is listed
  std::string_view how_written;
  std::unique_ptr<Transform> (*make)(Arguments arguments, Columns columns, Names& names);
};

constexpr std::array kKinds = {
    Kind{"impute", 1, true, "impute(mean), impute(NUMBER), impute(mean; COLUMNS) or impute(NUMBER; COLUMNS)",
         make_impute},
    Kind{"log1p", 0, true, "log1p or log1p(COLUMNS)", make_log1p},
    Kind{"clip", 2, true, "clip(LOWEST, HIGHEST) or clip(LOWEST, HIGHEST; COLUMNS)", make_clip},
    Kind{"standard_scaler", 0, true, "standard_scaler or standard_scaler(COLUMNS)", make_standard_scaler},
    Kind{"polynomial", 0, true, "polynomial or polynomial(COLUMNS)", make_polynomial},
    Kind{"select", 0, false, "select(COLUMNS)", make_select},
    Kind{"hash", 1, true, "hash(BUCKETS) or hash(BUCKETS; COLUMNS)", make_hash},
};

std::string shown(std::string_view text) { return "'" + std::string(text.substr(0, kMostShown)) + "'"; }

std::string listed(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
    text += (i ? ", " : "") + names[i];
  }
  return text + (names.size() > kMostNamed ? ", ... (" + std::to_string(names.size()) + " in all)" : "");
}

const Kind& kind_named(std::string_view name) {
  std::string names;
  for (const Kind& kind : kKinds) {
    if (kind.name == name) {
      return kind;
    }
    names += (names.empty() ? "" : ", ") + std::string(kind.name);
  }
  throw std::invalid_argument("there is no transform " + shown(name) + ": it is one of " + names);
}

// Their positions, increasing.
Columns positions(const std::vector<std::string>& wanted, const Names& names) {
  Columns columns;
  for (const std::string& name : wanted) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw std::invalid_argument("there is no column " + shown(name) + " here: there are " + listed(names));
    }
    columns.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  std::sort(columns.begin(), columns.end());
  if (const auto twice = std::adjacent_find(columns.begin(), columns.end()); twice != columns.end()) {
    throw std::invalid_argument("column " + shown(names[*twice]) + " is listed twice");
  }
  return columns;
}

void check_distinct(const Names& names) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      throw std::invalid_argument("it makes a column " + shown(name) + ", and there is one of that name already");
    }
  }
}

// Behind the features: the target, and the weight, event time and key that there are.
std::size_t columns_behind(const RowsView& rows) {
  std::size_t end = rows.features + (rows.weighted ? 2 : 1);
  for (const std::size_t column : {rows.time_column, rows.key_column}) {
    end = column == kNoColumn ? end : std::max(end, column + 1);
  }
  return end - rows.features;
}

}  // namespace

std::vector<std::string> column_names(std::size_t columns, std::span<const std::string> names) {
  require(names.empty() || names.size() == columns, "every column has a name, or none has");
  std::vector<std::string> all(names.begin(), names.end());
  for (std::size_t column = all.size(); column < columns; ++column) {
    all.push_back(std::to_string(column));
  }
  return all;
}

Transforms::Transforms(std::string_view text, std::vector<std::string> names)
    : features_(names.size()), names_(std::move(names)), room_(features_) {
  if (text.empty()) {
    return;
  }
  for (const std::string_view part : split(text, '|')) {
    try {
      add(part);
    } catch (const std::invalid_argument& problem) {
      throw std::invalid_argument("transform " + std::to_string(links_.size() + 1) + ", " + shown(part) + ": " +
                                  problem.what());
    }
  }
}

Transforms Transforms::none(std::size_t features) {
  Transforms none;
  none.features_ = features;
  none.room_ = features;
  return none;
}

Transforms::Transforms(const Transforms& other) : features_(other.features_), names_(other.names_), room_(other.room_) {
  for (const std::unique_ptr<Transform>& link : other.links_) {
    links_.push_back(link->clone());
  }
}

void Transforms::add(std::string_view text) {
  const WrittenTransform written = read_transform(text);
  const Kind& kind = kind_named(written.name);
  // What takes no arguments has its columns where the arguments of others stand.
  const bool columns_first = kind.arguments == 0;
  const std::vector<std::string>& arguments = columns_first ? written.second : written.first;
  const std::vector<std::string>& wanted = columns_first ? written.first : written.second;
  const bool well_written = arguments.size() == kind.arguments && !(columns_first && written.has_second) &&
                            (kind.of_all_columns || !wanted.empty());
  if (!well_written) {
    throw std::invalid_argument("it is written " + std::string(kind.how_written));
  }
  Columns columns(names_.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  if (!wanted.empty()) {
    columns = positions(wanted, names_);
  }
  std::unique_ptr<Transform> link = kind.make(arguments, std::move(columns), names_);
  check_distinct(names_);
  links_.push_back(std::move(link));
  room_ = std::max(room_, names_.size());
}

bool Transforms::takes_missing(std::size_t column) const {
  std::array<double, kMaxFeatures> row{};
  row[column] = std::numeric_limits<double>::quiet_NaN();
  for (const std::unique_ptr<Transform>& link : links_) {
    link->transform(row.data());
  }
  return std::none_of(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(names_.size()),
                      [](double value) { return std::isnan(value); });
}

RowsView Transforms::learn(const RowsView& rows) {
  return pass(rows, [](Transform& link, double* row, double weight) { link.learn(row, weight); });
}

RowsView Transforms::transform(const RowsView& rows) {
  return pass(rows, [](const Transform& link, double* row, double) { link.transform(row); });
}

RowsView Transforms::pass(const RowsView& rows, const auto& through) {
  if (links_.empty()) {
    return rows;
  }
  require(rows.features == features_, "rows have the features that the transforms were made for");
  const std::size_t behind = columns_behind(rows);
  const std::size_t width = names_.size();
  std::size_t end = width + behind;
  // An event time or a key that is a feature stands behind the others as it came.
  const auto is_feature = [&](std::size_t column) { return column < features_; };
  const auto moved = [&](std::size_t column) {
    if (column == kNoColumn) {
      return kNoColumn;
    }
    return is_feature(column) ? end++ : column - features_ + width;
  };
  RowsView transformed = rows;
  transformed.time_column = moved(rows.time_column);
  transformed.key_column = moved(rows.key_column);
  transformed.id_column = kNoColumn;
  const std::size_t stride = std::max(room_, end);
  rows_.resize(std::max(rows_.size(), rows.count * stride));
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double* from = rows.row(i);
    double* to = rows_.data() + i * stride;
    std::copy_n(from, features_, to);
    for (const std::unique_ptr<Transform>& link : links_) {
      through(*link, to, rows.weight(i));
    }
    std::copy_n(from + features_, behind, to + width);
    for (const auto& [came, stands] :
         {std::pair(rows.time_column, transformed.time_column), std::pair(rows.key_column, transformed.key_column)}) {
      if (is_feature(came)) {
        to[stands] = from[came];
      }
    }
  }
  transformed.data = rows_.data();
  transformed.stride = stride;
  transformed.features = width;
  return transformed;
}

void Transforms::transform(const double* x, double* row) const {
  std::copy_n(x, features_, row);
  for (const std::unique_ptr<Transform>& link : links_) {
    link->transform(row);
  }
}

void Transforms::see(const Transforms& others) {
  require(links_.size() == others.links_.size(), "chains that see each other have the same transforms");
  for (std::size_t i = 0; i < links_.size(); ++i) {
    links_[i]->see(*others.links_[i]);
  }
}

void Transforms::merge(const Transforms& other) {
  require(links_.size() == other.links_.size(), "merged chains have the same transforms");
  for (std::size_t i = 0; i < links_.size(); ++i) {
    links_[i]->merge(*other.links_[i]);
  }
}

void Transforms::encode(StateWriter& writer) const {
  for (const std::unique_ptr<Transform>& link : links_) {
    link->encode(writer);
  }
}

DecodeError Transforms::decode(StateReader& reader) {
  for (const std::unique_ptr<Transform>& link : links_) {
    if (const DecodeError damage = link->decode(reader); damage != DecodeError::kNone) {
      return damage;
    }
  }
  return DecodeError::kNone;
}

}  // namespace accrue::models
