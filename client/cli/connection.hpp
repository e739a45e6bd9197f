// How every command reaches the daemon and how its answer is written.
//
// Errors: accrue::Error, as the client library throws it. A daemon that does not answer is Kind::kTimeout.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "accrue/client.hpp"
#include "client/cli/output.hpp"

namespace accrue::cli {

struct Connection {
  std::string endpoint;
  double timeout_s = 10;
  Format format = Format::kTable;

  std::chrono::milliseconds timeout() const;
};

Client connect(const Connection& connection, std::size_t batch_rows = ClientOptions().batch_rows);

std::optional<StreamStatus> find_stream(const Client& client, const std::string& name);
StreamStatus existing_stream(const Client& client, const std::string& name);  // throws kUnknownStream

std::string no_answer(const Connection& connection);  // what to say when nothing answered in time

}  // namespace accrue::cli
