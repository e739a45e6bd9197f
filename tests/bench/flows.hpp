// Rows moved as fast as they go for a while, until the last is known to have arrived: by accrue's client, and by the
// references, which move the same bytes from the same matrix and learn nothing. All answer rows a second, from the
// first row until the last was acknowledged, for accrue as durable.
//
// Each sender copies the user's rows once, into a message, as it must where the user may go on to change them.
// One thread each. Errors: std::runtime_error, accrue::Error.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <accrue/client.hpp>

#include "tests/bench/rows.hpp"
#include "tests/support/child_process.hpp"

namespace accrue::bench {

inline constexpr std::size_t kWindowBytes = 64u << 20;  // outstanding at most, as accrue has it by default

// Of every daemon measured for long: nobody reads its log, which would fill the pipe and stop it.
inline const std::vector<std::string> kQuiet = {"--log-level", "warn"};

// A bench_reference of its own.
class Reference {
 public:
  explicit Reference(const std::vector<std::string>& arguments);
  const std::string& endpoint() const { return endpoint_; }  // of tcp, the port
 private:
  tests::ChildProcess process_;
  std::string endpoint_;
};

// The stream's client sends batches of as many rows as are pushed in one call.
double accrue_flow(Stream& stream, const Rows& rows, std::size_t batch_rows, Seconds time);
// One call a row.
double accrue_single_rows(Stream& stream, const Rows& rows, Seconds time);
// DEALER to ROUTER: every message is acknowledged by a small one.
double zeromq_flow(const std::string& endpoint, const Rows& rows, std::size_t batch_rows, Seconds time);
// Acknowledged once, at the end.
double tcp_flow(const std::string& port, const Rows& rows, std::size_t batch_rows, Seconds time);
double memcpy_flow(const Rows& rows, std::size_t batch_rows, Seconds time);

}  // namespace accrue::bench
