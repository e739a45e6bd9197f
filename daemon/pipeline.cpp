#include "daemon/pipeline.hpp"

#include <chrono>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "daemon/data_directory.hpp"
#include "daemon/events.hpp"
#include "daemon/exposition.hpp"
#include "daemon/http/api.hpp"
#include "daemon/http/server.hpp"
#include "daemon/log.hpp"
#include "daemon/loops.hpp"
#include "daemon/query_service.hpp"
#include "daemon/recovery.hpp"
#include "daemon/stop_flag.hpp"
#include "daemon/worker_processes.hpp"
#include "ingest/link.hpp"
#include "ingest/receiver.hpp"

namespace accrue::daemon {
namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr std::chrono::milliseconds kStopTimeout{4'000};  // SIGTERM promises an end within 5 s

// memory_limit_mb as daemon/DELIVERY.md shares it out.
struct Shares {
  std::size_t batches;   // accepted and not durable
  std::size_t incoming;  // these and messages of clients that are not taken yet
  std::size_t outgoing;  // messages to clients that have not left yet
};
Shares shares_of(const Config& config) {
  const std::size_t limit = config.memory_limit_mb * kMiB;
  return {.batches = limit / 2, .incoming = limit / 8 * 5, .outgoing = limit / 8};
}

ingest::IntakeOptions intake_options(const Config& config, std::string query) {
  ingest::IntakeOptions options;
  options.streams.version = ACCRUE_VERSION;
  options.streams.epoch_interval = std::chrono::milliseconds(config.epoch_interval_ms);
  options.streams.epoch_rows = config.epoch_rows;
  options.streams.window_bytes = config.window_mb * kMiB;
  options.streams.workers = config.workers;
  options.query_endpoint = std::move(query);
  options.memory_bytes = shares_of(config).batches;
  options.max_message_bytes = config.max_message_mb * kMiB;
  options.max_streams = config.max_streams;
  options.problem_with_models = problem_with_first_models;
  options.streams.features_that_may_be_missing = features_that_may_be_missing;
  return options;
}

// A thread that fails would leave a daemon that only looks alive: end the process. Recovery is the same as after any
// other end, and nothing acknowledged is lost.
template <class Work>
std::thread start(const char* name, Work work) {
  return std::thread([name, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& error) {
      log_error("thread_failed", {{"thread", name}, {"reason", error.what()}});
      std::_Exit(1);
    }
  });
}

}  // namespace

struct Pipeline::Parts {
  explicit Parts(const Config& configuration)
      : config(configuration),
        facts{ACCRUE_VERSION, std::filesystem::absolute(config.data_dir).string(), config.memory_limit_mb * kMiB},
        directory(config.data_dir),
        listener(ingest::client_socket(context, config.listen, config.max_message_mb * kMiB)),
        query_listener(ingest::client_socket(query_context, query_endpoint(config), config.max_message_mb * kMiB)),
        endpoint(listener.get(zmq::sockopt::last_endpoint)),
        memory({shares_of(config).incoming, shares_of(config).outgoing}, gauges, [](std::size_t unread_bytes) {
          log_warn("connection_closed", {{"reason", "memory_limit_mb"}, {"unread_bytes", unread_bytes}});
        }) {
    zmq::socket_t worker_listener = ingest::worker_socket(context, worker_endpoint(config));
    worker_address = worker_listener.get(zmq::sockopt::last_endpoint);
    const StoreOptions store_options{.keep_epochs = config.keep_epochs, .keep_epochs_hours = config.keep_epochs_hours};
    auto store = std::make_unique<Store>(directory.store_file(), store_options);
    auto streams = recover(*store, board);
    committer.emplace(context, std::move(store), CommitterOptions{directory.store_file(), store_options},
                      Publication{board, health, events, latencies});
    const std::string query = query_listener.get(zmq::sockopt::last_endpoint);
    listener.bind(http::kRowsLink);
    query_listener.bind(http::kQueryLink);
    memory.watch(endpoint);
    memory.watch(query);
    ingest::IntakeOptions intake = intake_options(config, query);
    intake.streams.on_durable = [this](const std::string& stream, const ingest::EpochDurations& durations) {
      latencies.made_durable(stream, durations.since_cut, durations.since_first_row);
    };
    receiver.emplace(context, std::move(listener), std::move(worker_listener), std::move(intake), memory, gauges,
                     worker_events());
    if (config.worker_kind == WorkerKind::kThreads) {
      for (std::uint32_t i = 0; i < config.workers; ++i) {
        workers.emplace_back(context, ingest::kWorkersLink, "thread " + std::to_string(i));
      }
    }
    queries.emplace(std::move(query_listener), facts, directory.store_file(), board, health, memory, gauges, latencies);
    if (const auto address = http_address(config)) serve_http(*address);
    const std::size_t count = streams.size();
    for (ingest::RecoveredStream& stream : streams) {
      tell_recovery(stream, events);
      committer->know(stream.id, stream.name, stream.spec);
      receiver->recover(std::move(stream));
    }
    log_info("started", {{"version", ACCRUE_VERSION},
                         {"endpoint", endpoint},
                         {"queries", query},
                         {"http", server ? nlohmann::ordered_json(server->url()) : nlohmann::ordered_json()},
                         {"data", facts.data_dir},
                         {"workers", config.workers},
                         {"streams", count}});
  }

