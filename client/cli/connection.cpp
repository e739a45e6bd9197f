#include "client/cli/connection.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace accrue::cli {

std::chrono::milliseconds Connection::timeout() const {
  return std::chrono::milliseconds(std::llround(1000 * timeout_s));
}

Client connect(const Connection& connection, std::size_t batch_rows) {
  ClientOptions options;
  options.batch_rows = batch_rows;
  options.endpoint = connection.endpoint;
  options.timeout = connection.timeout();
  return Client(options);
}

std::optional<StreamStatus> find_stream(const Client& client, const std::string& name) {
  Status status = client.status();
  const auto found = std::find_if(status.streams.begin(), status.streams.end(),
                                  [&](const StreamStatus& stream) { return stream.name == name; });
  if (found == status.streams.end()) return std::nullopt;
  return std::move(*found);
}

StreamStatus existing_stream(const Client& client, const std::string& name) {
  if (auto stream = find_stream(client, name)) return *std::move(stream);
  throw Error(Error::Kind::kUnknownStream, "there is no stream '" + name + "'; accrue streams lists those there are");
}

std::string no_answer(const Connection& connection) {
  return "no accrued answers at " + connection.endpoint + "; start one with: accrued --data DIR";
}

}  // namespace accrue::cli
