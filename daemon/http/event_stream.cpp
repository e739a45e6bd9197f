#include "daemon/http/event_stream.hpp"

#include <charconv>
#include <utility>

#include "daemon/answers.hpp"
#include "daemon/http/answers_json.hpp"
#include "daemon/http/api.hpp"

namespace accrue::daemon::http {
namespace {

constexpr std::chrono::seconds kKeepAlive{15};

const char* name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kEpoch: return "metrics";
    case Event::Kind::kDrift: return "drift";
    case Event::Kind::kRecovery: return "recovery";
    case Event::Kind::kDegraded: return "degraded";
  }
  return "unknown";
}

Json metrics_event(const Snapshot& snapshot) {
  Json models = Json::array();
  for (const models::Model& model : snapshot.models.models()) {
    Json metrics = json_of(metrics_of(snapshot, model));
    metrics["champion"] = &model == &snapshot.models.champion();
    models.push_back(std::move(metrics));
  }
  return {
      {"stream", snapshot.stream}, {"epoch", snapshot.epoch}, {"rows", snapshot.rows}, {"models", std::move(models)}};
}

std::uint64_t id_from(const std::string& text, std::uint64_t otherwise) {
  std::uint64_t id = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), id);
  return id;
}

}  // namespace

bool ListenersPlace::taken() const { return number_ <= kMaxListeners; }

EventStream::EventStream(Events& events, const SnapshotBoard& board, std::string stream,
                         const std::string& last_event_id)
    : events_(events), board_(board), stream_(std::move(stream)), last_(id_from(last_event_id, events.newest())) {}

std::string EventStream::next_piece() {
  if (!std::exchange(begun_, true)) return "retry: 1000\n\n";  // ms, before a listener who was cut off comes again
  const auto deadline = std::chrono::steady_clock::now() + kKeepAlive;
  while (const auto event = events_.next(last_, deadline)) {
    last_ = event->id;
    if (std::string piece = piece_of(*event); !piece.empty()) return piece;
  }
  return events_.closed() ? "" : ": still here\n\n";
}

// Empty where it is not this listener's, or has been told.
std::string EventStream::piece_of(const Event& event) {
  if (!stream_.empty() && !event.stream.empty() && event.stream != stream_) return {};
  Json data = event.data;
  if (event.kind == Event::Kind::kEpoch) {
    const auto snapshot = board_.find(event.stream);
    if (!snapshot || std::exchange(told_epochs_[event.stream], snapshot->epoch) == snapshot->epoch) return {};
    data = metrics_event(*snapshot);
  }
  return "id: " + std::to_string(event.id) + "\nevent: " + name_of(event.kind) + "\ndata: " + data.dump() + "\n\n";
}

}  // namespace accrue::daemon::http
