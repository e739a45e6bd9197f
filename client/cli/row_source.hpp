// Rows of numbers from a CSV file or standard input, for the commands that read one.
//
// For one thread. A pipe's lines are returned as they come; memory is bounded whatever the input. A bad line ends the
// rows, and stopped() says why; or it is skipped, where that was asked for: the first kComplaints are told on standard
// error, all are counted.
// Errors: std::runtime_error where the file cannot be opened, or its header lacks a column. A read that fails later
// ends the rows like a bad line, skipped or not: what was read before it counts.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <span>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "datasets/csv.hpp"

namespace accrue::cli {

// The file in messages: "stdin" for "-", which is standard input.
std::string shown_name(const std::string& file);

// Reads a file descriptor as its bytes come, and knows how far it is.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(const std::string& file);  // "-" is standard input
  ~DescriptorBuffer() override;
  DescriptorBuffer(const DescriptorBuffer&) = delete;
  DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;

  bool would_wait();                       // there is no whole line to be read now
  std::optional<double> fraction() const;  // of a regular file that is read

 protected:
  int_type underflow() override;

 private:
  int descriptor_;
  std::uint64_t size_ = 0;  // 0 where it is not known
  std::uint64_t read_ = 0;
  std::vector<char> bytes_;
};

enum class [[nodiscard]] NextRow : std::uint8_t{kRow, kSkipped, kEnd};

// What becomes of lines that cannot be used.
class BadLines {
 public:
  static constexpr std::uint64_t kComplaints = 10;

  BadLines(std::string file, bool skip) : file_(std::move(file)), skip_(skip) {}
  ~BadLines();  // sums up what was skipped
  BadLines(const BadLines&) = delete;
  BadLines& operator=(const BadLines&) = delete;

  NextRow take(const std::string& what);
  void stop(const std::string& why) { stopped_ = why; }

  const std::string& stopped() const { return stopped_; }  // empty: all was read
  std::uint64_t skipped() const { return skipped_; }

 private:
  std::string file_;
  bool skip_;
  std::string stopped_;
  std::uint64_t skipped_ = 0;
};

class RowSource {
 public:
  RowSource(const std::string& file, bool skip_bad);

  const std::vector<std::string>& columns();  // of the header, which is read when first asked for
  void select(const std::vector<std::string>& names, const std::vector<bool>& may_be_empty = {});  // as CsvReader does
  NextRow next(std::span<double> row);
  NextRow refuse(const std::string& why);  // the row that next() returned last: its line is bad, too

  const std::string& stopped() const { return bad_.stopped(); }
  std::uint64_t skipped() const { return bad_.skipped(); }
  bool would_wait() { return buffer_.would_wait(); }
  std::optional<double> fraction() const { return buffer_.fraction(); }

 private:
  datasets::CsvReader& csv();

  std::string name_;
  DescriptorBuffer buffer_;
  std::istream in_;
  std::optional<datasets::CsvReader> csv_;
  BadLines bad_;
};

}  // namespace accrue::cli
