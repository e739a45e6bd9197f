#include "client/cli/feed.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"

namespace accrue::cli {

Feed::Feed(Stream stream) : stream_(std::move(stream)) {}

void Feed::push(std::span<const double> rows) {
  if (!started_) started_ = steady_seconds();
  try {
    stream_.push_rows(rows);
  } catch (const Error& error) {
    throw complete(error);
  }
  rows_ += rows.size() / stream_.columns();
}

void Feed::push_sparse(std::span<const std::uint32_t> columns, std::span<const double> values, double target) {
  if (!started_) started_ = steady_seconds();
  try {
    stream_.push_sparse(columns, values, target);
  } catch (const Error& error) {
    throw complete(error);
  }
  ++rows_;
}

FlushReport Feed::flush() {
  for (;;) {
    const std::uint64_t durable = stream_.progress().durable_rows;
    try {
      const FlushReport report = stream_.flush();
      if (started_) seconds_ = steady_seconds() - *started_;
      return report;
    } catch (const Error& error) {
      const bool advancing = stream_.progress().durable_rows > durable;
      if (error.kind() != Error::Kind::kTimeout || !advancing) throw complete(error);
    }
  }
}

double Feed::rows_per_second() const { return seconds_ > 0 ? static_cast<double>(rows_) / seconds_ : 0; }

// A timeout here is told as a refusal: the daemon did answer, at first.
Error Feed::complete(const Error& error) const {
  return {Error::Kind::kRefused,
          std::string(error.what()) + "; durable by now: " + counted_rows(stream_.progress().durable_rows)};
}

}  // namespace accrue::cli
