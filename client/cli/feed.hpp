// Rows on their way into a stream, counted and timed, until all are durable.
//
// For one thread. Errors: accrue::Error as the client library throws it, its message completed by how many rows are
// durable by then.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "accrue/client.hpp"

namespace accrue::cli {

class Feed {
 public:
  explicit Feed(Stream stream);

  const Stream& stream() const { return stream_; }
  void push(std::span<const double> rows);  // whole rows
  void push_sparse(std::span<const std::uint32_t> columns, std::span<const double> values, double target);
  FlushReport flush();  // waits as long as rows become durable

  std::uint64_t rows() const { return rows_; }  // pushed
  double seconds() const { return seconds_; }   // from the first push until flush() returned
  double rows_per_second() const;

 private:
  Error complete(const Error& error) const;

  Stream stream_;
  std::uint64_t rows_ = 0;
  std::optional<double> started_;
  double seconds_ = 0;
};

}  // namespace accrue::cli