  void serve_http(const HttpAddress& address) {
    const http::Inside inside{context, query_context, stop_requests.descriptor()};
    api.emplace(inside, board, events, exposition);
    server.emplace(address, api->routes());
  }

  void stop_http() {
    stop_requests.set();
    events.close();
    server->stop();
  }

  ingest::WorkerEvents worker_events() {
    return {.joined =
                [](const std::string& name) {
                  log_info("worker_joined", {{"worker", name}});
                },
            .lost =
                [this](const std::string& name, const std::string& why) {
                  log_warn("worker_lost", {{"worker", name}, {"reason", why}});
                  if (processes) processes->kill(name);
                }};
  }

  void tell_receiver(const wire::Bytes& message) {
    zmq::socket_t socket = ingest::push_socket(context, ingest::kReceiverLink);
    ingest::send(socket, message);
  }

  const Config config;
  const DaemonFacts facts;
  DataDirectory directory;
  zmq::context_t context;
  zmq::context_t query_context;  // has a network thread of its own, so that queries never queue behind rows
  zmq::socket_t listener;
  zmq::socket_t query_listener;
  const std::string endpoint;
  std::string worker_address;
  SnapshotBoard board;
  Health health;
  Events events;
  ingest::Gauges gauges;
  Latencies latencies;
  Exposition exposition{facts, board, health, gauges, latencies};
  ingest::ClientMemory memory;
  std::optional<CommitterLoop> committer;
  std::optional<ingest::Receiver> receiver;
  StopFlag stop_workers;
  std::deque<WorkerLoop> workers;  // threads of this process
  std::optional<WorkerProcesses> processes;
  std::optional<QueryService> queries;
  StopFlag stop_requests;  // of HTTP
  std::optional<http::Api> api;
  std::optional<http::Server> server;
};

Pipeline::Pipeline(const Config& config) : parts_(std::make_unique<Parts>(config)) {}
Pipeline::~Pipeline() = default;

const std::string& Pipeline::endpoint() const { return parts_->endpoint; }
std::string Pipeline::http_url() const { return parts_->server ? parts_->server->url() : std::string(); }

bool Pipeline::run(const std::function<void()>& wait_for_stop) {
  Parts& parts = *parts_;
  bool all_durable = false;
  std::vector<std::thread> threads;
  threads.push_back(start("committer", [&] { parts.committer->run(); }));
  for (WorkerLoop& worker : parts.workers) {
    threads.push_back(start("worker", [&] { worker.run(parts.stop_workers.descriptor()); }));
  }
  if (parts.config.worker_kind == WorkerKind::kProcesses) {
    parts.processes.emplace(parts.config, parts.worker_address, [&](const std::string& name) {
      parts.tell_receiver(wire::encode(ingest::WorkerGone{name}));
    });
  }
  threads.push_back(start("query", [&] { parts.queries->run(); }));
  if (parts.server) threads.push_back(start("http", [&] { parts.server->run(); }));
  std::thread receiver = start("receiver", [&] { all_durable = parts.receiver->run(kStopTimeout); });

  wait_for_stop();

  const auto stop = [&](const std::string& link) {
    zmq::socket_t socket = ingest::push_socket(parts.context, link);
    ingest::send(socket, wire::encode(ingest::Stop{}));
  };
  if (parts.server) parts.stop_http();
  stop(ingest::kReceiverLink);
  receiver.join();  // the others serve it until it has nothing left to make durable
  parts.processes.reset();
  parts.stop_workers.set();
  stop(ingest::kCommitterLink);
  parts.query_context.shutdown();
  for (std::thread& thread : threads) thread.join();
  log_info("stopped", {{"all_durable", all_durable}});
  return all_durable;
}

}  // namespace accrue::daemon
