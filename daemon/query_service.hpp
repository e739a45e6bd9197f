// Answers queries from snapshots, on a thread and a socket of its own: a prediction never waits behind rows. What is
// asked of a past epoch comes from the store.
//
// Construct anywhere, call run() on the service's own thread; it returns when the context of its socket is shut down.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "daemon/daemon_facts.hpp"
#include "daemon/health.hpp"
#include "daemon/history.hpp"
#include "daemon/latencies.hpp"
#include "daemon/snapshot.hpp"
#include "ingest/gauges.hpp"
#include "ingest/receiver.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::daemon {

class QueryService {
 public:
  // `socket` is bound (ingest::client_socket).
  QueryService(zmq::socket_t socket, DaemonFacts facts, std::filesystem::path store_file, const SnapshotBoard& board,
               const Health& health, ingest::ClientMemory& memory, const ingest::Gauges& gauges, Latencies& latencies);
  void run();

 private:
  void answer(const ingest::SessionId& client, wire::BytesView message);
  // Whether it was that query; `reply` is the answer then.
  template <class Query>
  bool replies(wire::Bytes& reply);
  wire::Bytes reply_to(wire::Predict& query);
  wire::Bytes reply_to(const wire::GetCoef& query);
  wire::Bytes reply_to(const wire::GetMetrics& query) const;
  wire::Bytes reply_to(const wire::GetModels& query) const;
  wire::Bytes reply_to(const wire::GetStatus& query) const;
  wire::Bytes reply_to(const wire::GetEpochs& query) const;
  wire::Bytes reply_to(const wire::GetHistory& query) const;
  std::string predict_dense(wire::Predict& query, const Snapshot& snapshot, const models::Model& model);
  std::string predict_sparse(const wire::Predict& query, const Snapshot& snapshot, const models::Model& model);
  std::span<const double> with_key_behind(std::span<const double> rows, const wire::StreamSpec& spec);
  void predict_rows(const Snapshot& snapshot, const models::Model& model, const double* rows, std::size_t columns);

  // The model that a question is about, or the refusal where there is none.
  struct Subject {
    std::shared_ptr<const Snapshot> snapshot;
    const models::Model* model = nullptr;
    wire::Bytes refusal;
  };
  Subject subject(std::uint64_t request, const std::string& stream, std::optional<std::uint64_t> epoch,
                  const std::string& model);

  zmq::socket_t clients_;
  DaemonFacts facts_;
  const SnapshotBoard& board_;
  const Health& health_;
  ingest::ClientMemory& memory_;
  const ingest::Gauges& gauges_;
  Latencies& latencies_;
  History history_;
  wire::Frame frame_;
  std::vector<double> copied_;   // scratch of predict: rows that cannot be read where they are
  std::vector<double> values_;   // likewise its answer
  std::vector<double> margins_;  // ...
};

}  // namespace accrue::daemon
