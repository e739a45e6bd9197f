// Sparse rows from a file or standard input, in the form of libsvm: a line is a row,
//
//   TARGET FEATURE:VALUE FEATURE:VALUE ...  # what stands behind a # does not count
//
// with blanks or tabs between. A FEATURE that is a whole number is the feature of that number, from 0, below the
// dimension (so what counts from 1 leaves feature 0 alone, and needs a dimension of one more than its last); any other
// text is a name, whose number is hashed_feature()'s. The name ends with the last colon. Values of a feature that comes
// twice are added up. Rows to predict may lack the target.
//
// For one thread. As RowSource for what cannot be read, and for what is skipped; lines without a row are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/row_source.hpp"

namespace accrue::cli {

struct SparseInput {
  std::optional<double> target;
  std::vector<std::uint32_t> columns;
  std::vector<double> values;
};

// What is wrong with the line; empty where nothing is, and `row` then has what it says.
std::string read_sparse(std::string_view line, std::uint32_t dimension, SparseInput& row);

class SparseSource {
 public:
  static constexpr std::size_t kMaxLineBytes = 4'194'304;

  SparseSource(const std::string& file, std::uint32_t dimension, bool skip_bad);

  NextRow next(SparseInput& row);
  NextRow refuse(const std::string& why);  // the row that next() returned last: its line is bad, too

  const std::string& stopped() const { return bad_.stopped(); }
  std::uint64_t skipped() const { return bad_.skipped(); }
  bool would_wait() { return buffer_.would_wait(); }
  std::optional<double> fraction() const { return buffer_.fraction(); }

 private:
  bool read_line();

  std::string name_;
  std::uint32_t dimension_;
  DescriptorBuffer buffer_;
  BadLines bad_;
  std::string line_;
  bool too_long_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace accrue::cli
