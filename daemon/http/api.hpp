// What there is to ask of accrued by HTTP (openapi.json describes it): each route and what it does. Everything but the
// list of streams goes by the protocol that other clients speak (Conversation).
//
// Any thread, several at once. Errors: Problem.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/events.hpp"
#include "daemon/exposition.hpp"
#include "daemon/http/call.hpp"
#include "daemon/http/conversation.hpp"
#include "daemon/snapshot.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::daemon::http {

inline constexpr int kMaxListeners = 16;          // to events, at once
inline constexpr std::size_t kMaxKeyBytes = 100;  // of an Idempotency-Key

class Api {
 public:
  Api(const Inside& inside, const SnapshotBoard& board, Events& events, const Exposition& exposition);

  std::vector<Route> routes();

 private:
  Answer status(const Call& call);
  Answer list_streams(const Call& call);
  Answer create_stream(const Call& call);
  Answer show_stream(const Call& call);
  Answer drop_stream(const Call& call);
  Answer roll_back(const Call& call);
  Answer learn(const Call& call);
  Answer predict(const Call& call);
  Answer list_models(const Call& call);
  Answer add_model(const Call& call);
  Answer drop_model(const Call& call);
  Answer promote_model(const Call& call);
  Answer coef(const Call& call);
  Answer metrics(const Call& call);
  Answer history(const Call& call);
  Answer epochs(const Call& call);
  Answer listen(const Call& call);
  Answer is_ready(const Call& call);

  std::shared_ptr<const Snapshot> snapshot_of(const std::string& stream) const;

  const Inside inside_;
  const SnapshotBoard& board_;
  Events& events_;
  const Exposition& exposition_;
  JsonBodies bodies_;
  std::atomic<int> listeners_{0};
};

// The description that is served at /openapi.json.
const char* openapi_json();

}  // namespace accrue::daemon::http
